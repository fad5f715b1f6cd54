// What a search may be told, and what it answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <tonari/core/clock.hpp>
#include <tonari/core/filter.hpp>
#include <tonari/core/neighbor.hpp>
#include <tonari/core/parallel.hpp>

namespace tonari {

class IdSet;
class IndexModel;

/// A filter translated for one index: `Index::prepare` makes it, any number of queries use it.
struct RowFilter {
    RowBitmap rows;           ///< distinct stored rows with at least one id that passes
    std::size_t passing = 0;  ///< ids that pass
    RowBitmap ids;            ///< the same per id slot; empty when every row has one id
    /// Instead of the rows, for an index whose rows come and go: the ids that passed when the filter was prepared.
    std::shared_ptr<const IdSet> named{};
    /// Whose rows they are; no other index takes it. It is kept alive, so that none is ever made at its address.
    std::shared_ptr<const IndexModel> index{};
};

/// How to search. Every field is honoured or refused.
struct SearchOptions {
    std::size_t k = 10;   ///< neighbours wanted, at least 1
    std::size_t ef = 64;  ///< graphs: candidates kept while walking; raised to k. Flat ignores it: it is exact.
    /// IVF: lists looked at, the nearest ones; more finds more and takes longer. Where they hold fewer than k rows that may
    /// be answered, further ones are looked at. Others ignore it.
    std::size_t nprobe = 16;
    /// IVF: it ends before `nprobe` lists once about so many in a row held none of the nearest rows; the farther away the next one,
    /// the fewer (index/patience.hpp). 0: never. Give it with an `nprobe` that is some times as large. Others ignore it.
    float patience = 0;
    /// Codes with refinement: a row is looked at again unless it would have to be so many standard deviations of its code's
    /// error nearer than it seems to be among the k nearest. Others ignore it.
    float refine = 3;
    const RowFilter* filter = nullptr;  ///< from `prepare` of the same index; not owned
    /// When passed, what was found so far is answered with `complete = false`. A batch over inverted lists goes through these for up to
    /// 1,024 queries at a time (4,096 over rows as given or of 8 bits), which then end together; those that it has not begun with have no
    /// answer.
    Deadline deadline{};
    Threads threads{};  ///< batches only: a single query runs on the calling thread
};

/// All rows within a distance.
struct RangeOptions {
    float radius = 0;          ///< largest distance answered (smaller is nearer: negated inner product, 1 - cos, ...)
    std::size_t cap = 10'000;  ///< most rows answered per query, the nearest of them; `truncated` says when it cut
    std::size_t ef = 64;       ///< graphs: how wide the walk is before it follows the range
    std::size_t nprobe = 16;   ///< IVF: lists looked at before it follows the range from list to list
    float refine = 3;          ///< codes with refinement: as in SearchOptions
    const RowFilter* filter = nullptr;
    Deadline deadline{};
    Threads threads{};
};

/// How an answer came about.
struct Outcome {
    bool complete = true;    ///< false: the deadline passed first
    bool truncated = false;  ///< range search: more rows lie within the radius than `cap`
    bool exact = false;      ///< every row that may be answered was compared
    std::uint32_t hops = 0;  ///< vertices expanded
    std::uint32_t distances = 0;
    std::uint32_t refined = 0;  ///< rows that were looked at again by finer codes
};

/// One query's answer. Lives in the searcher until its next call.
struct Nearest {
    std::span<const Neighbor> neighbors;  ///< ordered by (distance, id), ids unique; fewer than k only if fewer pass
    Outcome outcome;

    [[nodiscard]] auto begin() const noexcept { return neighbors.begin(); }
    [[nodiscard]] auto end() const noexcept { return neighbors.end(); }
    [[nodiscard]] std::size_t size() const noexcept { return neighbors.size(); }
    [[nodiscard]] const Neighbor& operator[](std::size_t i) const noexcept { return neighbors[i]; }
};

/// The answers of a batch: row q holds `counts[q]` neighbours, then `no_id` at infinite distance.
struct Answers {
    std::size_t queries = 0;
    std::size_t k = 0;
    std::vector<Id> ids;           ///< queries x k
    std::vector<float> distances;  ///< queries x k
    std::vector<std::uint32_t> counts;
    std::vector<Outcome> outcomes;

    [[nodiscard]] std::span<const Id> ids_of(std::size_t query) const noexcept {
        return std::span(ids).subspan(query * k, counts[query]);
    }
    [[nodiscard]] std::span<const float> distances_of(std::size_t query) const noexcept {
        return std::span(distances).subspan(query * k, counts[query]);
    }
};

/// The answers of a range search: query q's are [offsets[q], offsets[q + 1]), nearest first.
struct RangeAnswers {
    std::vector<std::size_t> offsets;
    std::vector<Id> ids;
    std::vector<float> distances;
    std::vector<Outcome> outcomes;
};

}  // namespace tonari
