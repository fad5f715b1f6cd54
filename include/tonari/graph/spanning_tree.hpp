// Every live vertex of a growing graph can be reached: a tree of links on layer 0 that no list lets go.
//
// Each vertex has a *parent*, which links to it. The parents lead to the *root*, where walks enter. A list that is
// pruned keeps its children, who leaves hands its children on first. So that no ring of vertices comes to hold only itself,
// each has a *rank* (equal ones: the smaller number first), and a parent's is below its child's: vertices that come rank behind all others, so any may take
// them in; one without children may rank anew.
//
//     record:  | parent: how often it changed | vertex |    | rank |    | leaving |
//
// Who takes in a child of one that leaves, the first of: who links to it already; who it links to; whom those link to; the
// nearest ancestor. A list full of children passes the new one down. (A tree of links that pruning spares is also how NSG
// stays whole, Fu et al. 2019, built once; this one lives.)
//
// Invariants, each tried in tests/unit/graph/spanning_tree_test.cpp, at rest also by every test of the growing index
//   - A parent's list holds its child for as long as it is its parent: the link is there first and may go afterwards.
//   - A parent's rank is below its child's. While another becomes the root, the old root is its child and it still has a
//     parent: for that moment there is a ring, and all of it can be reached from either.
//   - Who is leaving gets no child. Its rank, whether it is leaving, and that it gets a child are changed under the lock of
//     the vertex itself; who its parent is, by comparing it with what was seen: a child that two would move goes with one.
//   - The root is alive as long as any vertex is, and leaves last.
//   - As in graph/growing_graph.hpp one lock is held at a time. Whoever has to wait for others holds none.
#pragma once

#include <atomic>
#include <cstdint>

#include <tonari/core/export.hpp>
#include <tonari/core/types.hpp>
#include <tonari/graph/growing_graph.hpp>

namespace tonari {

class TONARI_API SpanningTree {
public:
    explicit SpanningTree(GrowingGraph& graph) noexcept : graph_(&graph) {}

    [[nodiscard]] RowId root() const noexcept { return root_.load(std::memory_order_acquire); }
    [[nodiscard]] RowId parent(RowId vertex) const noexcept { return vertex_in(seen(vertex)); }
    /// May `parent` not let go of `vertex`?
    [[nodiscard]] bool is_child(RowId parent, RowId vertex) const noexcept { return this->parent(vertex) == parent; }

    /// May `a`, by its rank, be the parent of `b`?
    [[nodiscard]] bool is_before(RowId a, RowId b) const noexcept {
        return rank(a) != rank(b) ? rank(a) < rank(b) : a < b;
    }

    /// A vertex that nobody knows yet becomes the child of one that links to it, whose lock the caller holds.
    void take_in(RowId parent, RowId vertex) noexcept;
    /// A vertex that nobody knows yet becomes the child of `near`, which is alive, or of one below it. It is linked to.
    void hang(RowId vertex, RowId near) noexcept;
    /// `vertex` is leaving: its children get other parents, and it has none any more. Its former parent, or `no_row`. The root
    /// only when no other vertex is alive or to come.
    RowId hand_on(RowId vertex) noexcept;
    /// Walks enter at `entry` from now on; it is alive. One caller at a time.
    void crown(GrowingGraph::Entry entry) noexcept;
    /// A tree over the links that are there, from the entry; vertices that none of them leads to are linked to. O(links). For
    /// a graph that nobody else knows yet. Throws bad_alloc.
    void plant();

private:
    enum class Answer { yes, full, no };

    [[nodiscard]] std::uint64_t seen(RowId vertex) const noexcept {
        return graph_->record(vertex).parent.load(std::memory_order_acquire);
    }
    [[nodiscard]] static RowId vertex_in(std::uint64_t parent) noexcept { return static_cast<RowId>(parent); }
    [[nodiscard]] bool swap_parent(RowId vertex, std::uint64_t from, RowId to) noexcept;
    void orphan(RowId vertex) noexcept;
    [[nodiscard]] std::int64_t rank(RowId vertex) const noexcept {
        return graph_->record(vertex).rank.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::int64_t last_rank() noexcept { return youngest_.fetch_add(1, std::memory_order_relaxed) + 1; }
    void raise(RowId vertex) noexcept;

    [[nodiscard]] bool may_hold(RowId parent, RowId vertex) const noexcept;
    Answer adopt(RowId parent, RowId vertex, std::uint64_t from, bool by_its_link) noexcept;
    bool adopt_below(RowId parent, RowId vertex, std::uint64_t from) noexcept;
    bool give_away(RowId vertex, std::uint64_t from) noexcept;

    GrowingGraph* graph_;
    std::atomic<RowId> root_{no_row};
    std::atomic<std::int64_t> youngest_{0};  // greatest rank
    std::int64_t oldest_ = 0;                // least
};

}  // namespace tonari
