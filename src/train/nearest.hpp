// The nearest of many centroids, for many rows at once: products in blocks, and the least of each column.
//
//     for each group of rows (one thread's):    packed into panels of 32, a part of the L2 cache
//       for each block of centroids:            small enough for its distances to stay in the L1 cache
//         for each panel:                       block kernel -> distances -> nearest so far
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <tonari/core/aligned.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/result.hpp>
#include <tonari/simd/kernels.hpp>

#include "train/float_rows.hpp"

namespace tonari::train {

/// Scratch for the threads of one call after another.
class NearestCentroids {
public:
    /// `metric`: l2 or inner_product. For up to `most` centroids of `dim` dimensions, and `find_among` so many of them.
    static Result<NearestCentroids> create(MetricKind metric, Dim dim, std::size_t most, const Threads& threads,
                                           std::size_t most_among);

    /// Those that are asked from now on: float32, without gaps, and they stay where they are. At most `most`. `prices`, one for
    /// each or none, are added to distances (l2 only).
    void set(std::span<const float> centroids, std::span<const float> prices = {}) noexcept;
    /// For rows first ... first + nearest.size() - 1; true if any value of `nearest` is not what it was. The value for a row
    /// does not depend on the rows beside it, nor on threads. Workers allocate nothing.
    bool find(const FloatRows& rows, std::size_t first, std::span<std::uint32_t> nearest);

    /// The same for some rows, among at most `most_among` centroids whose numbers ascend: nearest[row] for each of these. By worker
    /// `at`. Where there are block kernels, and without prices.
    bool find_among(unsigned at, const FloatRows& rows, std::span<const RowId> some,
                    std::span<const std::uint32_t> among, std::span<std::uint32_t> nearest) noexcept;
    [[nodiscard]] bool finds_among() const noexcept { return kernels_.block != nullptr; }

private:
    struct Worker {
        AlignedBuffer panels;
        std::vector<float> wide;  // a panel's rows, where they cannot be used as they lie
        std::vector<float> best;
        std::vector<std::uint32_t> which;
        std::vector<float> among;        // the centroids of `find_among`, one behind another
        std::vector<float> among_norms;  // theirs
    };
    NearestCentroids() = default;
    void pack(Worker& worker, const FloatRows& rows, std::size_t first, std::size_t count) const noexcept;
    void start(Worker& worker) const noexcept;
    void compare(Worker& worker, std::size_t panels, std::span<const float> centroids,
                 std::span<const float> norms) const noexcept;
    void compare_plainly(Worker& worker, const FloatRows& rows, std::size_t first, std::size_t count) const noexcept;

    simd::DistanceKernels kernels_;
    Threads threads_;
    MetricKind metric_ = MetricKind::l2;
    Dim dim_ = 0;
    std::size_t panel_stride_ = 0;
    std::size_t group_panels_ = 0;
    std::size_t block_rows_ = 0;
    std::span<const float> centroids_;
    std::vector<float> norms_;  // squared, and prices
    std::span<const float> prices_;
    std::vector<Worker> workers_;
};

/// The `count` centroids (1 or more, at most all) that are nearest to centroid c, itself among them: their numbers, ascending, from
/// out[c * count] on. O(centroids^2 * dim). Throws bad_alloc.
void find_near(std::span<const float> centroids, Dim dim, std::size_t count, const Threads& threads,
               std::vector<std::uint32_t>& out);

}  // namespace tonari::train
