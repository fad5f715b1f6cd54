// The nearest centroid of every row: how rows find their inverted lists, and their codes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <tonari/core/export.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/progress.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>

namespace tonari::train {

struct AssignOptions {
    Threads threads{};            ///< any number gives the same answer, bit for bit
    ProgressFunction progress{};  ///< called now and then with (rows done, rows in all)
    /// What is added to the squared distance to each centroid before they are compared, not to what is written; l2 only.
    /// Empty: 0.
    std::span<const float> prices{};
};

/// Writes the number of each row's nearest centroid, and its distance too unless `distances` is empty.
///
/// `rows`: float32, float16, bfloat16, int8 or uint8, widened 32 at a time. `centroids`: float32, as many dimensions.
/// `metric`: l2 (distances are squared) or inner_product (negated). `nearest`, `distances`: one value a row.
///
/// Centroids are compared by blocked products (simd/kernels.hpp), whose float32 sums are off by up to
/// e = block_slack(dim) * (|row|^2 + |centroid|^2), 3.4e-5 of the squared lengths at 128 dimensions: the centroid named is
/// nearest to within 2e. No exact look follows, since which of two lists so equally near takes a row decides nothing.
/// Sums of whole numbers up to 2^24 are exact; equal distances go to the smaller number. Where centroids lie close together
/// and far from the origin, both are moved to it first, so that the error is one of the spread (l2 only).
/// A distance that is written is that of the kernels, summed from differences.
///
/// Errors: no rows or centroids, elements, dimensions or sizes that do not go together, NaN, infinities and values whose
/// squares overflow (in rows, of which the first is named, and centroids), memory; what `nearest` and `distances` then hold
/// is not said. O(rows * centroids * dim).
TONARI_API Status assign(MatrixView rows, MatrixView centroids, MetricKind metric, std::span<std::uint32_t> nearest,
                         std::span<float> distances = {}, const AssignOptions& options = {});

}  // namespace tonari::train
