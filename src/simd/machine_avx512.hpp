// AVX-512 F, BW, DQ, VL: vectors of 64 bytes, and masks for what is less.
#pragma once

// GCC 12's own headers start many of these intrinsics from a variable that is deliberately never set, and GCC warns of
// it where they are inlined, which is everywhere below.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <immintrin.h>
#include <limits>

#include <tonari/simd/level.hpp>

#include "simd/four.hpp"
#include "simd/layout.hpp"
#include "simd/xsimd_shim.hpp"

namespace tonari::simd {
namespace {

struct Avx512 {
    static constexpr Level level = Level::avx512;

    // --- float32 ---------------------------------------------------------------------------------------------
    using F = Floats<xsimd::avx512bw>;
    static constexpr std::size_t float_lanes = 16;
    /// One load of 64 bytes holds 32 bfloat16, which two word permutations put into the upper halves of floats.
    template <Element E>
    static constexpr std::size_t width = E == Element::bfloat16 ? 2 : 1;

    static TONARI_INLINE __mmask16 mask16(std::size_t n) noexcept { return static_cast<__mmask16>((1U << n) - 1); }
    static TONARI_INLINE __mmask32 mask32(std::size_t n) noexcept {
        return static_cast<__mmask32>((std::uint64_t{1} << n) - 1);
    }
    /// n < 64
    static TONARI_INLINE __mmask64 mask64(std::size_t n) noexcept { return (std::uint64_t{1} << n) - 1; }

    template <Element E>
    static TONARI_INLINE void row(const std::byte* at, F* to) noexcept {
        if constexpr (E == Element::float32) {
            to[0] = _mm512_loadu_ps(at);
        } else if constexpr (E == Element::float16) {
            to[0] = _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
        } else {
            split_bfloats(_mm512_loadu_si512(at), to);
        }
    }
    template <Element E>
    static TONARI_INLINE void row_part(const std::byte* at, std::size_t n, F* to) noexcept {
        if constexpr (E == Element::float32) {
            to[0] = _mm512_maskz_loadu_ps(mask16(n), at);
        } else if constexpr (E == Element::float16) {
            to[0] = _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask16(n), at));
        } else {
            split_bfloats(_mm512_maskz_loadu_epi16(mask32(n), at), to);
        }
    }
    static TONARI_INLINE void split_bfloats(__m512i values, F* to) noexcept {
        const __m512i first = _mm512_set_epi16(15, 0, 14, 0, 13, 0, 12, 0, 11, 0, 10, 0, 9, 0, 8, 0,  //
                                               7, 0, 6, 0, 5, 0, 4, 0, 3, 0, 2, 0, 1, 0, 0, 0);
        const __m512i second = _mm512_add_epi16(first, _mm512_set1_epi16(16));
        constexpr __mmask32 upper = 0xAAAAAAAAU;
        to[0] = _mm512_castsi512_ps(_mm512_maskz_permutexvar_epi16(upper, first, values));
        to[1] = _mm512_castsi512_ps(_mm512_maskz_permutexvar_epi16(upper, second, values));
    }
    static TONARI_INLINE void store_float16(F values, std::byte* to) noexcept {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtps_ph(values, _MM_FROUND_TO_NEAREST_INT));
    }

    // Both sums add lanes as ((0+2)+(1+3)) within each quarter, then halves, then quarters.
    static TONARI_INLINE float sum(F a) noexcept {
        const __m512 pairs = _mm512_add_ps(a, _mm512_permute_ps(a, 0x4E));
        const __m512 all = _mm512_add_ps(pairs, _mm512_permute_ps(pairs, 0xB1));
        return _mm_cvtss_f32(fold_quarters(all));
    }
    static TONARI_INLINE FourFloats sum4(F a, F b, F c, F d) noexcept {
        const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
        const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
        const __m512 low = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd)));
        const __m512 high = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd)));
        return fold_quarters(_mm512_add_ps(low, high));
    }
    static TONARI_INLINE __m128 fold_quarters(__m512 a) noexcept {
        const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
        return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    }

    // --- integers: I holds 32-bit sums, W 16-bit values, B bytes ----------------------------------------------
    using I = __m512i;
    using W = __m512i;
    using B = __m512i;
    static constexpr std::size_t wide_lanes = 32;
    static constexpr std::size_t byte_lanes = 64;

    static TONARI_INLINE I zero() noexcept { return _mm512_setzero_si512(); }
    static TONARI_INLINE I add(I a, I b) noexcept { return _mm512_add_epi32(a, b); }
    static TONARI_INLINE W subtract(W a, W b) noexcept { return _mm512_sub_epi16(a, b); }
    static TONARI_INLINE I multiply_pairs(I sum, W a, W b) noexcept {
        return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b));
    }
    template <bool Signed>
    static TONARI_INLINE W widen_vector(__m256i bytes) noexcept {
        return Signed ? _mm512_cvtepi8_epi16(bytes) : _mm512_cvtepu8_epi16(bytes);
    }
    template <bool Signed>
    static TONARI_INLINE W widen(const std::byte* at) noexcept {
        return widen_vector<Signed>(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
    }
    template <bool Signed>
    static TONARI_INLINE W widen_part(const std::byte* at, std::size_t n) noexcept {
        return widen_vector<Signed>(_mm256_maskz_loadu_epi8(mask32(n), at));
    }
    static TONARI_INLINE B bytes(const std::byte* at) noexcept { return _mm512_loadu_si512(at); }
    static TONARI_INLINE B bytes_part(const std::byte* at, std::size_t n) noexcept {
        return _mm512_maskz_loadu_epi8(mask64(n), at);
    }
    static TONARI_INLINE B flip_sign(B a) noexcept { return _mm512_xor_si512(a, _mm512_set1_epi8(-128)); }
    // 64-bit partial sums stay below 2^32, so that their lower halves are what `add` and `sum` want.
    static TONARI_INLINE I absolute_difference(I sum, B a, B b) noexcept {
        return _mm512_add_epi32(sum, _mm512_sad_epu8(a, b));
    }
    /// sum + the codes in the lower halves of `both` times `low` + those in the upper halves times `high`, signed bytes.
    /// Four products of at most 15 * 128 fit 16 bits.
    static TONARI_INLINE I add_half_products(I sum, B both, B low, B high) noexcept {
        const __m512i nibble = _mm512_set1_epi8(0x0F);
        const __m512i first = _mm512_maddubs_epi16(_mm512_and_si512(both, nibble), low);
        const __m512i second = _mm512_maddubs_epi16(_mm512_and_si512(_mm512_srli_epi16(both, 4), nibble), high);
        return multiply_pairs(sum, _mm512_add_epi16(first, second), _mm512_set1_epi16(1));
    }
    static TONARI_INLINE I different_bits(I sum, B a, B b) noexcept {
        const __m512i counts = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
        const __m512i nibble = _mm512_set1_epi8(0x0F);
        const __m512i bits = _mm512_xor_si512(a, b);
        const __m512i low = _mm512_shuffle_epi8(counts, _mm512_and_si512(bits, nibble));
        const __m512i high = _mm512_shuffle_epi8(counts, _mm512_and_si512(_mm512_srli_epi16(bits, 4), nibble));
        return _mm512_add_epi32(sum, _mm512_sad_epu8(_mm512_add_epi8(low, high), _mm512_setzero_si512()));
    }
    static TONARI_INLINE unsigned sum(I a) noexcept { return static_cast<unsigned>(_mm512_reduce_add_epi32(a)); }
    static TONARI_INLINE FourSums sum4(I a, I b, I c, I d) noexcept {
        const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        const __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
        const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
        return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    }

    // --- blocks ------------------------------------------------------------------------------------------------
    static constexpr std::size_t block_rows = 12;
    static constexpr std::size_t block_vectors = 2;
    static constexpr bool has_byte_blocks = true;

    /// Four bytes in every 32-bit lane.
    static TONARI_INLINE B broadcast4(unsigned bytes) noexcept { return _mm512_set1_epi32(static_cast<int>(bytes)); }
    static TONARI_INLINE I load_sums(const void* at) noexcept { return _mm512_loadu_si512(at); }
    static TONARI_INLINE void store_sums(void* to, I values) noexcept { _mm512_storeu_si512(to, values); }
    static TONARI_INLINE I broadcast(unsigned value) noexcept { return _mm512_set1_epi32(static_cast<int>(value)); }
    static TONARI_INLINE I subtract_sums(I a, I b) noexcept { return _mm512_sub_epi32(a, b); }
    static TONARI_INLINE F signed_floats(I a) noexcept { return _mm512_cvtepi32_ps(a); }
    static TONARI_INLINE F unsigned_floats(I a) noexcept { return _mm512_cvtepu32_ps(a); }
    static TONARI_INLINE F negative_multiply_add(F a, F b, F c) noexcept { return _mm512_fnmadd_ps(a, b, c); }
    static TONARI_INLINE unsigned below(F a, F b) noexcept { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }

    // --- rotations and tables ------------------------------------------------------------------------------------
    /// Lane i is lane i ^ Step of `a`.
    template <std::size_t Step>
    static TONARI_INLINE F partner(F a) noexcept {
        if constexpr (Step == 1) return _mm512_permute_ps(a, 0xB1);
        if constexpr (Step == 2) return _mm512_permute_ps(a, 0x4E);
        if constexpr (Step == 4) return _mm512_shuffle_f32x4(a, a, 0xB1);
        if constexpr (Step == 8) return _mm512_shuffle_f32x4(a, a, 0x4E);
    }
    /// Turns the signs of the lanes whose bits are set.
    static TONARI_INLINE F flip(F a, unsigned bits) noexcept {
        const __m512i values = _mm512_castps_si512(a);
        return _mm512_castsi512_ps(_mm512_mask_xor_epi32(values, static_cast<__mmask16>(bits), values,
                                                         _mm512_set1_epi32(std::numeric_limits<int>::min())));
    }
    /// Values below 256, rounded down, as bytes.
    static TONARI_INLINE void store_bytes(F values, std::uint8_t* to) noexcept {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(values)));
    }
    /// Values from -128 to 127, rounded towards 0.
    static TONARI_INLINE void store_signed_bytes(F values, std::int8_t* to) noexcept {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(values)));
    }

    // --- codes whose bits lie in planes ------------------------------------------------------------------------
    /// Masks of 64 bits put together 64 codes, less half of their range, as signed bytes; these become floats, and half a step
    /// more.
    template <std::size_t Bits>
    static TONARI_INLINE float planes_product(const float* query, std::size_t count, const std::byte* block,
                                              std::size_t place, const std::byte* planes) noexcept {
        const __m512i negative = _mm512_set1_epi8(static_cast<char>(-(1 << (Bits - 1))));
        const std::byte* signs = block + place % 16 * 4;
        const unsigned half = place < 16 ? 0x0F0F0F0FU : 0xF0F0F0F0U;
        __m512 sums[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
        for (std::size_t i = 0; i < count; i += 64) {
            const std::size_t quads = count - i < 64 ? (count - i) / 16 : 4;
            __mmask64 positive = 0;
            for (std::size_t quad = 0; quad < quads; ++quad, signs += 64) {
                unsigned parts;
                __builtin_memcpy(&parts, signs, sizeof parts);
                positive |= __mmask64{_pext_u32(parts, half)} << (16 * quad);
            }
            __m512i codes = _mm512_maskz_mov_epi8(~positive, negative);
            unroll<Bits - 1>([&](auto p) __attribute__((always_inline)) {
                constexpr int counts = 1 << (Bits - 2 - p.value);
                __mmask64 plane;
                __builtin_memcpy(&plane, planes + p.value * (count / 8) + i / 8, sizeof plane);
                codes = _mm512_mask_add_epi8(codes, plane, codes, _mm512_set1_epi8(static_cast<char>(counts)));
            });
            const float* const values = query + i;
            add_product(_mm512_castsi512_si128(codes), values, sums[0]);
            if (quads > 1) add_product(_mm512_extracti32x4_epi32(codes, 1), values + 16, sums[1]);
            if (quads > 2) add_product(_mm512_extracti32x4_epi32(codes, 2), values + 32, sums[2]);
            if (quads > 3) add_product(_mm512_extracti32x4_epi32(codes, 3), values + 48, sums[3]);
        }
        const F all = _mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3]));
        return sum(all);
    }
    static TONARI_INLINE void add_product(__m128i codes, const float* query, __m512& sum) noexcept {
        const __m512 middles = _mm512_add_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes)), _mm512_set1_ps(0.5F));
        sum = _mm512_fmadd_ps(middles, _mm512_loadu_ps(query), sum);
    }

    // --- 4-bit codes -------------------------------------------------------------------------------------------
    /// Tables of 16 entries, one a quarter: so the bytes of part p go to quarter p. Sums of 16 bits hold 256 quads; those of
    /// odd rows are added up apart, and twice (256-fold) in those of all.
    static TONARI_INLINE void add_entries(const std::uint8_t* table, std::size_t quads, const std::byte* codes,
                                          std::int32_t* sums) noexcept {
        constexpr std::size_t most = 256;
        const __m512i low = _mm512_set1_epi8(15);
        const __m512i by_part =
            _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
        const __m512i to_quarter = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        __m512i lower = _mm512_setzero_si512();
        __m512i upper = lower;
        for (std::size_t first = 0; first < quads; first += most) {
            const std::size_t last = quads - first < most ? quads : first + most;
            __m512i all[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
            __m512i odd[2] = {all[0], all[0]};
            for (std::size_t quad = first; quad < last; ++quad) {
                const __m512i entries = _mm512_loadu_si512(table + quad * 64);
                const __m512i rows = _mm512_shuffle_epi8(_mm512_loadu_si512(codes + quad * 64), by_part);
                const __m512i both = _mm512_permutexvar_epi32(to_quarter, rows);
                const __m512i a = _mm512_shuffle_epi8(entries, _mm512_and_si512(both, low));
                const __m512i b = _mm512_shuffle_epi8(entries, _mm512_and_si512(_mm512_srli_epi16(both, 4), low));
                all[0] = _mm512_add_epi16(all[0], a);
                all[1] = _mm512_add_epi16(all[1], b);
                odd[0] = _mm512_add_epi16(odd[0], _mm512_srli_epi16(a, 8));
                odd[1] = _mm512_add_epi16(odd[1], _mm512_srli_epi16(b, 8));
            }
            lower = _mm512_add_epi32(lower, in_row_order(all[0], odd[0]));
            upper = _mm512_add_epi32(upper, in_row_order(all[1], odd[1]));
        }
        _mm512_store_si512(sums, lower);
        _mm512_store_si512(sums + 16, upper);
    }
    /// The quarters added up, 16 rows: the odd ones from `odd`, the even ones from what `all` has besides.
    static TONARI_INLINE __m512i in_row_order(__m512i all, __m512i odd) noexcept {
        const __m256i evens = add_quarters(_mm512_sub_epi16(all, _mm512_slli_epi16(odd, 8)));
        const __m256i odds = add_quarters(odd);
        const __m512i places = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        return _mm512_permutex2var_epi32(_mm512_castsi256_si512(evens), places, _mm512_castsi256_si512(odds));
    }
    static TONARI_INLINE __m256i add_quarters(__m512i words) noexcept {
        const __m512i sums = _mm512_add_epi32(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(words)),
                                              _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(words, 1)));
        return _mm256_add_epi32(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64(sums, 1));
    }
};

}  // namespace
}  // namespace tonari::simd
