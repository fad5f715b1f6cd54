// The list in which a row stands a second time, so that a search that misses the first may meet it in the second.
//
// The nearest other list is no good choice: what makes a query rank the first list too low (the row lies away from its centroid
// in the query's direction) makes it rank the second too low as well, where the row lies away from that centroid in the same
// direction. So the second is chosen whose residual is as orthogonal to that in the first as nearness allows (SOAR: Sun, Simcha,
// Dopson, Guo and Kumar 2023): with r = row - first centroid and r' = row - second one, the least of
//
//     |r'|^2 + lambda (<r, r'> / |r|)^2
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/core/neighbor.hpp>
#include <tonari/core/types.hpp>
#include <tonari/core/view.hpp>

namespace tonari {

/// One thread's scratch for choosing second lists.
class TONARI_API SecondList {
public:
    /// Of the nearest lists so many are compared. None that is farther than the least sum so far can have a lesser one.
    static constexpr std::size_t candidates = 64;
    /// On sift-128 with 1,024 lists, 0 and 2 find fewer by comparing as many rows.
    static constexpr float lambda = 1;

    /// `centroids`: float32, and they stay where they are. `by_direction`: they have length 1, and rows are taken at length 1,
    /// since it is their direction alone that finds lists (cosine, inner product). `prices` count against lists, one for each or
    /// none; they are not negative and stay where they are, too.
    SecondList(MatrixView centroids, bool by_direction, std::span<const float> prices = {});

    /// Of `lists`, named by id, the one for `row` (dim float32 values) whose first list is `first`, which may be among them: of
    /// equal ones the smaller number. Where no other is named, the one behind `first`; there are at least two lists.
    /// O(lists * dim).
    [[nodiscard]] RowId choose(const float* row, RowId first, std::span<const Neighbor> lists) noexcept;

private:
    MatrixView centroids_;
    bool by_direction_;
    std::span<const float> prices_;
    std::vector<float> row_;
    std::vector<float> residual_;
    std::vector<float> other_;
};

}  // namespace tonari
