// A flood from the entry over the lowest layer, then a look at every vertex.
#include <tonari/index/growing_health.hpp>

#include <array>
#include <vector>

#include <tonari/graph/growing_graph.hpp>
#include <tonari/index/growing_entries.hpp>

namespace tonari {

GrowingHealth health_of(const GrowingGraph& graph, const GrowingEntries& entries, Moment moment) {
    const GrowingGraph::Entry entry = graph.entry();
    const std::size_t vertices = graph.vertices();
    std::vector<bool> reached(vertices, false);
    std::vector<RowId> queue;
    std::array<RowId, max_batch> links;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    const auto reach = [&](RowId vertex) {
        if (vertex >= vertices || reached[vertex]) return;
        reached[vertex] = true;
        queue.push_back(vertex);
    };
    if (entry.vertex != no_row) reach(entry.vertex);
    while (!queue.empty()) {
        const std::size_t count = graph.read(0, queue.back(), links.data());
        queue.pop_back();
        for (std::size_t i = 0; i < count; ++i) reach(links[i]);
    }

    GrowingHealth health;
    std::size_t degrees = 0;
    for (std::size_t i = 0; i < vertices; ++i) {
        const auto vertex = static_cast<RowId>(i);
        const std::size_t before = health.ids;
        entries.for_each(vertex, moment, [&](Id) { ++health.ids; });
        if (health.ids == before) continue;
        ++health.vertices;
        degrees += graph.read(0, vertex, links.data());
        health.unreachable += reached[vertex] ? 0 : 1;
    }
    if (health.vertices > 0) health.mean_degree = static_cast<double>(degrees) / static_cast<double>(health.vertices);
    return health;
}

}  // namespace tonari
