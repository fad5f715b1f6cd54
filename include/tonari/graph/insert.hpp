// How a vertex joins a graph that is walked meanwhile (Malkov, Yashunin 2016, algorithm 1).
//
//   look     on every layer that it will stand on, the nearest vertices are found; nothing is written
//   join     its own lists are filled, while nobody can reach it
//            then each vertex that it links to takes it in, from layer 0 up, pruning its list if that is full, where it
//            may lose the new link again
//
// Invariants
//   - A writer works at a moment that it has pinned, and links only to vertices that had not died by then. Such a vertex
//     cannot begin to leave (graph/repair.hpp) before the writer has let its moment go.
//   - A vertex that joined is the child of one that it linked to (graph/spanning_tree.hpp): of the first that takes it in.
//   - A pruned list keeps its children, the dead among them, too, as long as they are.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include <tonari/core/visited.hpp>
#include <tonari/graph/beam_search.hpp>
#include <tonari/graph/frontier.hpp>
#include <tonari/graph/growing_expander.hpp>
#include <tonari/graph/growing_graph.hpp>
#include <tonari/graph/prune.hpp>
#include <tonari/graph/spanning_tree.hpp>

namespace tonari {

/// One writer's tools over one graph. Not for two threads at once.
template <LinkRows Rows>
class GraphWriter {
public:
    GraphWriter(GrowingGraph& graph, SpanningTree& tree, Rows rows)
        : graph_(&graph),
          tree_(&tree),
          rows_(rows),
          scorer_(rows.scorer()),
          at_target_(rows.scorer()),
          prune_(rows),
          query_(rows.query_size()),
          target_query_(rows.query_size()) {
        candidates_.reserve(max_batch + 1);  // so that changing a list never allocates
    }

    /// The candidates of `vertex`, whose row is in its place, on each of its layers, `ef` of them, nearest first; those
    /// that had died by `moment` are left out. Nothing is written. Throws bad_alloc as the graph grows.
    void look(RowId vertex, std::size_t ef, Moment moment) {
        const std::size_t height = graph_->height(vertex);
        if (found_.size() < height) found_.resize(height);
        for (auto& layer : found_) layer.clear();
        const GrowingGraph::Entry entry = graph_->entry();
        if (entry.vertex == no_row) return;
        ef = std::min(ef, graph_->vertices());  // more finds no more, but takes room
        room_ = graph_->capacity();             // after the entry was read, so that it lies within
        visited_.reserve(room_);
        rows_.aim(scorer_, rows_.code(vertex), query_.data());
        const Candidate first = measure(entry.vertex);
        Candidate best = first;
        for (std::size_t layer = entry.height; layer-- > height;) best = descend_on(layer, best);
        for (std::size_t layer = std::min(height, entry.height); layer-- > 0;) {
            // The dead lead the walk and take places in it: where they take nearly all, it is repeated wider.
            std::vector<Candidate>& found = found_[layer];
            for (std::size_t width = ef;; width *= 4) {
                walk(layer, best, first, width);
                found.clear();
                for (const OrderedKey key : frontier_.answers()) {
                    const Candidate candidate = candidate_of(key);
                    if (candidate.row != vertex && is_alive(candidate.row, moment)) found.push_back(candidate);
                }
                if (found.size() >= std::min(ef, graph_->degree(layer)) || frontier_.answers().size() < width) break;
            }
            best = candidate_of(frontier_.answers().front());
            if (found.size() > ef) found.resize(ef);
        }
    }
    /// What `look` found, until `join`.
    [[nodiscard]] std::span<const Candidate> found(std::size_t layer) const noexcept { return found_[layer]; }
    /// The vertex's distance to itself, as `look` measures.
    [[nodiscard]] float own_distance(RowId vertex) noexcept { return measure(vertex).distance; }

    /// Links `vertex` to what `look` found and back.
    void join(RowId vertex, Moment moment) noexcept {
        const std::size_t height = graph_->height(vertex);
        for (std::size_t layer = height; layer-- > 0;) {
            std::vector<Candidate>& found = found_[layer];
            const std::size_t kept = prune_(found, graph_->degree(layer), links_.data());
            std::size_t next = 0;  // links come in the order of the candidates: those that are kept move to the front
            for (std::size_t i = 0; i < kept; ++i) {
                while (found[next].row != links_[i]) ++next;
                found[i] = found[next++];
                graph_->put(layer, vertex, i, found[i].row);
            }
            found.resize(kept);
        }
        bool is_held = false;
        for (std::size_t layer = 0; layer < height; ++layer) {
            for (const Candidate& link : found_[layer]) {
                const bool as_child = layer == 0 && !is_held;
                is_held = take_in(layer, link, vertex, as_child, moment) || is_held;
            }
            if (!is_held && !found_[0].empty()) {
                tree_->hang(vertex, found_[0].front().row);
                is_held = true;
            }
        }
    }

    [[nodiscard]] bool is_alive(RowId vertex, Moment moment) const noexcept {
        return graph_->record(vertex).died.load(std::memory_order_acquire) > moment;
    }

    static constexpr std::size_t max_height = 34;

protected:
    /// By key: distances that are no numbers, from a file that lies, have a place in that order, too.
    static bool by_distance(const Candidate& a, const Candidate& b) noexcept {
        return make_key(a.distance, a.row) < make_key(b.distance, b.row);
    }
    [[nodiscard]] Candidate measure(RowId vertex) noexcept {
        const std::byte* code = rows_.code(vertex);
        Candidate candidate{0, vertex};
        scorer_.distances({&code, 1}, &candidate.distance);
        return candidate;
    }
    /// `candidates_` = `others` with their distances to `vertex`.
    void measure_from(RowId vertex, std::span<const RowId> others) noexcept {
        std::array<const std::byte*, max_batch> codes;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        std::array<float, max_batch> distances;         // NOLINT(cppcoreguidelines-pro-type-member-init)
        for (std::size_t i = 0; i < others.size(); ++i) {
            codes[i] = rows_.code(others[i]);
            simd::prefetch(codes[i], rows_.code_size(), 12);
        }
        rows_.aim(at_target_, rows_.code(vertex), target_query_.data());
        at_target_.distances({codes.data(), others.size()}, distances.data());
        candidates_.clear();
        for (std::size_t i = 0; i < others.size(); ++i) candidates_.push_back({distances[i], others[i]});
    }
    Candidate descend_on(std::size_t layer, Candidate best) noexcept {
        std::uint32_t distances = 0;
        return descend(GrowingNeighbours(*graph_, rows_, layer, room_), scorer_, expansion_, best, distances);
    }
    /// From `from`, and from the entry: what the one cannot reach, the other does.
    void walk(std::size_t layer, Candidate from, Candidate entry, std::size_t ef) {
        visited_.clear();
        visited_.insert(from.row);
        frontier_.reset(ef);
        GrowingExpander expander(*graph_, rows_, layer, room_, scorer_, visited_);
        BeamSearch search(expander, frontier_, expansion_);
        search.start(from.row, from.distance);
        if (visited_.insert(entry.row)) search.start(entry.row, entry.distance);
        while (search.step()) {
        }
    }

    /// `target` links to `vertex`, unless other links lead there already. A list that is pruned drops those that had died by
    /// `moment`. `as_child`: nobody knows `vertex` yet, and if it is linked to it becomes the child. True if it did.
    bool take_in(std::size_t layer, const Candidate& target, RowId vertex, bool as_child, Moment moment) noexcept {
        const GrowingGraph::Lock lock(*graph_, target.row);
        const std::size_t count = graph_->read(layer, target.row, old_.data());
        const std::span<const RowId> old(old_.data(), count);
        if (std::find(old.begin(), old.end(), vertex) != old.end()) return false;
        bool is_linked = true;
        if (count < graph_->degree(layer)) {
            graph_->put(layer, target.row, count, vertex);
        } else {
            std::size_t living = 0;
            for (const RowId row : old) {
                if (is_alive(row, moment)) links_[living++] = row;
            }
            measure_from(target.row, {links_.data(), living});
            candidates_.push_back({target.distance, vertex});
            std::sort(candidates_.begin(), candidates_.end(), by_distance);
            std::size_t kept = prune_(candidates_, graph_->degree(layer), links_.data());
            if (layer == 0) kept = keep_children(target.row, old, kept);
            replace(layer, target.row, old, kept);
            is_linked = is_among(vertex, kept);
        }
        if (as_child && is_linked) tree_->take_in(target.row, vertex);
        return as_child && is_linked;
    }
    /// Is it one of links_[0, count)?
    [[nodiscard]] bool is_among(RowId row, std::size_t count) const noexcept {
        const auto last = links_.begin() + static_cast<std::ptrdiff_t>(count);
        return std::find(links_.begin(), last, row) != last;
    }
    /// Adds to links_[0, kept) the children among `old`; where there is no room, the farthest that is none gives way. How
    /// many there are then.
    std::size_t keep_children(RowId target, std::span<const RowId> old, std::size_t kept) noexcept {
        for (const RowId row : old) {
            if (!tree_->is_child(target, row) || is_among(row, kept)) continue;
            if (kept == graph_->degree(0)) {
                std::size_t at = kept - 1;  // there is one: `old` was no longer, and `row` is not among them
                while (tree_->is_child(target, links_[at])) --at;
                std::copy(links_.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                          links_.begin() + static_cast<std::ptrdiff_t>(kept),
                          links_.begin() + static_cast<std::ptrdiff_t>(at));
                --kept;
            }
            links_[kept++] = row;
        }
        return kept;
    }
    /// Writes links_[0, kept) over the list `old`.
    void replace(std::size_t layer, RowId target, std::span<const RowId> old, std::size_t kept) noexcept {
        for (std::size_t i = 0; i < kept; ++i) graph_->named(layer, links_[i]).fetch_add(1, std::memory_order_relaxed);
        GrowingGraph::Link* places = graph_->list(layer, target);
        for (std::size_t i = 0; i < kept; ++i) places[i].store(links_[i], std::memory_order_release);
        for (std::size_t i = kept; i < old.size(); ++i) places[i].store(no_row, std::memory_order_release);
        for (const RowId row : old) graph_->named(layer, row).fetch_sub(1, std::memory_order_release);
    }

    GrowingGraph* graph_;
    SpanningTree* tree_;
    Rows rows_;
    typename Rows::Scorer scorer_;     // from the vertex that joins
    typename Rows::Scorer at_target_;  // from the vertex whose list is changed
    Pruner<Rows> prune_;
    std::vector<std::byte> query_;
    std::vector<std::byte> target_query_;
    VisitedSet visited_;
    std::size_t room_ = 0;
    PoolFrontier frontier_;
    Expansion expansion_;
    std::vector<std::vector<Candidate>> found_;  // by layer
    std::vector<Candidate> candidates_;
    std::array<RowId, max_batch + 1> links_;
    std::array<RowId, max_batch> old_;
};

}  // namespace tonari
