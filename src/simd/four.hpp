// Four values at once, one per row of a group: what turns the sums of four rows into four distances. Each function
// rounds exactly as its scalar twin in body_float.hpp and layout.hpp does.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#else
#include <arm_neon.h>
#endif

#include "simd/unroll.hpp"

namespace tonari::simd {
namespace {

#if defined(__x86_64__)

using FourFloats = __m128;
using FourSums = __m128i;

TONARI_INLINE FourSums add_to_each(FourSums a, unsigned b) noexcept {
    return _mm_add_epi32(a, _mm_set1_epi32(static_cast<int>(b)));
}
TONARI_INLINE FourFloats signed_to_floats(FourSums a) noexcept { return _mm_cvtepi32_ps(a); }
TONARI_INLINE FourFloats unsigned_to_floats(FourSums a) noexcept {
#if defined(__AVX512VL__)
    return _mm_cvtepu32_ps(a);
#else
    // Both halves and the product are exact, so that only the addition rounds.
    const __m128 high = _mm_mul_ps(_mm_cvtepi32_ps(_mm_srli_epi32(a, 16)), _mm_set1_ps(65536.0F));
    return _mm_add_ps(high, _mm_cvtepi32_ps(_mm_and_si128(a, _mm_set1_epi32(0xFFFF))));
#endif
}
TONARI_INLINE FourFloats negative(FourFloats a) noexcept { return _mm_xor_ps(a, _mm_set1_ps(-0.0F)); }
TONARI_INLINE FourFloats cosine_distances(FourFloats dots, float inverse_query, const float* inverse_rows) noexcept {
    const __m128 scaled = _mm_mul_ps(dots, _mm_set1_ps(inverse_query));
    const __m128 rows = _mm_setr_ps(inverse_rows[0], inverse_rows[1], inverse_rows[2], inverse_rows[3]);
#if defined(__FMA__)
    return _mm_fnmadd_ps(scaled, rows, _mm_set1_ps(1.0F));
#else
    return _mm_sub_ps(_mm_set1_ps(1.0F), _mm_mul_ps(scaled, rows));
#endif
}
TONARI_INLINE void store(float* to, FourFloats a) noexcept { _mm_storeu_ps(to, a); }
/// Value j of row i, of four rows of four that lie `stride` bytes apart, to out[j * width + i].
TONARI_INLINE void transpose(const std::byte* rows, std::size_t stride, float* out, std::size_t width) noexcept {
    const auto row = [&](std::size_t i) { return _mm_loadu_ps(reinterpret_cast<const float*>(rows + i * stride)); };
    __m128 a = row(0);
    __m128 b = row(1);
    __m128 c = row(2);
    __m128 d = row(3);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    store(out, a);
    store(out + width, b);
    store(out + 2 * width, c);
    store(out + 3 * width, d);
}
TONARI_INLINE void store(unsigned* to, FourSums a) noexcept { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), a); }

#else

using FourFloats = float32x4_t;
using FourSums = uint32x4_t;

TONARI_INLINE FourSums add_to_each(FourSums a, unsigned b) noexcept { return vaddq_u32(a, vdupq_n_u32(b)); }
TONARI_INLINE FourFloats signed_to_floats(FourSums a) noexcept { return vcvtq_f32_s32(vreinterpretq_s32_u32(a)); }
TONARI_INLINE FourFloats unsigned_to_floats(FourSums a) noexcept { return vcvtq_f32_u32(a); }
TONARI_INLINE FourFloats negative(FourFloats a) noexcept { return vnegq_f32(a); }
TONARI_INLINE FourFloats cosine_distances(FourFloats dots, float inverse_query, const float* inverse_rows) noexcept {
    const float32x4_t scaled = vmulq_n_f32(dots, inverse_query);
    return vfmsq_f32(vdupq_n_f32(1.0F), scaled, vld1q_f32(inverse_rows));
}
TONARI_INLINE void store(float* to, FourFloats a) noexcept { vst1q_f32(to, a); }
TONARI_INLINE void transpose(const std::byte* rows, std::size_t stride, float* out, std::size_t width) noexcept {
    const auto row = [&](std::size_t i) { return vld1q_f32(reinterpret_cast<const float*>(rows + i * stride)); };
    const float32x4x2_t ab = vtrnq_f32(row(0), row(1));
    const float32x4x2_t cd = vtrnq_f32(row(2), row(3));
    store(out, vcombine_f32(vget_low_f32(ab.val[0]), vget_low_f32(cd.val[0])));
    store(out + width, vcombine_f32(vget_low_f32(ab.val[1]), vget_low_f32(cd.val[1])));
    store(out + 2 * width, vcombine_f32(vget_high_f32(ab.val[0]), vget_high_f32(cd.val[0])));
    store(out + 3 * width, vcombine_f32(vget_high_f32(ab.val[1]), vget_high_f32(cd.val[1])));
}
TONARI_INLINE void store(unsigned* to, FourSums a) noexcept { vst1q_u32(to, a); }

#endif

/// The inverse norms that follow four cosine rows.
TONARI_INLINE void load_trailers(const std::byte* const* rows, std::size_t offset, float* to) noexcept {
    unroll<4>([&](auto r) __attribute__((always_inline)) {
        __builtin_memcpy(to + r.value, rows[r.value] + offset, sizeof(float));
    });
}

}  // namespace
}  // namespace tonari::simd
