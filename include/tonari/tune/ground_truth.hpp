// The true nearest neighbours of a set of queries: what an approximate answer is compared with.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>

namespace tonari::tune {

/// queries x k, nearest first. Ids are row numbers of the base.
struct GroundTruth {
    std::size_t queries = 0;
    std::size_t k = 0;
    std::vector<Id> ids;
    std::vector<float> distances;

    [[nodiscard]] std::span<const Id> ids_of(std::size_t query) const noexcept {
        return std::span(ids).subspan(query * k, k);
    }
    [[nodiscard]] std::span<const float> distances_of(std::size_t query) const noexcept {
        return std::span(distances).subspan(query * k, k);
    }
};

struct GroundTruthOptions {
    std::size_t k = 100;  ///< cut to the number of rows
    Threads threads{};
    /// Called with (queries done, queries in all), from the calling thread.
    std::function<void(std::size_t done, std::size_t total)> progress{};
};

/// By exact search, a block of queries at a time. O(rows * queries * dim); memory for a copy of `base`.
/// Errors: those of `build` and of a search (metric and element, dimensions, non-finite values).
TONARI_API Result<GroundTruth> compute_ground_truth(MatrixView base, MatrixView queries, MetricKind metric,
                                                    const GroundTruthOptions& options = {});

/// Checks what was read from files against the data it should belong to: sizes, and ids that are rows.
/// `distances` may be empty (they are not needed to score recall). Errors: invalid_argument.
TONARI_API Status check_ground_truth(const GroundTruth& truth, std::size_t queries, std::size_t rows);

}  // namespace tonari::tune
