// A growing index at one moment: what a walk may look at, and which ids its vertices answer for.
#pragma once

#include <algorithm>

#include <tonari/graph/beam_search.hpp>
#include <tonari/graph/growing_expander.hpp>
#include <tonari/index/growing_hnsw.hpp>
#include <tonari/index/id_set.hpp>
#include <tonari/index/search_scratch.hpp>

namespace tonari {

/// Holds the moment, and lets it go when it ends.
template <class Growing>
class GrowingMoment {
public:
    using Rows = decltype(std::declval<const Growing&>().rows().links());
    using Scorer = typename Growing::Scorer;

    explicit GrowingMoment(const Growing& index)
        : index_(&index), graph_(&index.graph()), pin_(index.pin()), rows_(index.rows().links()) {
        entry_ = graph_->entry();
        room_ = graph_->capacity();  // after the entry was read, so that it lies within
    }
    GrowingMoment(const GrowingMoment&) = delete;  // expanders look at its rows
    GrowingMoment& operator=(const GrowingMoment&) = delete;
    ~GrowingMoment() = default;

    /// Vertices that a walk may meet lie below it.
    [[nodiscard]] std::size_t room() const noexcept { return room_; }
    [[nodiscard]] std::size_t vertices() const noexcept { return std::min(graph_->vertices(), room_); }

    /// Calls `visit(id)` for every id that the vertex answers for. Of rows not born yet, or dead, there are none.
    template <class Visit>
    void for_each_id(RowId vertex, Visit&& visit) const noexcept {
        index_->entries().for_each(vertex, pin_.moment(), visit);
    }
    /// Does a vertex answer for any id that may be answered?
    [[nodiscard]] bool passes(RowId vertex, const IdSet* filter) const noexcept {
        bool any = false;
        for_each_id(vertex, [&](Id id) { any = any || filter == nullptr || filter->contains(id); });
        return any;
    }

    [[nodiscard]] Scorer aim(typename Growing::Row query, SearchScratch& scratch) const noexcept {
        index_->codec().prepare(query, scratch.query());
        auto scorer = index_->codec().scorer();
        scorer.set_query(scratch.query());
        return scorer;
    }
    /// The lowest layer as a walk sees it. `visited` has as much room as there is here.
    [[nodiscard]] GrowingExpander<Rows, Scorer> bottom(Scorer& scorer, VisitedSet& visited) const noexcept {
        return {*graph_, rows_, 0, room_, scorer, visited};
    }
    /// Descends to the lowest layer and starts `search` there. How many distances that took.
    template <class Search>
    std::uint32_t enter(Search& search, Scorer& scorer, SearchScratch& scratch) const noexcept {
        scratch.visited.clear();
        if (entry_.vertex == no_row) return 0;
        const std::byte* code = index_->rows().code(entry_.vertex);
        Candidate best{0, entry_.vertex};
        scorer.distances({&code, 1}, &best.distance);
        const Candidate first = best;
        std::uint32_t distances = 1;
        for (std::size_t layer = entry_.height; layer-- > 1;) {
            best = descend(GrowingNeighbours(*graph_, rows_, layer, room_), scorer, scratch.expansion, best, distances);
        }
        scratch.visited.insert(best.row);
        search.start(best.row, best.distance);
        // From here every live vertex can be reached (graph/spanning_tree.hpp), from `best` not always: k rows come whenever
        // k are there.
        if (scratch.visited.insert(first.row)) search.start(first.row, first.distance);
        return distances;
    }

    /// As for the frozen graph (index/hnsw_index.hpp).
    [[nodiscard]] bool scan_is_cheaper(std::size_t passing, std::size_t width) const noexcept {
        const auto share = static_cast<double>(passing);
        return share * share <=
               static_cast<double>(width) * static_cast<double>(index_->links()) * static_cast<double>(vertices());
    }

private:
    const Growing* index_;
    const GrowingGraph* graph_;
    Epoch::Pin pin_;
    Rows rows_;
    GrowingGraph::Entry entry_;
    std::size_t room_ = 0;
};

}  // namespace tonari
