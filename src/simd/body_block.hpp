// Many queries against many float32 rows: register-blocked products.
//
// A panel holds up to 32 queries, one dimension after the other, queries as lanes:
//
//     | 32 floats: |q|^2 (l2), 1/|q| (cosine), 0 (ip) | dim 0: 32 floats | dim 1: 32 floats | ...
//
// `block_rows` rows are taken at once where they lie; each value is broadcast and meets `block_vectors` vectors of
// queries. On AVX-512 that is 12 x 2 accumulators, 2 registers of queries and one broadcast: 24 multiply-adds for 14
// loads, so that the multipliers, not the loads, are what one waits for.
#pragma once

#include <tonari/simd/kernels.hpp>

#include "simd/body_rows.hpp"
#include "simd/four.hpp"
#include "simd/xsimd_shim.hpp"

namespace tonari::simd {
namespace {

/// Floats of the panel before its first dimension.
constexpr std::size_t panel_head = block_queries;

inline std::size_t float_panel_bytes(Dim dim) noexcept { return (panel_head + std::size_t{dim} * block_queries) * 4; }

/// A line of each query at a time becomes lines of the panel: values one by one would go to as many lines as there are dimensions.
template <MetricKind M>
void pack_floats(const void* queries, std::size_t stride, std::size_t count, Dim dim, void* panel,
                 float (*squared_norm)(const void*, Dim) noexcept) noexcept {
    constexpr std::size_t line = 16;
    const auto* const from = static_cast<const std::byte*>(queries);
    auto* const head = static_cast<float*>(panel);
    float* const to = head + panel_head;
    __builtin_memset(panel, 0, count < block_queries ? float_panel_bytes(dim) : panel_head * sizeof(float));
    for (std::size_t q = 0; q < count; ++q) {
        const std::byte* const query = from + q * stride;
        if constexpr (M == MetricKind::l2) head[q] = squared_norm(query, dim);
        if constexpr (M == MetricKind::cosine)
            head[q] = load_float(query + query_trailer_offset(Element::float32, dim));
    }
    for (std::size_t first = 0; first < dim; first += line) {
        const std::size_t last = first + line < dim ? first + line : dim;
        std::size_t q = 0;
        for (; q + 4 <= count; q += 4) {
            std::size_t d = first;
            for (; d + 4 <= last; d += 4)
                transpose(from + q * stride + d * 4, stride, to + d * block_queries + q, block_queries);
            for (; d < last; ++d) {
                for (std::size_t i = q; i < q + 4; ++i)
                    to[d * block_queries + i] = load_float(from + i * stride + d * 4);
            }
        }
        for (; q < count; ++q) {
            for (std::size_t d = first; d < last; ++d)
                to[d * block_queries + q] = load_float(from + q * stride + d * 4);
        }
    }
}

/// A row's address as one of few base registers plus 0, 1 or 2 strides: x86 adds these for nothing, while one
/// register per row would be more than there are.
template <std::size_t Rows>
struct RowBases {
    static constexpr std::size_t count = (Rows + 2) / 3;
    const std::byte* base[count];
    std::size_t stride;

    RowBases(const std::byte* rows, std::size_t row_stride) noexcept : stride(row_stride) {
        for (std::size_t g = 0; g < count; ++g) base[g] = rows + 3 * g * stride;
    }
    template <std::size_t R>
    TONARI_INLINE const std::byte* at() const noexcept {
        return base[R / 3] + R % 3 * stride;
    }
    TONARI_INLINE void advance(std::size_t bytes) noexcept {
        unroll<count>([&](auto g) __attribute__((always_inline)) { base[g.value] += bytes; });
    }
};

template <class Machine, MetricKind M, std::size_t Rows>
TONARI_INLINE void block_group(const float* panel, std::size_t queries, const std::byte* rows, std::size_t stride,
                               Dim dim, const float* row_norms, float* out) noexcept {
    using F = typename Machine::F;
    constexpr std::size_t vectors = Machine::block_vectors;
    constexpr std::size_t lanes = Machine::float_lanes;
    for (std::size_t first = 0; first < queries; first += vectors * lanes) {
        F acc[Rows][vectors];
        unroll<Rows>([&](auto r) __attribute__((always_inline)) {
            unroll<vectors>([&](auto v) __attribute__((always_inline)) { acc[r.value][v.value] = F(0.0F); });
        });
        RowBases<Rows> at(rows, stride);
        const float* column = panel + panel_head + first;
        for (std::size_t d = 0; d < dim; ++d) {
            F q[vectors];
            unroll<vectors>([&](auto v) __attribute__((always_inline)) {
                q[v.value] = F::load_unaligned(column + v.value * lanes);
            });
            unroll<Rows>([&](auto r) __attribute__((always_inline)) {
                const F x(load_float(at.template at<r.value>()));
                unroll<vectors>([&](auto v) __attribute__((always_inline)) {
                    acc[r.value][v.value] = multiply_add(q[v.value], x, acc[r.value][v.value]);
                });
            });
            column += block_queries;
            at.advance(4);
        }
        unroll<Rows>([&](auto r) __attribute__((always_inline)) {
            const std::byte* row = rows + r.value * stride;
            unroll<vectors>([&](auto v) __attribute__((always_inline)) {
                const F dot = acc[r.value][v.value];
                const F of_query = F::load_unaligned(panel + first + v.value * lanes);
                F value = -dot;
                if constexpr (M == MetricKind::l2) {
                    value = Machine::negative_multiply_add(F(2.0F), dot, of_query + F(row_norms[r.value]));
                }
                if constexpr (M == MetricKind::cosine) {
                    const F inverse(load_float(row + trailer_offset(Element::float32, dim)));
                    value = Machine::negative_multiply_add(dot * of_query, inverse, F(1.0F));
                }
                value.store_unaligned(out + r.value * block_queries + first + v.value * lanes);
            });
        });
    }
}

template <class Machine, MetricKind M>
void block_floats(const void* panel, std::size_t queries, const std::byte* rows, std::size_t stride, std::size_t count,
                  Dim dim, const float* row_norms, float* out) noexcept {
    const auto* const columns = static_cast<const float*>(panel);
    std::size_t i = 0;
    const auto group = [&]<std::size_t Rows>(Index<Rows>) __attribute__((always_inline)) {
        for (; i + Rows <= count; i += Rows) {
            const float* norms = M == MetricKind::l2 ? row_norms + i : nullptr;
            block_group<Machine, M, Rows>(columns, queries, rows + i * stride, stride, dim, norms,
                                          out + i * block_queries);
        }
    };
    group(Index<Machine::block_rows>{});
    group(Index<Machine::block_rows / 3>{});
    group(Index<1>{});
}

}  // namespace
}  // namespace tonari::simd
