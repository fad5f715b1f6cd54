// A cursor's rows by a walk through a frozen graph that stops and goes on.
#pragma once

#include <tonari/graph/beam_search.hpp>
#include <tonari/index/cursor_model.hpp>
#include <tonari/index/search_scratch.hpp>

namespace tonari {

/// `Hnsw` is an HnswIndex, `Rows` are its own or others in the same places.
template <class Hnsw, class Rows>
class HnswSource {
public:
    HnswSource(const Hnsw& index, const Rows& rows, RowView query, const RowFilter* filter)
        : index_(&index),
          rows_(&rows),
          filter_(filter),
          scratch_(rows),
          scorer_(rows.scorer(query, scratch_)),
          expander_(index.bottom(rows, scorer_, scratch_.visited)),
          frontier_(scratch_.heap, pending_, Passes{filter}),
          search_(expander_, frontier_, scratch_.expansion) {
        pending_.reserve(rows.rows());
    }
    HnswSource(const HnswSource&) = delete;
    HnswSource& operator=(const HnswSource&) = delete;
    ~HnswSource() = default;

    [[nodiscard]] std::size_t ids() const noexcept { return filter_ == nullptr ? index_->size() : filter_->passing; }
    [[nodiscard]] PendingRows& pending() noexcept { return pending_; }
    [[nodiscard]] const PendingRows& pending() const noexcept { return pending_; }
    [[nodiscard]] bool exhausted() const noexcept { return entered_ && frontier_.exhausted(); }

    Outcome find(const Deadline& deadline) noexcept {
        Outcome outcome;
        const std::uint32_t hops = search_.hops();
        const std::uint32_t distances = search_.distances();
        if (!entered_) outcome.distances = index_->enter(search_, *rows_, scorer_, scratch_);
        entered_ = true;
        outcome.complete = run(search_, deadline);
        outcome.hops = search_.hops() - hops;
        outcome.distances += search_.distances() - distances;
        return outcome;
    }
    template <class Visit>
    void for_each_id(RowId row, Visit&& visit) const noexcept {
        rows_->for_each_id(row, filter_, visit);
    }

private:
    using Scorer = typename Rows::Scorer;
    struct Passes {
        const RowFilter* filter;
        bool operator()(RowId row) const noexcept { return filter == nullptr || filter->rows.test(row); }
    };
    using Frontier = CursorFrontier<Passes>;
    struct Scratch : SearchScratch {
        explicit Scratch(const Rows& rows) {
            reserve_query(rows.codec().query_size());
            visited.reserve(rows.rows());
            heap.reserve(rows.rows());
        }
    };

    const Hnsw* index_;
    const Rows* rows_;
    const RowFilter* filter_;
    Scratch scratch_;
    Scorer scorer_;
    SplitExpander<Scorer> expander_;
    PendingRows pending_;
    Frontier frontier_;
    BeamSearch<SplitExpander<Scorer>, Frontier> search_;
    bool entered_ = false;
};

}  // namespace tonari
