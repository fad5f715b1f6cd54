// float32, float16 and bfloat16 rows: l2, inner product, cosine and l1, added up in float32.
//
// The query is float32 whatever the rows are. A machine reads rows as vectors of float32:
//     width<E>                      vectors per load (2 where one load of bfloat16 fills two)
//     row<E>(at, F*), row_part<E>(at, n, F*)
#pragma once

#include "simd/four.hpp"
#include "simd/layout.hpp"
#include "simd/xsimd_shim.hpp"

namespace tonari::simd {
namespace {

/// 1 - <q,x> / (|q| |x|), with one rounding at the end where the machine can: said explicitly, so that no compiler
/// decides it differently for one row and for four.
TONARI_INLINE float cosine_distance(float dot, float inverse_query, float inverse_row) noexcept {
    const float scaled = dot * inverse_query;
#if defined(__FMA__) || defined(__aarch64__)
    return __builtin_fmaf(-scaled, inverse_row, 1.0F);
#else
    return 1.0F - scaled * inverse_row;
#endif
}

template <class Machine, std::size_t Width>
struct FloatVectors {
    typename Machine::F part[Width];
};

template <class Machine, MetricKind M, Element E>
class FloatOp {
    static constexpr std::size_t width = Machine::template width<E>;
    static constexpr std::size_t element_bytes = row_bytes(E, 1);

public:
    using F = typename Machine::F;
    using Acc = FloatVectors<Machine, width>;
    using Sum = float;
    static constexpr std::size_t lanes = Machine::float_lanes;
    static constexpr std::size_t step = lanes * width;
    static constexpr std::size_t depth = 2 / width;
    static constexpr std::size_t group = 4;

    FloatOp(const void* query, Dim dim) noexcept : query_(static_cast<const std::byte*>(query)) {
        if constexpr (M == MetricKind::cosine) inverse_ = load_float(query_ + query_trailer_offset(E, dim));
    }

    static std::size_t length(Dim dim) noexcept { return dim; }

    static TONARI_INLINE Acc zero() noexcept {
        Acc acc;
        unroll<width>([&](auto w) __attribute__((always_inline)) { acc.part[w.value] = F(0.0F); });
        return acc;
    }
    TONARI_INLINE Acc left(std::size_t i) const noexcept {
        Acc values;
        unroll<width>([&](auto w) __attribute__((always_inline)) {
            Machine::template row<Element::float32>(query_ + (i + w.value * lanes) * 4, &values.part[w.value]);
        });
        return values;
    }
    TONARI_INLINE Acc left_part(std::size_t i, std::size_t n) const noexcept {
        Acc values;
        unroll<width>([&](auto w) __attribute__((always_inline)) {
            const std::size_t before = w.value * lanes;
            const std::size_t here = n > before ? (n - before < lanes ? n - before : lanes) : 0;
            Machine::template row_part<Element::float32>(query_ + (i + before) * 4, here, &values.part[w.value]);
        });
        return values;
    }
    TONARI_INLINE void add(Acc& acc, const Acc& left, const std::byte* row, std::size_t i) const noexcept {
        Acc values;
        Machine::template row<E>(row + i * element_bytes, values.part);
        add_values(acc, left, values);
    }
    TONARI_INLINE void add_part(Acc& acc, const Acc& left, const std::byte* row, std::size_t i,
                                std::size_t n) const noexcept {
        Acc values;
        Machine::template row_part<E>(row + i * element_bytes, n, values.part);
        add_values(acc, left, values);
    }

    static TONARI_INLINE Acc merge(const Acc& a, const Acc& b) noexcept {
        Acc sum;
        unroll<width>([&](auto w)
                          __attribute__((always_inline)) { sum.part[w.value] = a.part[w.value] + b.part[w.value]; });
        return sum;
    }
    static TONARI_INLINE F fold(const Acc& a) noexcept {
        if constexpr (width == 2) {
            return a.part[0] + a.part[1];
        } else {
            return a.part[0];
        }
    }
    static TONARI_INLINE float sum(const Acc& a) noexcept { return Machine::sum(fold(a)); }
    static TONARI_INLINE FourFloats sum4(const Acc& a, const Acc& b, const Acc& c, const Acc& d) noexcept {
        return Machine::sum4(fold(a), fold(b), fold(c), fold(d));
    }

    TONARI_INLINE float finish(float sum, const std::byte* row, Dim dim) const noexcept {
        if constexpr (M == MetricKind::inner_product) return -sum;
        if constexpr (M == MetricKind::cosine) {
            return cosine_distance(sum, inverse_, load_float(row + trailer_offset(E, dim)));
        }
        return sum;
    }
    TONARI_INLINE void finish4(FourFloats sums, const std::byte* const* rows, Dim dim, float* out) const noexcept {
        if constexpr (M == MetricKind::inner_product) sums = negative(sums);
        if constexpr (M == MetricKind::cosine) {
            float inverse_rows[4];
            load_trailers(rows, trailer_offset(E, dim), inverse_rows);
            sums = cosine_distances(sums, inverse_, inverse_rows);
        }
        store(out, sums);
    }

protected:
    static TONARI_INLINE void add_values(Acc& acc, const Acc& left, const Acc& values) noexcept {
        unroll<width>([&](auto w) __attribute__((always_inline)) {
            F& to = acc.part[w.value];
            const F q = left.part[w.value];
            const F x = values.part[w.value];
            if constexpr (M == MetricKind::inner_product || M == MetricKind::cosine) {
                to = multiply_add(q, x, to);
            } else if constexpr (M == MetricKind::l2) {
                const F apart = q - x;
                to = multiply_add(apart, apart, to);
            } else {
                to = to + absolute(q - x);
            }
        });
    }

private:
    const std::byte* query_;
    float inverse_ = 0.0F;
};

}  // namespace
}  // namespace tonari::simd
