// What the kernels are measured against: the same distances written by hand for AVX-512 with VNNI and VPOPCNTDQ, one
// query against four rows, and freed of everything that a library needs: dimensions are multiples of 64, counts of 4,
// no tails, no dispatch, no table.
#pragma once

#if defined(__x86_64__)

#include <cstddef>
#include <cstring>
#include <immintrin.h>

#include <tonari/core/types.hpp>

namespace hand {

using tonari::Dim;
using tonari::Element;
using tonari::MetricKind;

#define HAND_TARGET \
    __attribute__((target("avx2,fma,f16c,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vpopcntdq")))
#define HAND_INLINE HAND_TARGET inline __attribute__((always_inline))

#pragma GCC diagnostic push
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

HAND_INLINE float trailer(const void* at, std::size_t bytes) {
    float value;
    std::memcpy(&value, static_cast<const std::byte*>(at) + bytes, 4);
    return value;
}

HAND_INLINE __m128 sum_four(const __m512* a) {
    const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a[0], a[1]), _mm512_unpackhi_ps(a[0], a[1]));
    const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(a[2], a[3]), _mm512_unpackhi_ps(a[2], a[3]));
    const __m512 all = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xEE));
    const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

HAND_INLINE __m128i sum_four(const __m512i* a) {
    const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a[0], a[1]), _mm512_unpackhi_epi32(a[0], a[1]));
    const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(a[2], a[3]), _mm512_unpackhi_epi32(a[2], a[3]));
    const __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
    return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

template <Element E>
HAND_INLINE __m512 sixteen(const std::byte* row, std::size_t d) {
    if constexpr (E == Element::float32) return _mm512_loadu_ps(row + d * 4);
    const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row + d * 2));
    if constexpr (E == Element::float16) return _mm512_cvtph_ps(halves);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

template <MetricKind M>
HAND_INLINE __m512 meet(__m512 acc, __m512 q, __m512 x) {
    if constexpr (M == MetricKind::l2) {
        const __m512 d = _mm512_sub_ps(q, x);
        return _mm512_fmadd_ps(d, d, acc);
    }
    if constexpr (M == MetricKind::l1) return _mm512_add_ps(acc, _mm512_abs_ps(_mm512_sub_ps(q, x)));
    return _mm512_fmadd_ps(q, x, acc);
}

template <MetricKind M>
HAND_INLINE void store(__m128 sums, const void* query, std::size_t query_bytes, const std::byte* const* rows,
                       std::size_t row_bytes, float* out) {
    if constexpr (M == MetricKind::inner_product) sums = _mm_xor_ps(sums, _mm_set1_ps(-0.0F));
    if constexpr (M == MetricKind::cosine) {
        const __m128 inverse = _mm_setr_ps(trailer(rows[0], row_bytes), trailer(rows[1], row_bytes),
                                           trailer(rows[2], row_bytes), trailer(rows[3], row_bytes));
        const __m128 scaled = _mm_mul_ps(sums, _mm_set1_ps(trailer(query, query_bytes)));
        sums = _mm_fnmadd_ps(scaled, inverse, _mm_set1_ps(1.0F));
    }
    _mm_storeu_ps(out, sums);
}

template <MetricKind M, Element E>
HAND_TARGET void floats(const void* query, const std::byte* const* rows, std::size_t count, Dim dim, float* out) {
    const auto* q = static_cast<const float*>(query);
    for (std::size_t i = 0; i < count; i += 4) {
        __m512 a[4] = {}, b[4] = {};
        for (std::size_t d = 0; d < dim; d += 32) {
            const __m512 p = _mm512_loadu_ps(q + d);
            const __m512 s = _mm512_loadu_ps(q + d + 16);
            for (std::size_t r = 0; r < 4; ++r) {
                a[r] = meet<M>(a[r], p, sixteen<E>(rows[i + r], d));
                b[r] = meet<M>(b[r], s, sixteen<E>(rows[i + r], d + 16));
            }
        }
        for (std::size_t r = 0; r < 4; ++r) a[r] = _mm512_add_ps(a[r], b[r]);
        store<M>(sum_four(a), query, dim * sizeof(float), rows + i, tonari::row_bytes(E, dim), out + i);
    }
}

/// The inner product of bytes by VNNI: one side is moved by 128, the query's sum takes that back.
template <MetricKind M, Element E>
HAND_TARGET void byte_products(const void* query, const std::byte* const* rows, std::size_t count, Dim dim,
                               float* out) {
    const auto* q = static_cast<const std::byte*>(query);
    const __m512i flip = _mm512_set1_epi8(-128);
    __m512i moved = _mm512_setzero_si512();
    for (std::size_t d = 0; d < dim; d += 64) {
        const __m512i p = _mm512_loadu_si512(q + d);
        moved = E == Element::int8 ? _mm512_dpbusd_epi32(moved, flip, p)
                                   : _mm512_dpbusd_epi32(moved, p, _mm512_set1_epi8(64));
    }
    const int total = _mm512_reduce_add_epi32(moved);
    const __m128i offset = _mm_set1_epi32(E == Element::int8 ? -total : 2 * total);
    for (std::size_t i = 0; i < count; i += 4) {
        __m512i a[4] = {};
        const auto meet_bytes = [&](__m512i acc, __m512i p, const std::byte* at) HAND_TARGET {
            const __m512i x = _mm512_xor_si512(_mm512_loadu_si512(at), flip);
            return E == Element::int8 ? _mm512_dpbusd_epi32(acc, x, p) : _mm512_dpbusd_epi32(acc, p, x);
        };
        for (std::size_t d = 0; d < dim; d += 64) {
            const __m512i p = _mm512_loadu_si512(q + d);
            for (std::size_t r = 0; r < 4; ++r) a[r] = meet_bytes(a[r], p, rows[i + r] + d);
        }
        const __m128i sums = _mm_add_epi32(sum_four(a), offset);
        const __m128 values = E == Element::int8 ? _mm_cvtepi32_ps(sums) : _mm_cvtepu32_ps(sums);
        store<M>(values, query, dim, rows + i, dim, out + i);
    }
}

template <Element E>
HAND_INLINE __m512i widened(const std::byte* at) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    return E == Element::int8 ? _mm512_cvtepi8_epi16(bytes) : _mm512_cvtepu8_epi16(bytes);
}

/// Squared L2 of bytes: widened to 16 bits, multiplied in pairs and added by one instruction.
template <Element E>
HAND_TARGET void byte_squares(const void* query, const std::byte* const* rows, std::size_t count, Dim dim, float* out) {
    const auto* q = static_cast<const std::byte*>(query);
    for (std::size_t i = 0; i < count; i += 4) {
        __m512i a[4] = {};
        const auto meet_bytes = [&](__m512i acc, __m512i p, const std::byte* at) HAND_TARGET {
            const __m512i apart = _mm512_sub_epi16(p, widened<E>(at));
            return _mm512_dpwssd_epi32(acc, apart, apart);
        };
        for (std::size_t d = 0; d < dim; d += 32) {
            const __m512i p = widened<E>(q + d);
            for (std::size_t r = 0; r < 4; ++r) a[r] = meet_bytes(a[r], p, rows[i + r] + d);
        }
        _mm_storeu_ps(out + i, _mm_cvtepu32_ps(sum_four(a)));
    }
}

template <Element E>
HAND_TARGET void byte_differences(const void* query, const std::byte* const* rows, std::size_t count, Dim dim,
                                  float* out) {
    const auto* q = static_cast<const std::byte*>(query);
    const __m512i flip = _mm512_set1_epi8(E == Element::int8 ? -128 : 0);
    for (std::size_t i = 0; i < count; i += 4) {
        __m512i a[4] = {};
        for (std::size_t d = 0; d < dim; d += 64) {
            const __m512i p = _mm512_xor_si512(_mm512_loadu_si512(q + d), flip);
            for (std::size_t r = 0; r < 4; ++r) {
                const __m512i x = _mm512_xor_si512(_mm512_loadu_si512(rows[i + r] + d), flip);
                a[r] = _mm512_add_epi64(a[r], _mm512_sad_epu8(p, x));
            }
        }
        _mm_storeu_ps(out + i, _mm_cvtepu32_ps(sum_four(a)));
    }
}

HAND_INLINE __m512i differing(__m512i acc, __m512i q, __m512i x) {
    return _mm512_add_epi64(acc, _mm512_popcnt_epi64(_mm512_xor_si512(q, x)));
}

HAND_TARGET inline void hamming(const void* query, const std::byte* const* rows, std::size_t count, Dim dim,
                                float* out) {
    const auto* q = static_cast<const std::byte*>(query);
    const std::size_t bytes = dim / 8;
    const auto tail = static_cast<__mmask64>((1ULL << (bytes % 64)) - 1);
    for (std::size_t i = 0; i < count; i += 4) {
        __m512i a[4] = {};
        std::size_t d = 0;
        for (; d + 64 <= bytes; d += 64) {
            const __m512i p = _mm512_loadu_si512(q + d);
            for (std::size_t r = 0; r < 4; ++r) {
                a[r] = differing(a[r], p, _mm512_loadu_si512(rows[i + r] + d));
            }
        }
        if (d < bytes) {
            const __m512i p = _mm512_maskz_loadu_epi8(tail, q + d);
            for (std::size_t r = 0; r < 4; ++r) {
                a[r] = differing(a[r], p, _mm512_maskz_loadu_epi8(tail, rows[i + r] + d));
            }
        }
        _mm_storeu_ps(out + i, _mm_cvtepu32_ps(sum_four(a)));
    }
}

using Kernel = void (*)(const void*, const std::byte* const*, std::size_t, Dim, float*);

template <MetricKind M>
Kernel of_metric(Element element) {
    switch (element) {
        case Element::float32: return &floats<M, Element::float32>;
        case Element::float16: return &floats<M, Element::float16>;
        case Element::bfloat16: return &floats<M, Element::bfloat16>;
        case Element::int8:
            if constexpr (M == MetricKind::l2) return &byte_squares<Element::int8>;
            if constexpr (M == MetricKind::l1) return &byte_differences<Element::int8>;
            return &byte_products<M, Element::int8>;
        case Element::uint8:
            if constexpr (M == MetricKind::l2) return &byte_squares<Element::uint8>;
            if constexpr (M == MetricKind::l1) return &byte_differences<Element::uint8>;
            return &byte_products<M, Element::uint8>;
        default: return nullptr;
    }
}

inline Kernel kernel(MetricKind metric, Element element) {
    switch (metric) {
        case MetricKind::l2: return of_metric<MetricKind::l2>(element);
        case MetricKind::inner_product: return of_metric<MetricKind::inner_product>(element);
        case MetricKind::cosine: return of_metric<MetricKind::cosine>(element);
        case MetricKind::l1: return of_metric<MetricKind::l1>(element);
        default: return element == Element::bits ? &hamming : nullptr;
    }
}

inline bool runs_here() {
    return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vpopcntdq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

#pragma GCC diagnostic pop

}  // namespace hand

#endif
