// AVX-512 with three extensions: VNNI multiplies bytes, VPOPCNTDQ counts bits, VBMI looks up bytes in tables of 64. Nothing
// else that is new in Sapphire Rapids is used, so that Ice Lake and Zen 4 have this level, too.
//
// Halves are widened and added up in float32 here, too: arithmetic in FP16 or with BF16 products would be faster in
// cache, but it rounds the query or the sums to 11 or 8 bits.
#pragma once

#include <tonari/simd/kernels.hpp>

#include "simd/machine_avx512.hpp"
#include "simd/unroll.hpp"

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

    static TONARI_INLINE I add_half_products(I sum, B both, B low, B high) noexcept {
        const __m512i nibble = _mm512_set1_epi8(0x0F);
        sum = multiply_bytes(sum, _mm512_and_si512(both, nibble), low);
        return multiply_bytes(sum, _mm512_and_si512(_mm512_srli_epi16(both, 4), nibble), high);
    }

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

    /// Codes of a byte a part of 64 rows. Lane l of vector v is of row 4 v + l: turned around within the lanes, the
    /// codes of a part are a vector's bytes, for which four registers hold the table. Sums of 16 bits hold 256 parts;
    /// those of odd places are added up apart, and twice (256-fold) in those of all.
    template <class Sums>
    static TONARI_INLINE void add_codes(const std::uint8_t* table, std::size_t parts, const std::byte* const* rows,
                                        Sums& out) noexcept {
        constexpr std::size_t most = 256;
        constexpr std::size_t at_once = 16;
        __m512i sums[4];
        unroll<4>([&](auto g) __attribute__((always_inline)) { sums[g.value] = zero(); });
        for (std::size_t first = 0; first < parts; first += most) {
            const std::size_t last = parts - first < most ? parts : first + most;
            B all = zero();
            B odd = zero();
            std::size_t part = first;
            for (; part + at_once <= last; part += at_once) {
                __m512i codes[16];
                unroll<16>([&](auto v) __attribute__((always_inline)) {
                    codes[v.value] =
                        four_rows(rows + 4 * v.value, [&](const std::byte* row) __attribute__((always_inline)) {
                            return _mm_loadu_si128(at16(row + byte_code_factors + part));
                        });
                });
                turn_bytes(codes);
                unroll<16>([&](auto p) __attribute__((always_inline)) {
                    add_looked_up(table + (part + p.value) * points_a_byte, codes[p.value], all, odd);
                });
            }
            if (part < last) {
                const auto rest = static_cast<__mmask16>(mask16(last - part));
                __m512i codes[16];
                unroll<16>([&](auto v) __attribute__((always_inline)) {
                    codes[v.value] =
                        four_rows(rows + 4 * v.value, [&](const std::byte* row) __attribute__((always_inline)) {
                            return _mm_maskz_loadu_epi8(rest, row + byte_code_factors + part);
                        });
                });
                turn_bytes(codes);
                unroll<15>([&](auto p) __attribute__((always_inline)) {
                    if (part + p.value < last) {
                        add_looked_up(table + (part + p.value) * points_a_byte, codes[p.value], all, odd);
                    }
                });
            }
            const __m512i even = _mm512_sub_epi16(all, _mm512_slli_epi16(odd, 8));
            const __m512i low = _mm512_unpacklo_epi16(even, odd);
            const __m512i high = _mm512_unpackhi_epi16(even, odd);
            sums[0] = _mm512_add_epi32(sums[0], _mm512_unpacklo_epi16(low, zero()));
            sums[1] = _mm512_add_epi32(sums[1], _mm512_unpackhi_epi16(low, zero()));
            sums[2] = _mm512_add_epi32(sums[2], _mm512_unpacklo_epi16(high, zero()));
            sums[3] = _mm512_add_epi32(sums[3], _mm512_unpackhi_epi16(high, zero()));
        }
        unroll<4>([&](auto g) __attribute__((always_inline)) {
            _mm512_store_si512(out.sums + 16 * g.value, in_row_order(sums[g.value]));
            __m512 four[4];
            unroll<4>([&](auto j) __attribute__((always_inline)) {
                four[j.value] = _mm512_castsi512_ps(four_rows(
                    rows + 16 * g.value + 4 * j.value,
                    [](const std::byte* row) __attribute__((always_inline)) { return _mm_maskz_loadu_epi32(7, row); }));
            });
            const __m512d low[2] = {_mm512_castps_pd(_mm512_unpacklo_ps(four[0], four[1])),
                                    _mm512_castps_pd(_mm512_unpacklo_ps(four[2], four[3]))};
            const __m512d high[2] = {_mm512_castps_pd(_mm512_unpackhi_ps(four[0], four[1])),
                                     _mm512_castps_pd(_mm512_unpackhi_ps(four[2], four[3]))};
            auto& factors = out.factors[g.value / 2];
            constexpr std::size_t at = g.value % 2 * 16;
            store_factors(factors[0] + at, _mm512_unpacklo_pd(low[0], low[1]));
            store_factors(factors[1] + at, _mm512_unpackhi_pd(low[0], low[1]));
            store_factors(factors[2] + at, _mm512_unpacklo_pd(high[0], high[1]));
        });
    }

private:
    template <class Load>
    static TONARI_INLINE __m512i four_rows(const std::byte* const* rows, Load&& load) noexcept {
        __m512i four = _mm512_castsi128_si512(load(rows[0]));
        four = _mm512_inserti32x4(four, load(rows[1]), 1);
        four = _mm512_inserti32x4(four, load(rows[2]), 2);
        return _mm512_inserti32x4(four, load(rows[3]), 3);
    }
    /// Byte b of vector v becomes byte v of vector b, within each lane.
    static TONARI_INLINE void turn_bytes(__m512i* rows) noexcept {
        unroll<4>([&](auto) __attribute__((always_inline)) {
            __m512i mixed[16];
            unroll<8>([&](auto v) __attribute__((always_inline)) {
                mixed[2 * v.value] = _mm512_unpacklo_epi8(rows[v.value], rows[v.value + 8]);
                mixed[2 * v.value + 1] = _mm512_unpackhi_epi8(rows[v.value], rows[v.value + 8]);
            });
            unroll<16>([&](auto v) __attribute__((always_inline)) { rows[v.value] = mixed[v.value]; });
        });
    }
    static TONARI_INLINE void add_looked_up(const std::uint8_t* entries, __m512i codes, B& all, B& odd) noexcept {
        const __m512i lower =
            _mm512_permutex2var_epi8(_mm512_loadu_si512(entries), codes, _mm512_loadu_si512(entries + 64));
        const __m512i upper =
            _mm512_permutex2var_epi8(_mm512_loadu_si512(entries + 128), codes, _mm512_loadu_si512(entries + 192));
        const __m512i found = _mm512_mask_blend_epi8(_mm512_movepi8_mask(codes), lower, upper);
        all = _mm512_add_epi16(all, found);
        odd = _mm512_add_epi16(odd, _mm512_srli_epi16(found, 8));
    }
    /// From place 4 l + j, where row 4 j + l of 16 is.
    static TONARI_INLINE __m512i in_row_order(__m512i lanes) noexcept {
        return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), lanes);
    }
    static TONARI_INLINE void store_factors(float* to, __m512d values) noexcept {
        _mm512_store_si512(to, in_row_order(_mm512_castpd_si512(values)));
    }
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
