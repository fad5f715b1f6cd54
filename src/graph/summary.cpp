// A look at every list, and a flood from the entry over the lowest layer.
#include <tonari/graph/summary.hpp>

#include <algorithm>

namespace tonari {
namespace {

/// Calls `visit` with each vertex that a list names.
template <class Visit>
std::size_t for_each_link(const LinkTable& links, std::size_t vertex, std::size_t vertices, Visit&& visit) {
    const RowId* const list = links.at(static_cast<RowId>(vertex));
    std::size_t count = 0;
    for (; count < links.degree() && list[count] != no_row; ++count) {
        if (list[count] < vertices) visit(list[count]);
    }
    return count;
}

GraphSummary::Layer summarize_layer(const LinkTable& links, std::size_t vertices) {
    GraphSummary::Layer layer{
        .vertices = vertices, .room = links.degree(), .fewest = vertices == 0 ? 0 : links.degree()};
    std::size_t sum = 0;
    for (std::size_t vertex = 0; vertex < vertices; ++vertex) {
        const std::size_t count = for_each_link(links, vertex, vertices, [](RowId) {});
        layer.fewest = std::min(layer.fewest, count);
        layer.most = std::max(layer.most, count);
        sum += count;
    }
    layer.mean = vertices == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(vertices);
    layer.bytes = links.bytes().size();
    return layer;
}

}  // namespace

GraphSummary summarize(const Layers& graph) {
    GraphSummary summary;
    for (std::size_t l = 0; l < graph.height(); ++l) {
        summary.layers.push_back(summarize_layer(graph.links(l), graph.count(l)));
    }
    const std::size_t vertices = graph.vertices();
    if (vertices == 0) return summary;
    std::vector<std::uint32_t> named(vertices);
    std::vector<bool> reached(vertices);
    std::vector<RowId> queue{0};
    reached[0] = true;
    std::size_t met = 1;
    while (!queue.empty()) {
        const RowId vertex = queue.back();
        queue.pop_back();
        for_each_link(graph.links(0), vertex, vertices, [&](RowId neighbor) {
            ++named[neighbor];
            if (reached[neighbor]) return;
            reached[neighbor] = true;
            queue.push_back(neighbor);
            ++met;
        });
    }
    summary.unreachable = vertices - met;
    summary.most_named = *std::max_element(named.begin(), named.end());
    return summary;
}

}  // namespace tonari
