// How much of the truth an answer holds.
//
// recall@k of one query = returned ids that are as near as the k-th true neighbour / k, and of a set the mean.
//
// Ids count once, however often they are returned. An id counts by its distance, not by its name: where distances
// tie, the k true neighbours are one choice of several, and another choice is no worse. The distance is computed
// here, in double, from the rows themselves: an index that reports wrong distances gains nothing by it. Float32
// arithmetic cannot tell distances closer than `ExactDistance::tolerance` apart, so such pairs count as ties too.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>
#include <tonari/index/search_options.hpp>
#include <tonari/tune/ground_truth.hpp>

namespace tonari::tune {

/// Scores answers about one set of queries. The rows and queries must outlive it.
class TONARI_API RecallScorer {
public:
    /// Finds each query's distance to beat. O(queries * k * dim).
    /// Errors: k = 0, truth that holds fewer than min(k, rows) neighbours or does not belong to the data,
    /// base and queries of different element or dimension, a user's metric.
    static Result<RecallScorer> make(MetricKind metric, MatrixView base, MatrixView queries, const GroundTruth& truth,
                                     std::size_t k);

    [[nodiscard]] std::size_t k() const noexcept { return k_; }
    [[nodiscard]] std::size_t queries() const noexcept { return limits_.size(); }
    /// How many of the query's true neighbours the first k() of `ids` hold.
    [[nodiscard]] std::size_t hits(std::size_t query, std::span<const Id> ids) const;
    /// The mean over all queries. `ids` holds `stride` per query, filled up with `no_id`.
    [[nodiscard]] double recall(std::span<const Id> ids, std::size_t stride) const;
    [[nodiscard]] double recall(const Answers& answers) const { return recall(answers.ids, answers.k); }

private:
    RecallScorer(MetricKind metric, MatrixView base, MatrixView queries, std::size_t k)
        : metric_(metric), base_(base), queries_(queries), k_(k) {}

    MetricKind metric_;
    MatrixView base_;
    MatrixView queries_;
    std::size_t k_;
    std::vector<double> limits_;  // per query: the largest distance that counts
};

}  // namespace tonari::tune
