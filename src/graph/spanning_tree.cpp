// Giving children to parents: the one step, `adopt`, under one lock, and who is asked for it in which order.
#include <tonari/graph/spanning_tree.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <thread>
#include <vector>

#include <tonari/codec/scorer.hpp>

namespace tonari {

using Lock = GrowingGraph::Lock;
using Links = std::array<RowId, max_batch>;

// --- Words.

bool SpanningTree::swap_parent(RowId vertex, std::uint64_t from, RowId to) noexcept {
    const std::uint64_t changes = (from >> 32) + 1;
    return graph_->record(vertex).parent.compare_exchange_strong(from, changes << 32 | to, std::memory_order_acq_rel);
}

void SpanningTree::orphan(RowId vertex) noexcept {
    while (!swap_parent(vertex, seen(vertex), no_row)) {
    }
}

/// Ranks a vertex as late as its children allow: so more vertices may become its parent.
void SpanningTree::raise(RowId vertex) noexcept {
    Links links;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    const Lock lock(*graph_, vertex);
    if (root() == vertex) return;
    constexpr auto none = std::numeric_limits<std::int64_t>::max();
    std::int64_t first_child = none;
    const std::size_t count = graph_->read(0, vertex, links.data());
    for (std::size_t i = 0; i < count; ++i) {
        if (is_child(vertex, links[i])) first_child = std::min(first_child, rank(links[i]));
    }
    const std::int64_t latest = first_child == none ? last_rank() : first_child - 1;
    if (latest > rank(vertex)) graph_->record(vertex).rank.store(latest, std::memory_order_relaxed);
}

// --- Taking in.

/// Worth asking: `adopt` looks again, under the lock. The dead would soon have to hand the child on.
bool SpanningTree::may_hold(RowId parent, RowId vertex) const noexcept {
    const VertexRecord& record = graph_->record(parent);
    return record.died.load(std::memory_order_relaxed) == never && is_before(parent, vertex);
}

/// `parent` takes in the child of another, which was seen as `from`; yes, too, if somebody else moved it meanwhile.
/// `by_its_link`: only if it links to it already.
SpanningTree::Answer SpanningTree::adopt(RowId parent, RowId vertex, std::uint64_t from, bool by_its_link) noexcept {
    Links links;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    const Lock lock(*graph_, parent);
    if (graph_->record(parent).leaving.load(std::memory_order_relaxed) || !is_before(parent, vertex)) return Answer::no;
    if (seen(vertex) != from) return Answer::yes;
    const std::size_t count = graph_->read(0, parent, links.data());
    const bool linked = std::find(links.data(), links.data() + count, vertex) != links.data() + count;
    if (!linked && by_its_link) return Answer::no;
    if (!linked) {
        std::size_t at = count;
        if (count == graph_->degree(0)) {  // the last link to one that others hold gives way
            while (at > 0 && is_child(parent, links[at - 1])) --at;
            if (at == 0) return Answer::full;
            --at;
        }
        graph_->put(0, parent, at, vertex);
    }
    static_cast<void>(swap_parent(vertex, from, parent));
    return Answer::yes;
}

/// `parent` or one below it takes the child in, but not the parent that it has: that one may be the next root, on its way up
/// through its ancestors' lists. False if those who could are leaving, or rank behind it: then not from here.
/// Ranks rise from call to call, so it ends; how deep it goes is how many lists, one below the other, hold nothing but children.
bool SpanningTree::adopt_below(RowId parent, RowId vertex, std::uint64_t from) noexcept {
    Links links;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    for (;;) {
        const Answer answer = adopt(parent, vertex, from, false);
        if (answer != Answer::full) return answer == Answer::yes;
        RowId first = no_row;
        const std::size_t count = graph_->read(0, parent, links.data());
        for (std::size_t i = 0; i < count; ++i) {
            const RowId child = links[i];
            if (child == vertex || child == vertex_in(from) || !is_child(parent, child)) continue;
            if (graph_->record(child).leaving.load(std::memory_order_relaxed)) continue;
            if (is_before(child, vertex) && adopt(child, vertex, from, false) == Answer::yes) return true;
            if (first == no_row || is_before(child, first)) first = child;
        }
        if (first == no_row) return false;
        if (is_before(first, vertex)) {
            parent = first;
            continue;
        }
        // It ranks before all of them: it takes one of them in, and that one's place.
        const std::uint64_t place = seen(first);
        if (vertex_in(place) == parent && !adopt_below(vertex, first, place)) return false;
    }
}

void SpanningTree::take_in(RowId parent, RowId vertex) noexcept {
    graph_->record(vertex).rank.store(last_rank(), std::memory_order_relaxed);
    static_cast<void>(swap_parent(vertex, seen(vertex), parent));
}

void SpanningTree::hang(RowId vertex, RowId near) noexcept {
    for (;;) {  // `near` may rank anew meanwhile
        graph_->record(vertex).rank.store(last_rank(), std::memory_order_relaxed);
        if (adopt_below(near, vertex, seen(vertex))) return;
        std::this_thread::yield();
    }
}

// --- Leaving.

/// A new parent for a child of one that leaves. False if all that were asked are leaving, too, or it becomes the root.
bool SpanningTree::give_away(RowId vertex, std::uint64_t from) noexcept {
    Links near;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    Links far;   // NOLINT(cppcoreguidelines-pro-type-member-init)
    raise(vertex);
    const std::size_t count = graph_->read(0, vertex, near.data());
    for (const bool by_its_link : {true, false}) {
        for (std::size_t i = 0; i < count; ++i) {
            if (may_hold(near[i], vertex) && adopt(near[i], vertex, from, by_its_link) == Answer::yes) return true;
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t further = graph_->read(0, near[i], far.data());
        for (std::size_t j = 0; j < further; ++j) {
            if (may_hold(far[j], vertex) && adopt(far[j], vertex, from, false) == Answer::yes) return true;
        }
    }
    RowId ancestor = parent(vertex_in(from));
    while (ancestor != no_row && graph_->record(ancestor).died.load(std::memory_order_relaxed) != never) {
        ancestor = parent(ancestor);
    }
    if (ancestor == no_row) ancestor = root();
    return ancestor != no_row && ancestor != vertex && adopt_below(ancestor, vertex, from);
}

RowId SpanningTree::hand_on(RowId vertex) noexcept {
    {
        const Lock lock(*graph_, vertex);
        graph_->record(vertex).leaving.store(true);
    }
    if (root() == vertex) {
        root_.store(no_row, std::memory_order_release);
        return no_row;
    }
    Links links;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    const std::size_t count = graph_->read(0, vertex, links.data());
    for (std::size_t i = 0; i < count; ++i) {
        const RowId child = links[i];
        for (std::uint64_t from = seen(child); vertex_in(from) == vertex; from = seen(child)) {
            if (give_away(child, from)) continue;
            if (root() == no_row) break;  // nobody is left who could be found
            std::this_thread::yield();
        }
    }
    const RowId former = parent(vertex);
    orphan(vertex);
    return former;
}

// --- The root.

void SpanningTree::crown(GrowingGraph::Entry entry) noexcept {
    const RowId old = root();
    if (old == entry.vertex) return graph_->set_entry(entry);
    root_.store(entry.vertex, std::memory_order_release);  // first: nobody ranks it anew from here on
    {
        const Lock lock(*graph_, entry.vertex);
        graph_->record(entry.vertex).rank.store(--oldest_, std::memory_order_relaxed);
    }
    while (old != no_row && !adopt_below(entry.vertex, old, seen(old))) std::this_thread::yield();
    graph_->set_entry(entry);
    orphan(entry.vertex);
}

void SpanningTree::plant() {
    const GrowingGraph::Entry entry = graph_->entry();
    if (entry.vertex == no_row) return;
    Links links;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    std::vector<bool> reached(graph_->vertices(), false);
    std::vector<RowId> queue;
    queue.reserve(graph_->vertices());
    const auto spread = [&](RowId from) {
        reached[from] = true;
        queue.assign(1, from);
        for (std::size_t at = 0; at < queue.size(); ++at) {
            const std::size_t count = graph_->read(0, queue[at], links.data());
            for (std::size_t i = 0; i < count; ++i) {
                if (reached[links[i]]) continue;
                reached[links[i]] = true;
                take_in(queue[at], links[i]);
                queue.push_back(links[i]);
            }
        }
    };
    root_.store(entry.vertex, std::memory_order_release);
    graph_->record(entry.vertex).rank.store(--oldest_, std::memory_order_relaxed);
    spread(entry.vertex);
    for (std::size_t i = 0; i < graph_->vertices(); ++i) {
        const auto vertex = static_cast<RowId>(i);
        if (reached[vertex]) continue;
        std::size_t count = graph_->read(0, vertex, links.data());
        const auto* near = std::find_if(links.data(), links.data() + count, [&](RowId row) { return reached[row]; });
        hang(vertex, near != links.data() + count ? *near : entry.vertex);
        spread(vertex);
    }
}

}  // namespace tonari
