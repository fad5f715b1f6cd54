// How a vertex leaves a graph that is walked meanwhile.
//
// Whoever names it is found, drops that link, and takes over what it led to: the nearest of the leaver's own links that no
// other link of theirs leads to. (In-place deletion: IP-DiskANN, Xu et al. 2025; that its out-links are what its
// in-neighbours need is also MN-RU's observation, Xiao et al. 2024.) In-neighbours are looked for among the leaver's links
// and theirs; a count of who names a vertex says when all are found, and the few that lie farther off are met by `sweep`.
//
// Invariants
//   - `leave` is called when no writer or reader is left that saw the vertex alive: nobody links to it any more.
//   - Its own links stay until nobody can stand on it (`clear`): a walk that does goes on from there.
//   - Before any link goes, its children are handed on (graph/spanning_tree.hpp): by them all that is alive is reached.
//   - A link to a child is not dropped, dead as it may be: it is when the child itself leaves.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include <tonari/graph/insert.hpp>

namespace tonari {

/// One writer's tools for taking vertices out.
template <LinkRows Rows>
class GraphRepairer : public GraphWriter<Rows> {
public:
    using Base = GraphWriter<Rows>;
    GraphRepairer(GrowingGraph& graph, SpanningTree& tree, Rows rows) : Base(graph, tree, rows) {
        linked_.reserve(max_batch + 1);
    }

    /// Takes away the links that name `vertex`, as far as they are found nearby. True if none is left.
    /// `moment` is the caller's: nobody who had died by then is linked to.
    bool leave(RowId vertex, Moment moment) noexcept {
        const RowId parent = tree_->hand_on(vertex);
        if (parent != no_row) drop_if_named(0, parent, vertex, moment);
        for (std::size_t layer = 0; layer < graph_->height(vertex); ++layer) leave(layer, vertex, moment);
        return graph_->is_nameless(vertex);
    }

    /// Empties the lists of a vertex that has left.
    void clear(RowId vertex) noexcept {
        for (std::size_t layer = 0; layer < graph_->height(vertex); ++layer) {
            const GrowingGraph::Lock lock(*graph_, vertex);
            for (std::size_t i = graph_->read(layer, vertex, far_.data()); i-- > 0;)
                graph_->take_out(layer, vertex, i, i + 1);
        }
    }

    /// Drops links of `vertex` to whom `has_left`, on all its layers.
    template <class HasLeft>
    void sweep(RowId vertex, const HasLeft& has_left, Moment moment) noexcept {
        for (std::size_t layer = 0; layer < graph_->height(vertex); ++layer) {
            std::size_t count = 0;
            {
                const GrowingGraph::Lock lock(*graph_, vertex);
                if (layer < graph_->height(vertex)) count = graph_->read(layer, vertex, near_.data());
            }
            for (std::size_t i = 0; i < count; ++i) {
                if (has_left(near_[i])) drop(layer, vertex, near_[i], moment);
            }
        }
    }

private:
    using Base::graph_;
    using Base::tree_;

    void leave(std::size_t layer, RowId vertex, Moment moment) noexcept {
        const std::atomic<std::uint32_t>& named = graph_->named(layer, vertex);
        const auto nameless = [&] { return named.load(std::memory_order_acquire) == 0; };
        const std::size_t count = graph_->read(layer, vertex, near_.data());
        for (std::size_t i = 0; i < count && !nameless(); ++i) drop_if_named(layer, near_[i], vertex, moment);
        for (std::size_t i = 0; i < count && !nameless(); ++i) {
            const std::size_t further = graph_->read(layer, near_[i], far_.data());
            for (std::size_t j = 0; j < further; ++j) {
                simd::prefetch(graph_->list(layer, far_[j]), graph_->degree(layer) * sizeof(RowId));
            }
            for (std::size_t j = 0; j < further && !nameless(); ++j) drop_if_named(layer, far_[j], vertex, moment);
        }
    }

    void drop_if_named(std::size_t layer, RowId from, RowId vertex, Moment moment) noexcept {
        const GrowingGraph::Link* links = graph_->list(layer, from);
        for (std::size_t i = 0; i < graph_->degree(layer); ++i) {
            const RowId row = links[i].load(std::memory_order_relaxed);
            if (row == vertex) return drop(layer, from, vertex, moment);
            if (row == no_row) return;
        }
    }

    /// `from` drops its link to `vertex` and links to what that led to.
    void drop(std::size_t layer, RowId from, RowId vertex, Moment moment) noexcept {
        const GrowingGraph::Lock lock(*graph_, from);
        if (layer >= graph_->height(from)) return;  // a place that a sweep came by, and that has changed hands
        std::array<RowId, max_batch> links;         // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        std::size_t count = graph_->read(layer, from, links.data());
        const auto at = static_cast<std::size_t>(std::find(links.data(), links.data() + count, vertex) - links.data());
        if (at == count || (layer == 0 && tree_->is_child(from, vertex))) return;
        graph_->take_out(layer, from, at, count);
        links[at] = links[--count];
        if (!this->is_alive(from, moment)) return;

        std::array<RowId, max_batch> offered;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        std::size_t offers = 0;
        const std::size_t behind = graph_->read(layer, vertex, offered.data());
        for (std::size_t i = 0; i < behind; ++i) {
            const RowId row = offered[i];
            if (row == from || !this->is_alive(row, moment)) continue;
            if (std::find(links.data(), links.data() + count, row) != links.data() + count) continue;
            offered[offers++] = row;
        }
        if (offers == 0) return;
        replace_lost(layer, from, {links.data(), count}, {offered.data(), offers});
    }

    /// Links `from` to some of `offered`: the nearest that no nearer link leads to; if there is none, the nearest.
    void replace_lost(std::size_t layer, RowId from, std::span<const RowId> links,
                      std::span<const RowId> offered) noexcept {
        auto& candidates = this->candidates_;
        this->measure_from(from, links);
        std::sort(candidates.begin(), candidates.end(), Base::by_distance);
        linked_.assign(candidates.begin(), candidates.end());
        this->measure_from(from, offered);
        std::sort(candidates.begin(), candidates.end(), Base::by_distance);
        std::size_t count = links.size();
        std::size_t taken = 0;
        std::size_t tried = 0;
        for (const Candidate& candidate : candidates) {
            if (taken == most_taken || tried++ == most_tried || count == graph_->degree(layer)) break;
            const auto place = std::upper_bound(linked_.begin(), linked_.end(), candidate, Base::by_distance);
            std::size_t nearer_links = 0;
            for (auto at = linked_.begin(); at != place; ++at) far_links_[nearer_links++] = at->row;
            if (!this->prune_.is_new_direction(candidate, {far_links_.data(), nearer_links})) continue;
            linked_.insert(place, candidate);
            graph_->put(layer, from, count++, candidate.row);
            ++taken;
        }
        if (taken == 0 && count < graph_->degree(layer)) graph_->put(layer, from, count, candidates.front().row);
    }

    /// Links that one lost link may be replaced by (IP-DiskANN: 3 bring most of the gain).
    static constexpr std::size_t most_taken = 3;
    static constexpr std::size_t most_tried = 16;

    std::vector<Candidate> linked_;
    std::array<RowId, max_batch> far_links_;
    std::array<RowId, max_batch> near_;
    std::array<RowId, max_batch> far_;
};

}  // namespace tonari
