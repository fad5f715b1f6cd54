// What exact search in blocks and in tiles share: some queries of a batch, prepared, and the nearest rows of each.
#pragma once

#include <algorithm>
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
#include <tonari/index/answer_ids.hpp>
#include <tonari/index/exact_batch.hpp>
#include <tonari/simd/kernels.hpp>

namespace tonari {

/// Prepares a query of the batch.
using PrepareQuery = std::function<void(RowView query, std::byte* prepared)>;

/// All of some rows, or a few of them.
struct ComparedRows : ExactRows {
    /// `some`: these alone, ascending.
    ComparedRows(const ExactRows& all, const std::vector<RowId>* some) noexcept : ExactRows(all), some_(some) {}

    [[nodiscard]] bool all() const noexcept { return some_ == nullptr; }
    [[nodiscard]] std::size_t count() const noexcept { return all() ? rows : some_->size(); }
    [[nodiscard]] RowId row(std::size_t i) const noexcept { return all() ? static_cast<RowId>(i) : (*some_)[i]; }
    [[nodiscard]] const std::byte* code(std::size_t i) const noexcept {
        return codes + std::size_t{row(i)} * code_size;
    }
    /// Codes [first, first + count) one behind another: where they lie, or in `room`.
    [[nodiscard]] const std::byte* block(std::size_t first, std::size_t count, std::byte* room) const noexcept {
        if (all()) return code(first);
        for (std::size_t i = 0; i < count; ++i) std::memcpy(room + i * code_size, code(first + i), code_size);
        return room;
    }

private:
    const std::vector<RowId>* some_;
};

class ExactGroup {
public:
    ExactGroup(const ComparedRows& rows, MatrixView queries, const PrepareQuery& prepare, std::size_t k)
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
        std::vector<Neighbor> neighbors;
        neighbors.reserve(std::min(out.k, rows_.count()));
        for (std::size_t q = 0; q < queries_; ++q) {
            answer_ids(ids, nearest_[q].sort(), out.k, nullptr, neighbors);
            const std::size_t at = (first_query + q) * out.k;
            for (std::size_t i = 0; i < neighbors.size(); ++i) {
                out.ids[at + i] = neighbors[i].id;
                out.distances[at + i] = neighbors[i].distance;
            }
            out.counts[first_query + q] = static_cast<std::uint32_t>(neighbors.size());
            Outcome& outcome = out.outcomes[first_query + q];
            outcome.complete = complete;
            outcome.exact = complete;
            outcome.distances = static_cast<std::uint32_t>(rows_.count());
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

    const ComparedRows& rows_;
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
