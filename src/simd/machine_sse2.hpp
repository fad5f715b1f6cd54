// SSE2, which every x86-64 has: vectors of 16 bytes, no fused multiply-add, no half conversions, no byte shuffles.
#pragma once

#include <emmintrin.h>
#include <limits>

#include <tonari/simd/level.hpp>

#include "simd/four.hpp"
#include "simd/half.hpp"
#include "simd/layout.hpp"
#include "simd/tail.hpp"
#include "simd/xsimd_shim.hpp"

namespace tonari::simd {
namespace {

struct Sse2 {
    static constexpr Level level = Level::baseline;

    // --- float32 ---------------------------------------------------------------------------------------------
    using F = Floats<xsimd::sse2>;
    static constexpr std::size_t float_lanes = 4;
    template <Element>
    static constexpr std::size_t width = 1;

    static TONARI_INLINE __m128i load16(const std::byte* at) noexcept {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    }
    static TONARI_INLINE __m128i load8(const std::byte* at) noexcept {
        return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at));
    }
    static TONARI_INLINE __m128i load16_part(const std::byte* at, std::size_t bytes) noexcept {
        const Sixteen values = load_up_to_16(at, bytes);
        return _mm_set_epi64x(static_cast<long long>(values.high), static_cast<long long>(values.low));
    }

    template <Element E>
    static TONARI_INLINE void row(const std::byte* at, F* to) noexcept {
        if constexpr (E == Element::float32) {
            *to = _mm_loadu_ps(reinterpret_cast<const float*>(at));
        } else {
            *to = widen_halves<E>(load8(at));
        }
    }
    template <Element E>
    static TONARI_INLINE void row_part(const std::byte* at, std::size_t n, F* to) noexcept {
        if constexpr (E == Element::float32) {
            *to = _mm_castsi128_ps(load16_part(at, n * 4));
        } else {
            *to = widen_halves<E>(load16_part(at, n * 2));
        }
    }
    /// The lower four halves. A float16 whose bits are moved to a float32's place is too small by 2^112, its
    /// subnormals included; infinity and NaN need the rest of their exponent.
    template <Element E>
    static TONARI_INLINE F widen_halves(__m128i halves) noexcept {
        const __m128i none = _mm_setzero_si128();
        if constexpr (E == Element::bfloat16) return _mm_castsi128_ps(_mm_unpacklo_epi16(none, halves));
        const __m128i wide = _mm_unpacklo_epi16(halves, none);
        const __m128i sign = _mm_slli_epi32(_mm_and_si128(wide, _mm_set1_epi32(0x8000)), 16);
        const __m128i magnitude = _mm_slli_epi32(_mm_and_si128(wide, _mm_set1_epi32(0x7FFF)), 13);
        const __m128 scaled = _mm_mul_ps(_mm_castsi128_ps(magnitude), _mm_set1_ps(0x1.0p112F));
        const __m128i special =
            _mm_and_si128(_mm_cmpgt_epi32(magnitude, _mm_set1_epi32(0x0F7FFFFF)), _mm_set1_epi32(0x7F800000));
        return _mm_or_ps(scaled, _mm_castsi128_ps(_mm_or_si128(sign, special)));
    }
    static TONARI_INLINE void store_float16(F values, std::byte* to) noexcept {
        float each[4];
        _mm_storeu_ps(each, values);
        unroll<4>([&](auto i) __attribute__((always_inline)) {
            const std::uint16_t bits = float_to_half(each[i.value]);
            __builtin_memcpy(to + i.value * 2, &bits, 2);
        });
    }

    // Both sums add lanes as ((0+2)+(1+3)).
    static TONARI_INLINE float sum(F a) noexcept {
        const __m128 v = a;
        const __m128 pairs = _mm_add_ps(v, _mm_movehl_ps(v, v));
        return _mm_cvtss_f32(_mm_add_ss(pairs, _mm_shuffle_ps(pairs, pairs, 0x55)));
    }
    static TONARI_INLINE FourFloats sum4(F a, F b, F c, F d) noexcept {
        const __m128 ab = _mm_add_ps(_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
        const __m128 cd = _mm_add_ps(_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
        return _mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab));
    }

    // --- integers: I holds 32-bit sums, W 16-bit values, B bytes ----------------------------------------------
    using I = __m128i;
    using W = __m128i;
    using B = __m128i;
    static constexpr std::size_t wide_lanes = 8;
    static constexpr std::size_t byte_lanes = 16;

    static TONARI_INLINE I zero() noexcept { return _mm_setzero_si128(); }
    static TONARI_INLINE I add(I a, I b) noexcept { return _mm_add_epi32(a, b); }
    static TONARI_INLINE W subtract(W a, W b) noexcept { return _mm_sub_epi16(a, b); }
    static TONARI_INLINE I multiply_pairs(I sum, W a, W b) noexcept { return _mm_add_epi32(sum, _mm_madd_epi16(a, b)); }
    template <bool Signed>
    static TONARI_INLINE W widen_vector(__m128i bytes) noexcept {
        if constexpr (Signed) return _mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
        return _mm_unpacklo_epi8(bytes, _mm_setzero_si128());
    }
    template <bool Signed>
    static TONARI_INLINE W widen(const std::byte* at) noexcept {
        return widen_vector<Signed>(load8(at));
    }
    template <bool Signed>
    static TONARI_INLINE W widen_part(const std::byte* at, std::size_t n) noexcept {
        return widen_vector<Signed>(load16_part(at, n));
    }
    static TONARI_INLINE B bytes(const std::byte* at) noexcept { return load16(at); }
    static TONARI_INLINE B bytes_part(const std::byte* at, std::size_t n) noexcept { return load16_part(at, n); }
    static TONARI_INLINE B flip_sign(B a) noexcept { return _mm_xor_si128(a, _mm_set1_epi8(-128)); }
    // 64-bit partial sums stay below 2^32, so that their lower halves are what `add` and `sum` want.
    static TONARI_INLINE I absolute_difference(I sum, B a, B b) noexcept {
        return _mm_add_epi32(sum, _mm_sad_epu8(a, b));
    }
    /// sum + the codes in the lower halves of `both` times `low` + those in the upper halves times `high`, signed bytes.
    static TONARI_INLINE I add_half_products(I sum, B both, B low, B high) noexcept {
        const __m128i nibble = _mm_set1_epi8(0x0F);
        sum = add_products(sum, _mm_and_si128(both, nibble), low);
        return add_products(sum, _mm_and_si128(_mm_srli_epi16(both, 4), nibble), high);
    }
    /// `codes` are unsigned, `weights` signed.
    static TONARI_INLINE I add_products(I sum, B codes, B weights) noexcept {
        const __m128i none = _mm_setzero_si128();
        const __m128i first = _mm_srai_epi16(_mm_unpacklo_epi8(weights, weights), 8);
        const __m128i second = _mm_srai_epi16(_mm_unpackhi_epi8(weights, weights), 8);
        sum = multiply_pairs(sum, _mm_unpacklo_epi8(codes, none), first);
        return multiply_pairs(sum, _mm_unpackhi_epi8(codes, none), second);
    }
    /// Counts pairs, then fours, then bytes, all at once.
    static TONARI_INLINE I different_bits(I sum, B a, B b) noexcept {
        const __m128i of2 = _mm_set1_epi8(0x55);
        const __m128i of4 = _mm_set1_epi8(0x33);
        const __m128i of8 = _mm_set1_epi8(0x0F);
        __m128i bits = _mm_xor_si128(a, b);
        bits = _mm_sub_epi8(bits, _mm_and_si128(_mm_srli_epi16(bits, 1), of2));
        bits = _mm_add_epi8(_mm_and_si128(bits, of4), _mm_and_si128(_mm_srli_epi16(bits, 2), of4));
        bits = _mm_and_si128(_mm_add_epi8(bits, _mm_srli_epi16(bits, 4)), of8);
        return _mm_add_epi32(sum, _mm_sad_epu8(bits, _mm_setzero_si128()));
    }
    static TONARI_INLINE unsigned sum(I a) noexcept {
        return static_cast<unsigned>(_mm_cvtsi128_si32(sum4(a, a, a, a)));
    }
    static TONARI_INLINE FourSums sum4(I a, I b, I c, I d) noexcept {
        const __m128i ab = _mm_add_epi32(_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
        const __m128i cd = _mm_add_epi32(_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
        return _mm_add_epi32(_mm_unpacklo_epi64(ab, cd), _mm_unpackhi_epi64(ab, cd));
    }

    // --- blocks ------------------------------------------------------------------------------------------------
    static constexpr std::size_t block_rows = 6;
    static constexpr std::size_t block_vectors = 2;
    static constexpr bool has_byte_blocks = false;

    static TONARI_INLINE F negative_multiply_add(F a, F b, F c) noexcept { return c - a * b; }
    static TONARI_INLINE unsigned below(F a, F b) noexcept {
        return static_cast<unsigned>(_mm_movemask_ps(_mm_cmplt_ps(a, b)));
    }

    // --- rotations and tables ------------------------------------------------------------------------------------
    /// Lane i is lane i ^ Step of `a`.
    template <std::size_t Step>
    static TONARI_INLINE F partner(F a) noexcept {
        if constexpr (Step == 1) return _mm_shuffle_ps(a, a, 0xB1);
        if constexpr (Step == 2) return _mm_shuffle_ps(a, a, 0x4E);
    }
    /// Turns the signs of the lanes whose bits are set.
    static TONARI_INLINE F flip(F a, unsigned bits) noexcept {
        const __m128i lane = _mm_setr_epi32(1, 2, 4, 8);
        const __m128i named = _mm_and_si128(_mm_set1_epi32(static_cast<int>(bits)), lane);
        const __m128i sign =
            _mm_and_si128(_mm_cmpeq_epi32(named, lane), _mm_set1_epi32(std::numeric_limits<int>::min()));
        return _mm_xor_ps(a, _mm_castsi128_ps(sign));
    }
    /// Values below 256, rounded down, as bytes.
    static TONARI_INLINE void store_bytes(F values, std::uint8_t* to) noexcept {
        const __m128i whole = _mm_cvttps_epi32(values);
        const __m128i words = _mm_packs_epi32(whole, whole);
        const int four = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
        std::memcpy(to, &four, sizeof four);
    }
    /// Values from -128 to 127, rounded towards 0.
    static TONARI_INLINE void store_signed_bytes(F values, std::int8_t* to) noexcept {
        const __m128i whole = _mm_cvttps_epi32(values);
        const __m128i words = _mm_packs_epi32(whole, whole);
        const int four = _mm_cvtsi128_si32(_mm_packs_epi16(words, words));
        std::memcpy(to, &four, sizeof four);
    }
};

}  // namespace
}  // namespace tonari::simd
