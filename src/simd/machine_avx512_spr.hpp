// AVX-512 with three extensions: VNNI multiplies bytes, VPOPCNTDQ counts bits, VBMI looks up bytes in tables of 64. Nothing
// else that is new in Sapphire Rapids is used, so that Ice Lake and Zen 4 have this level, too.
//
// Halves are widened and added up in float32 here, too: arithmetic in FP16 or with BF16 products would be faster in
// cache, but it rounds the query or the sums to 11 or 8 bits.
#pragma once

#include "simd/machine_avx512.hpp"

namespace tonari::simd {
namespace {

struct Avx512Spr : Avx512 {
    static constexpr Level level = Level::avx512_spr;
    static constexpr bool has_vnni = true;

    /// sum + four products of an unsigned and a signed byte, in each 32-bit lane; never saturates.
    static TONARI_INLINE I multiply_bytes(I sum, B any_unsigned, B any_signed) noexcept {
        return _mm512_dpbusd_epi32(sum, any_unsigned, any_signed);
    }
    /// Bytes beyond n are `fill`.
    static TONARI_INLINE B bytes_part_or(const std::byte* at, std::size_t n, B fill) noexcept {
        return _mm512_mask_loadu_epi8(fill, mask64(n), at);
    }
    static TONARI_INLINE B every_byte(int value) noexcept { return _mm512_set1_epi8(static_cast<char>(value)); }
    static TONARI_INLINE I doubled(I a) noexcept { return _mm512_slli_epi32(a, 1); }

    static TONARI_INLINE I different_bits(I sum, B a, B b) noexcept {
        return _mm512_add_epi32(sum, _mm512_popcnt_epi64(_mm512_xor_si512(a, b)));
    }

    // Four rows of 16 bytes fill one vector, four of 32 bytes two.
    template <std::size_t Bytes>
    static TONARI_INLINE B repeat_query(const std::byte* query) noexcept {
        if constexpr (Bytes == 16) return _mm512_broadcast_i32x4(_mm_loadu_si128(at16(query)));
        return _mm512_broadcast_i64x4(_mm256_loadu_si256(at32(query)));
    }
    template <std::size_t Bytes>
    static TONARI_INLINE FourSums different_bits_of_four(B query, const std::byte* const* rows) noexcept {
        if constexpr (Bytes == 16) {
            B four = _mm512_castsi128_si512(_mm_loadu_si128(at16(rows[0])));
            four = _mm512_inserti32x4(four, _mm_loadu_si128(at16(rows[1])), 1);
            four = _mm512_inserti32x4(four, _mm_loadu_si128(at16(rows[2])), 2);
            four = _mm512_inserti32x4(four, _mm_loadu_si128(at16(rows[3])), 3);
            const __m512i counts = _mm512_popcnt_epi64(_mm512_xor_si512(query, four));
            const __m512i sums = _mm512_add_epi64(counts, _mm512_unpackhi_epi64(counts, counts));
            return pick(sums, 0, 4, 8, 12);
        } else {
            const __m512i first = _mm512_popcnt_epi64(_mm512_xor_si512(query, two_rows(rows[0], rows[1])));
            const __m512i second = _mm512_popcnt_epi64(_mm512_xor_si512(query, two_rows(rows[2], rows[3])));
            const __m512i pairs =
                _mm512_add_epi64(_mm512_unpacklo_epi64(first, second), _mm512_unpackhi_epi64(first, second));
            const __m512i sums = _mm512_add_epi64(pairs, _mm512_shuffle_i64x2(pairs, pairs, 0xB1));
            return pick(sums, 0, 8, 2, 10);
        }
    }

    /// A quad's table fits one register: a code with its part's number above it is the place to look at, and a product with
    /// ones adds up the four parts of a row.
    static TONARI_INLINE void add_entries(const std::uint8_t* table, std::size_t quads, const std::byte* codes,
                                          std::int32_t* sums) noexcept {
        __m512i lower[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
        __m512i upper[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
        std::size_t quad = 0;
        for (; quad + 2 <= quads; quad += 2) {  // two chains of sums, for the latency
            add_quad(table + quad * 64, codes + quad * 64, lower[0], upper[0]);
            add_quad(table + quad * 64 + 64, codes + quad * 64 + 64, lower[1], upper[1]);
        }
        if (quad < quads) add_quad(table + quad * 64, codes + quad * 64, lower[0], upper[0]);
        _mm512_store_si512(sums, _mm512_add_epi32(lower[0], lower[1]));
        _mm512_store_si512(sums + 16, _mm512_add_epi32(upper[0], upper[1]));
    }

private:
    static TONARI_INLINE void add_quad(const std::uint8_t* table, const std::byte* codes, __m512i& lower,
                                       __m512i& upper) noexcept {
        constexpr int masked_or = 0xEA;  // (a & b) | c
        const __m512i part = _mm512_set1_epi32(0x30201000);
        const __m512i low = _mm512_set1_epi8(15);
        const __m512i ones = _mm512_set1_epi8(1);
        const __m512i entries = _mm512_loadu_si512(table);
        const __m512i both = _mm512_loadu_si512(codes);
        const __m512i first = _mm512_ternarylogic_epi32(both, low, part, masked_or);
        const __m512i second = _mm512_ternarylogic_epi32(_mm512_srli_epi16(both, 4), low, part, masked_or);
        lower = _mm512_dpbusd_epi32(lower, _mm512_permutexvar_epi8(first, entries), ones);
        upper = _mm512_dpbusd_epi32(upper, _mm512_permutexvar_epi8(second, entries), ones);
    }
    static TONARI_INLINE const __m128i* at16(const std::byte* at) noexcept {
        return reinterpret_cast<const __m128i*>(at);
    }
    static TONARI_INLINE const __m256i* at32(const std::byte* at) noexcept {
        return reinterpret_cast<const __m256i*>(at);
    }
    static TONARI_INLINE B two_rows(const std::byte* first, const std::byte* second) noexcept {
        const __m512i low = _mm512_castsi256_si512(_mm256_loadu_si256(at32(first)));
        return _mm512_inserti64x4(low, _mm256_loadu_si256(at32(second)), 1);
    }
    /// The 32-bit lanes of these numbers.
    static TONARI_INLINE FourSums pick(__m512i sums, int a, int b, int c, int d) noexcept {
        const __m512i places = _mm512_castsi128_si512(_mm_setr_epi32(a, b, c, d));
        return _mm512_castsi512_si128(_mm512_permutexvar_epi32(places, sums));
    }
};

}  // namespace
}  // namespace tonari::simd
