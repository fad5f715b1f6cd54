// What codes say is near to some of the rows: how codes for a graph's build are tried before they are trusted.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <tonari/codec/flat.hpp>
#include <tonari/core/aligned.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/progress.hpp>
#include <tonari/core/types.hpp>

namespace tonari {

/// Of each sampled row the rows that are nearest by codes, the nearest first, without itself.
class NearSample {
public:
    static constexpr std::size_t most = 40;     ///< of a row
    static constexpr std::size_t nearest = 10;  ///< of them, those that other codes have to find

    /// `codes` one behind another; `sample` are some of their places. Any number of threads finds the same. Throws bad_alloc.
    /// `progress` is told sampled rows. O(codes x sample).
    static NearSample of(const Flat<AnyMetric>& codec, std::span<const std::byte> codes, std::span<const RowId> sample,
                         const Threads& threads, const ProgressFunction& progress);

    [[nodiscard]] std::size_t size() const noexcept { return counts_.size(); }
    [[nodiscard]] std::span<const RowId> near(std::size_t i) const noexcept {
        return std::span(rows_).subspan(i * most, counts_[i]);
    }

private:
    std::vector<RowId> rows_;  // most of each
    std::vector<std::size_t> counts_;
};

/// Of each sampled row the share of its 10 nearest by `near` that are among those `by_others` knows of. Both are of the same sample.
[[nodiscard]] std::vector<double> shares_found(const NearSample& near, const NearSample& by_others);

/// Whether codes pass by the shares of what is near that they find: `average`, and half for every row. A far-off row, or a dense
/// cloud of a few, is nothing to an average.
[[nodiscard]] bool passes(std::span<const double> shares, double average) noexcept;

}  // namespace tonari
