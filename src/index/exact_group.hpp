// What exact search in blocks and in tiles share: some queries of a batch, prepared, and the nearest rows of each.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <vector>

#include <tonari/codec/scaled_scorer.hpp>
#include <tonari/core/cache_line.hpp>
#include <tonari/core/top_k.hpp>
#include <tonari/index/exact_batch.hpp>
#include <tonari/simd/kernels.hpp>

namespace tonari {

/// Prepares a query of the batch.
using PrepareQuery = std::function<void(RowView query, std::byte* prepared)>;

class ExactGroup {
public:
    ExactGroup(const ExactRows& rows, MatrixView queries, const PrepareQuery& prepare, std::size_t k)
        : rows_(rows), queries_(queries.rows()), prepared_(queries_ * query_stride()), nearest_(queries_) {
        for (std::size_t q = 0; q < queries_; ++q) {
            prepare(queries.row(q), query(q));
            nearest_[q].reset(k);
            if (rows_.factor_at == 0) continue;
            factors_.resize(queries_);
            std::memcpy(&factors_[q], query(q) + rows_.factor_at, sizeof(float));
        }
    }

    void write(std::size_t first_query, const IdMap& ids, bool complete, Answers& out) {
        for (std::size_t q = 0; q < queries_; ++q) {
            const auto keys = nearest_[q].sort();
            const std::size_t at = (first_query + q) * out.k;
            for (std::size_t i = 0; i < keys.size(); ++i) {
                out.ids[at + i] = ids.id(row_of(keys[i]));
                out.distances[at + i] = distance_of(keys[i]);
            }
            out.counts[first_query + q] = static_cast<std::uint32_t>(keys.size());
            Outcome& outcome = out.outcomes[first_query + q];
            outcome.complete = complete;
            outcome.exact = complete;
            outcome.distances = static_cast<std::uint32_t>(rows_.rows);
        }
    }

protected:
    [[nodiscard]] std::size_t query_stride() const noexcept { return whole_lines(rows_.query_size); }
    [[nodiscard]] std::byte* query(std::size_t q) noexcept { return prepared_.data() + q * query_stride(); }
    [[nodiscard]] std::size_t panels() const noexcept {
        return (queries_ + simd::block_queries - 1) / simd::block_queries;
    }

    /// `distance` is a kernel's, which a factor of the query's may scale.
    void offer(std::size_t q, float distance, std::size_t row) noexcept {
        if (rows_.factor_at > 0) distance = ScaledScorer::scaled(distance, factors_[q]);
        nearest_[q].offer(distance, static_cast<RowId>(row));
    }
    /// Only a kernel's distance below it can belong to one of the k nearest: of equal distances, the rows that came first stay.
    [[nodiscard]] float limit(std::size_t q) const noexcept {
        const float bound = nearest_[q].bound();
        return rows_.factor_at > 0 ? unscaled(bound, factors_[q]) : bound;
    }

    const ExactRows& rows_;
    std::size_t queries_;

private:
    /// No distance from it on scales to less than `bound`: both roundings on the way are made good. Where products underflow,
    /// any may.
    static float unscaled(float bound, float factor) noexcept {
        if (factor < std::numeric_limits<float>::min()) return std::numeric_limits<float>::infinity();
        const float distance = bound / factor;
        return std::isfinite(distance) ? distance + std::abs(distance) * 0x1.0p-22F : distance;
    }

    std::vector<std::byte> prepared_;
    std::vector<TopK> nearest_;
    std::vector<float> factors_;  // of rounded rows
};

}  // namespace tonari
