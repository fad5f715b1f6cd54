// AVX2 with FMA and F16C: vectors of 32 bytes.
#pragma once

#include <immintrin.h>
#include <limits>

#include <tonari/simd/level.hpp>

#include "simd/four.hpp"
#include "simd/layout.hpp"
#include "simd/tail.hpp"
#include "simd/xsimd_shim.hpp"

namespace tonari::simd {
namespace {

struct Avx2 {
    static constexpr Level level = Level::avx2;

    // --- float32 ---------------------------------------------------------------------------------------------
    using F = Floats<xsimd::fma3<xsimd::avx2>>;
    static constexpr std::size_t float_lanes = 8;
    template <Element>
    static constexpr std::size_t width = 1;

    /// The first n of 8 lanes, as the masked loads want it.
    static TONARI_INLINE __m256i lane_mask(std::size_t n) noexcept {
        return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    }
    static TONARI_INLINE __m128i load16(const std::byte* at) noexcept {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    }
    static TONARI_INLINE __m128i load16_part(const std::byte* at, std::size_t bytes) noexcept {
        const Sixteen values = load_up_to_16(at, bytes);
        return _mm_set_epi64x(static_cast<long long>(values.high), static_cast<long long>(values.low));
    }

    template <Element E>
    static TONARI_INLINE void row(const std::byte* at, F* to) noexcept {
        if constexpr (E == Element::float32) {
            *to = _mm256_loadu_ps(reinterpret_cast<const float*>(at));
        } else {
            *to = widen_halves<E>(load16(at));
        }
    }
    template <Element E>
    static TONARI_INLINE void row_part(const std::byte* at, std::size_t n, F* to) noexcept {
        if constexpr (E == Element::float32) {
            *to = _mm256_maskload_ps(reinterpret_cast<const float*>(at), lane_mask(n));
        } else {
            *to = widen_halves<E>(load16_part(at, n * 2));
        }
    }
    template <Element E>
    static TONARI_INLINE F widen_halves(__m128i halves) noexcept {
        if constexpr (E == Element::float16) {
            return _mm256_cvtph_ps(halves);
        } else {
            return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
        }
    }
    static TONARI_INLINE void store_float16(F values, std::byte* to) noexcept {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph(values, _MM_FROUND_TO_NEAREST_INT));
    }

    // Both sums add lanes as ((0+2)+(1+3)) within each half, then the halves.
    static TONARI_INLINE float sum(F a) noexcept {
        const __m256 pairs = _mm256_add_ps(a, _mm256_permute_ps(a, 0x4E));
        const __m256 both = _mm256_add_ps(pairs, _mm256_permute_ps(pairs, 0xB1));
        return _mm_cvtss_f32(_mm_add_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1)));
    }
    static TONARI_INLINE FourFloats sum4(F a, F b, F c, F d) noexcept {
        const __m256 ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        const __m256 cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
        const __m256 low = _mm256_castpd_ps(_mm256_unpacklo_pd(_mm256_castps_pd(ab), _mm256_castps_pd(cd)));
        const __m256 high = _mm256_castpd_ps(_mm256_unpackhi_pd(_mm256_castps_pd(ab), _mm256_castps_pd(cd)));
        const __m256 both = _mm256_add_ps(low, high);
        return _mm_add_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1));
    }

    // --- integers: I holds 32-bit sums, W 16-bit values, B bytes ----------------------------------------------
    using I = __m256i;
    using W = __m256i;
    using B = __m256i;
    static constexpr std::size_t wide_lanes = 16;
    static constexpr std::size_t byte_lanes = 32;

    static TONARI_INLINE I zero() noexcept { return _mm256_setzero_si256(); }
    static TONARI_INLINE I add(I a, I b) noexcept { return _mm256_add_epi32(a, b); }
    static TONARI_INLINE W subtract(W a, W b) noexcept { return _mm256_sub_epi16(a, b); }
    static TONARI_INLINE I multiply_pairs(I sum, W a, W b) noexcept {
        return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
    }
    template <bool Signed>
    static TONARI_INLINE W widen_vector(__m128i bytes) noexcept {
        return Signed ? _mm256_cvtepi8_epi16(bytes) : _mm256_cvtepu8_epi16(bytes);
    }
    template <bool Signed>
    static TONARI_INLINE W widen(const std::byte* at) noexcept {
        return widen_vector<Signed>(load16(at));
    }
    template <bool Signed>
    static TONARI_INLINE W widen_part(const std::byte* at, std::size_t n) noexcept {
        return widen_vector<Signed>(load16_part(at, n));
    }
    static TONARI_INLINE B bytes(const std::byte* at) noexcept {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    }
    static TONARI_INLINE B bytes_part(const std::byte* at, std::size_t n) noexcept {
        if (n <= 16) return _mm256_zextsi128_si256(load16_part(at, n));
        return _mm256_inserti128_si256(_mm256_castsi128_si256(load16(at)), load16_part(at + 16, n - 16), 1);
    }
    static TONARI_INLINE B flip_sign(B a) noexcept { return _mm256_xor_si256(a, _mm256_set1_epi8(-128)); }
    // 64-bit partial sums stay below 2^32, so that their lower halves are what `add` and `sum` want.
    static TONARI_INLINE I absolute_difference(I sum, B a, B b) noexcept {
        return _mm256_add_epi32(sum, _mm256_sad_epu8(a, b));
    }
    /// sum + the codes in the lower halves of `both` times `low` + those in the upper halves times `high`, signed bytes.
    /// Four products of at most 15 * 128 fit 16 bits.
    static TONARI_INLINE I add_half_products(I sum, B both, B low, B high) noexcept {
        const __m256i nibble = _mm256_set1_epi8(0x0F);
        const __m256i first = _mm256_maddubs_epi16(_mm256_and_si256(both, nibble), low);
        const __m256i second = _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(both, 4), nibble), high);
        return multiply_pairs(sum, _mm256_add_epi16(first, second), _mm256_set1_epi16(1));
    }
    static TONARI_INLINE I different_bits(I sum, B a, B b) noexcept {
        const __m256i counts = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                                0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
        const __m256i nibble = _mm256_set1_epi8(0x0F);
        const __m256i bits = _mm256_xor_si256(a, b);
        const __m256i low = _mm256_shuffle_epi8(counts, _mm256_and_si256(bits, nibble));
        const __m256i high = _mm256_shuffle_epi8(counts, _mm256_and_si256(_mm256_srli_epi16(bits, 4), nibble));
        return _mm256_add_epi32(sum, _mm256_sad_epu8(_mm256_add_epi8(low, high), _mm256_setzero_si256()));
    }
    static TONARI_INLINE unsigned sum(I a) noexcept {
        return static_cast<unsigned>(_mm_cvtsi128_si32(sum4(a, a, a, a)));
    }
    static TONARI_INLINE FourSums sum4(I a, I b, I c, I d) noexcept {
        const __m256i ab = _mm256_add_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
        const __m256i cd = _mm256_add_epi32(_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
        const __m256i both = _mm256_add_epi32(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd));
        return _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
    }

    // --- blocks ------------------------------------------------------------------------------------------------
    static constexpr std::size_t block_rows = 6;
    static constexpr std::size_t block_vectors = 2;
    static constexpr bool has_byte_blocks = true;

    static TONARI_INLINE I load_sums(const void* at) noexcept {
        return _mm256_loadu_si256(static_cast<const __m256i*>(at));
    }
    static TONARI_INLINE void store_sums(void* to, I values) noexcept {
        _mm256_storeu_si256(static_cast<__m256i*>(to), values);
    }
    static TONARI_INLINE I broadcast(unsigned value) noexcept { return _mm256_set1_epi32(static_cast<int>(value)); }
    static TONARI_INLINE I subtract_sums(I a, I b) noexcept { return _mm256_sub_epi32(a, b); }
    static TONARI_INLINE F signed_floats(I a) noexcept { return _mm256_cvtepi32_ps(a); }
    /// The two halves are exact, their sum rounds once.
    static TONARI_INLINE F unsigned_floats(I a) noexcept {
        const __m256 high = _mm256_cvtepi32_ps(_mm256_srli_epi32(a, 16));
        const __m256 low = _mm256_cvtepi32_ps(_mm256_and_si256(a, _mm256_set1_epi32(0xFFFF)));
        return _mm256_fmadd_ps(high, _mm256_set1_ps(65536.0F), low);
    }
    static TONARI_INLINE F negative_multiply_add(F a, F b, F c) noexcept { return _mm256_fnmadd_ps(a, b, c); }
    static TONARI_INLINE unsigned below(F a, F b) noexcept {
        return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LT_OQ)));
    }

    // --- rotations and tables ------------------------------------------------------------------------------------
    /// Lane i is lane i ^ Step of `a`.
    template <std::size_t Step>
    static TONARI_INLINE F partner(F a) noexcept {
        if constexpr (Step == 1) return _mm256_permute_ps(a, 0xB1);
        if constexpr (Step == 2) return _mm256_permute_ps(a, 0x4E);
        if constexpr (Step == 4) return _mm256_permute2f128_ps(a, a, 1);
    }
    /// Turns the signs of the lanes whose bits are set.
    static TONARI_INLINE F flip(F a, unsigned bits) noexcept {
        const __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        const __m256i named = _mm256_and_si256(_mm256_set1_epi32(static_cast<int>(bits)), lane);
        const __m256i sign =
            _mm256_and_si256(_mm256_cmpeq_epi32(named, lane), _mm256_set1_epi32(std::numeric_limits<int>::min()));
        return _mm256_xor_ps(a, _mm256_castsi256_ps(sign));
    }
    /// Values below 256, rounded down, as bytes.
    static TONARI_INLINE void store_bytes(F values, std::uint8_t* to) noexcept {
        const __m256i whole = _mm256_cvttps_epi32(values);
        const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
        _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packus_epi16(words, words));
    }
    /// Values from -128 to 127, rounded towards 0.
    static TONARI_INLINE void store_signed_bytes(F values, std::int8_t* to) noexcept {
        const __m256i whole = _mm256_cvttps_epi32(values);
        const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
        _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packs_epi16(words, words));
    }

    // --- 4-bit codes -------------------------------------------------------------------------------------------
    /// Tables of 16 entries, one a half: so the codes of a part go to one half. A slab's sums fit 16 bits, its quads' four parts
    /// together.
    static constexpr std::size_t slab_quads = 64;
    static TONARI_INLINE void add_entries(const std::uint8_t* table, std::size_t quads, const std::byte* codes,
                                          std::int32_t* sums) noexcept {
        for (std::size_t r = 0; r < 32; r += 8) store_sums(sums + r, zero());
        for (std::size_t first = 0; first < quads; first += slab_quads) {
            const std::size_t last = quads - first < slab_quads ? quads : first + slab_quads;
            Looked low;
            Looked high;
            for (std::size_t at = first * 64; at < last * 64; at += 64) {
                const Parts parts = in_order(codes + at);
                low.add(table + at, parts.first_low(), parts.second_low());
                high.add(table + at, parts.first_high(), parts.second_high());
            }
            low.add_to(sums);
            high.add_to(sums + 16);
        }
    }
    /// For several queries that order is written down once, a slab at a time, and its bytes are split in two.
    static constexpr std::size_t ordered_bytes = 128;  // of a quad
    static TONARI_INLINE void order_codes(const std::byte* codes, std::size_t quads, std::byte* ordered) noexcept {
        for (std::size_t quad = 0; quad < quads; ++quad, ordered += ordered_bytes) {
            const Parts parts = in_order(codes + quad * 64);
            auto* const to = reinterpret_cast<__m256i*>(ordered);
            _mm256_store_si256(to, parts.first_low());
            _mm256_store_si256(to + 1, parts.second_low());
            _mm256_store_si256(to + 2, parts.first_high());
            _mm256_store_si256(to + 3, parts.second_high());
        }
    }
    /// Adds to `sums` what a slab of ordered codes names.
    static TONARI_INLINE void add_ordered(const std::uint8_t* table, std::size_t quads, const std::byte* ordered,
                                          std::int32_t* sums) noexcept {
        Looked low;
        Looked high;
        for (std::size_t quad = 0; quad < quads; ++quad, ordered += ordered_bytes) {
            const auto* const codes = reinterpret_cast<const __m256i*>(ordered);
            low.add(table + quad * 64, _mm256_load_si256(codes), _mm256_load_si256(codes + 1));
            high.add(table + quad * 64, _mm256_load_si256(codes + 2), _mm256_load_si256(codes + 3));
        }
        low.add_to(sums);
        high.add_to(sums + 16);
    }

private:
    /// A quad's codes, two parts in each, one a half: four bytes each of rows 0, 8, 4 and 12 and those behind them.
    struct Parts {
        B first;
        B second;
        [[nodiscard]] TONARI_INLINE B first_low() const noexcept { return lower(first); }
        [[nodiscard]] TONARI_INLINE B second_low() const noexcept { return lower(second); }
        [[nodiscard]] TONARI_INLINE B first_high() const noexcept { return lower(_mm256_srli_epi16(first, 4)); }
        [[nodiscard]] TONARI_INLINE B second_high() const noexcept { return lower(_mm256_srli_epi16(second, 4)); }
        static TONARI_INLINE B lower(B both) noexcept { return _mm256_and_si256(both, _mm256_set1_epi8(15)); }
    };
    static TONARI_INLINE Parts in_order(const std::byte* quad) noexcept {
        const B early = by_part(bytes(quad));
        const B late = by_part(bytes(quad + 32));
        return {_mm256_permute4x64_epi64(_mm256_unpacklo_epi32(early, late), 0xD8),
                _mm256_permute4x64_epi64(_mm256_unpackhi_epi32(early, late), 0xD8)};
    }
    static TONARI_INLINE B by_part(B rows) noexcept {
        return _mm256_shuffle_epi8(
            rows, _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)));
    }
    /// Sums of entries of 16 rows: those of odd places are added up apart, and twice (256-fold) in those of all.
    struct Looked {
        B all = zero();
        B odd = zero();

        /// A quad's table, and the codes of its first and second two parts.
        TONARI_INLINE void add(const std::uint8_t* table, B first, B second) noexcept {
            add(_mm256_shuffle_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(table)), first));
            add(_mm256_shuffle_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(table + 32)), second));
        }
        TONARI_INLINE void add(B entries) noexcept {
            all = _mm256_add_epi16(all, entries);
            odd = _mm256_add_epi16(odd, _mm256_srli_epi16(entries, 8));
        }
        /// The odd places from `odd`, the even ones from what `all` has besides. Place 4 to 7 is rows 8 to 11, and the other way round.
        TONARI_INLINE void add_to(std::int32_t* sums) const noexcept {
            const __m128i evens = add_halves(_mm256_sub_epi16(all, _mm256_slli_epi16(odd, 8)));
            const __m128i odds = add_halves(odd);
            const __m128i early = _mm_unpacklo_epi16(evens, odds);  // places 0 to 7
            const __m128i late = _mm_unpackhi_epi16(evens, odds);   // places 8 to 15
            add_words(sums, _mm_unpacklo_epi64(early, late));
            add_words(sums + 8, _mm_unpackhi_epi64(early, late));
        }
        static TONARI_INLINE __m128i add_halves(B words) noexcept {
            return _mm_add_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
        }
        static TONARI_INLINE void add_words(std::int32_t* to, __m128i words) noexcept {
            store_sums(to, _mm256_add_epi32(load_sums(to), _mm256_cvtepu16_epi32(words)));
        }
    };
};

}  // namespace
}  // namespace tonari::simd
