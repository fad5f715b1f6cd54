// The one loop of all pair kernels: a query against rows, four (or eight) rows at a time.
//
//     step          one vector of elements: the query's part is loaded once and meets each of the rows
//     depth         independent accumulators per row, so that additions do not wait for each other
//     rest          whole steps that are left, then one masked step
//     sums          the accumulators of the four rows are transposed and added together
//
// The order of additions of a row is the same for 1 row as for 8: its value does not depend on its company.
//
// Nothing is prefetched here: whoever knows the rows earlier does it better. Prefetching the next group from inside
// moved scattered rows of 512 bytes by less than 6 % and made those of 128 bytes slower.
//
// What is added is an operation, a class `Op` with
//     Acc, Sum, step, depth, group                    types and sizes; Sum is float or unsigned; group is 4 rows, or 8 where
//                                                     one is so little work that the loop around it shows
//     Op(const void* query, Dim dim)                  once per call
//     length(dim)                                     the row's length in the unit of `step`
//     left(i), left_part(i, n)                        the query's vector at element i (n < step elements of it)
//     add(acc, left, row, i), add_part(..., n)
//     merge(acc, acc), sum(acc), sum4(acc x 4)        the last gives FourFloats or FourSums (four.hpp)
//     finish(sum, row, dim), finish4(sums, rows, dim, out)       the distances
#pragma once

#include <cstddef>

#include <tonari/simd/kernels.hpp>

#include "simd/layout.hpp"
#include "simd/unroll.hpp"

namespace tonari::simd {
namespace {

/// Ends in `finish(acc)`, where acc[r][0] is all of row r.
template <class Op, std::size_t Rows, class Finish>
TONARI_INLINE void add_up(const Op& op, const std::byte* const* rows, Dim dim, Finish&& finish) noexcept {
    constexpr std::size_t depth = Op::depth;
    constexpr std::size_t step = Op::step;
    const std::byte* row[Rows];
    typename Op::Acc acc[Rows][depth];
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
        row[r.value] = rows[r.value];
        unroll<depth>([&](auto k) __attribute__((always_inline)) { acc[r.value][k.value] = Op::zero(); });
    });

    const std::size_t length = op.length(dim);
    const auto add_step = [&](auto k, std::size_t i) __attribute__((always_inline)) {
        const auto left = op.left(i);
        unroll<Rows>([&](auto r)
                         __attribute__((always_inline)) { op.add(acc[r.value][k.value], left, row[r.value], i); });
    };
    std::size_t i = 0;
    for (; i + step * depth <= length; i += step * depth) {
        unroll<depth>([&](auto k) __attribute__((always_inline)) { add_step(k, i + k.value * step); });
    }
    if constexpr (depth > 1) {
        unroll<depth - 1>([&](auto k) __attribute__((always_inline)) {
            if (i + step <= length) {
                add_step(k, i);
                i += step;
            }
        });
    }
    if (i < length) {
        const std::size_t n = length - i;
        const auto left = op.left_part(i, n);
        unroll<Rows>([&](auto r)
                         __attribute__((always_inline)) { op.add_part(acc[r.value][0], left, row[r.value], i, n); });
    }

    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
        unroll<depth - 1>([&](auto k) __attribute__((always_inline)) {
            acc[r.value][0] = Op::merge(acc[r.value][0], acc[r.value][k.value + 1]);
        });
    });
    finish(acc);
}

/// The sums of one row.
template <class Op>
TONARI_INLINE typename Op::Sum add_up_one(const Op& op, const std::byte* row, Dim dim) noexcept {
    typename Op::Sum sum;
    add_up<Op, 1>(op, &row, dim, [&](auto& acc) __attribute__((always_inline)) { sum = Op::sum(acc[0][0]); });
    return sum;
}

template <class Op, std::size_t Rows>
TONARI_INLINE void measure(const Op& op, const std::byte* const* rows, Dim dim, float* out) noexcept {
    add_up<Op, Rows>(op, rows, dim, [&](auto& acc) __attribute__((always_inline)) {
        if constexpr (Rows % 4 == 0) {
            unroll<Rows / 4>([&](auto four) __attribute__((always_inline)) {
                constexpr std::size_t r = four.value * 4;
                op.finish4(Op::sum4(acc[r][0], acc[r + 1][0], acc[r + 2][0], acc[r + 3][0]), rows + r, dim, out + r);
            });
        } else {
            unroll<Rows>([&](auto r) __attribute__((always_inline)) {
                out[r.value] = op.finish(Op::sum(acc[r.value][0]), rows[r.value], dim);
            });
        }
    });
}

/// The rows that no full group took.
template <class Op>
__attribute__((noinline)) void measure_rest(const Op& op, const std::byte* const* rows, std::size_t count, Dim dim,
                                            float* out) noexcept {
    if constexpr (Op::group > 4) {
        if (count >= 4) {
            measure<Op, 4>(op, rows, dim, out);
            rows += 4;
            count -= 4;
            out += 4;
        }
    }
    switch (count) {
        case 1: return measure<Op, 1>(op, rows, dim, out);
        case 2: return measure<Op, 2>(op, rows, dim, out);
        case 3: return measure<Op, 3>(op, rows, dim, out);
        default: return;
    }
}

template <class Op>
void gather(const void* query, const std::byte* const* rows, std::size_t count, Dim dim, float* out) noexcept {
    const Op op(query, dim);
    std::size_t i = 0;
    for (; i + Op::group <= count; i += Op::group) measure<Op, Op::group>(op, rows + i, dim, out + i);
    measure_rest(op, rows + i, count - i, dim, out + i);
}

template <class Op>
void scan(const void* query, const std::byte* rows, std::size_t stride, std::size_t count, Dim dim,
          float* out) noexcept {
    const Op op(query, dim);
    std::size_t i = 0;
    const auto pointers = [&](const std::byte** to, std::size_t n) __attribute__((always_inline)) {
        for (std::size_t r = 0; r < n; ++r) to[r] = rows + (i + r) * stride;
    };
    const std::byte* some[Op::group];
    for (; i + Op::group <= count; i += Op::group) {
        pointers(some, Op::group);
        measure<Op, Op::group>(op, some, dim, out + i);
    }
    pointers(some, count - i);
    measure_rest(op, some, count - i, dim, out + i);
}

}  // namespace
}  // namespace tonari::simd
