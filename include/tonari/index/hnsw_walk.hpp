// One search of a graph without a filter, as a walk that can be stopped after each half of a step (index/walk_batch.hpp).
#pragma once

#include <algorithm>
#include <span>

#include <tonari/graph/beam_search.hpp>
#include <tonari/index/search_options.hpp>
#include <tonari/index/search_scratch.hpp>

namespace tonari {

/// `Graph` is a HnswIndex.
template <class Graph>
class HnswWalk {
public:
    using Index = Graph;

    /// `scratch` is reserved by the graph for these options before a walk starts.
    HnswWalk(const Graph& graph, const SearchOptions& options, SearchScratch& scratch) noexcept
        : graph_(&graph),
          options_(&options),
          scratch_(&scratch),
          expander_(graph.bottom(graph.rows(), scorer_, scratch.visited)),
          search_(expander_, scratch.pool, scratch.expansion) {}
    HnswWalk(const HnswWalk&) = delete;
    HnswWalk& operator=(const HnswWalk&) = delete;

    void start(RowView query) noexcept {
        scorer_ = graph_->rows().scorer(query, *scratch_);
        if constexpr (Scorer::bounded) scorer_.set_deviations(0);  // a walk goes by estimates
        scratch_->pool.reset(graph_->walk_width(options_->k, options_->ef));
        search_ = {expander_, scratch_->pool, scratch_->expansion};
        entering_ = graph_->enter(search_, graph_->rows(), scorer_, *scratch_);
    }
    bool step() noexcept { return search_.step(); }
    bool begin_step() noexcept { return search_.begin_step(); }
    void end_step() noexcept { search_.end_step(); }
    [[nodiscard]] std::uint32_t hops() const noexcept { return search_.hops(); }

    [[nodiscard]] Outcome outcome(bool complete) const noexcept {
        Outcome outcome;
        outcome.complete = complete;
        outcome.hops = search_.hops();
        outcome.distances = entering_ + search_.distances();
        return outcome;
    }
    /// The answer, in `scratch.neighbors`.
    Outcome finish(bool complete) noexcept {
        const std::size_t k = std::min(options_->k, graph_->size());
        graph_->rows().answer(scratch_->pool.answers(), k, nullptr, scratch_->neighbors);
        return outcome(complete);
    }
    /// What was found, in place of that: offered to any collector, as many rows as the walk was wide.
    template <Collector Found>
    void offer(Found& found) noexcept {
        if constexpr (Scorer::bounded) scorer_.set_deviations(options_->refine);
        graph_->offer(scratch_->pool.answers(), scorer_, found, *scratch_);
    }

private:
    using Scorer = typename Graph::Scorer;
    using Expander = SplitExpander<Scorer>;

    const Graph* graph_;
    const SearchOptions* options_;
    SearchScratch* scratch_;
    Scorer scorer_{};
    Expander expander_;
    BeamSearch<Expander, PoolFrontier> search_;
    std::uint32_t entering_ = 0;  // distances on the way to the lowest layer
};

}  // namespace tonari
