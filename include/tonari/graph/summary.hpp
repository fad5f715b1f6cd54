// What a frozen graph is like, for whoever wonders why it answers as it does.
#pragma once

#include <cstddef>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/graph/layers.hpp>

namespace tonari {

struct GraphSummary {
    struct Layer {
        std::size_t vertices = 0;
        std::size_t room = 0;    ///< links that a vertex may have
        std::size_t fewest = 0;  ///< links of a vertex
        double mean = 0;         ///< links of a vertex
        std::size_t most = 0;    ///< links of a vertex
        std::size_t bytes = 0;
    };
    std::vector<Layer> layers;  ///< the lowest, which holds every vertex, first
    std::size_t rows = 0;       ///< ids held; equal rows share a vertex
    std::size_t unreachable =
        0;  ///< vertices of the lowest layer that no walk from the entry meets: none, where the file is whole
    std::size_t most_named = 0;  ///< in how many lists of the lowest layer the vertex stands that stands in most: a hub
};

/// All but `rows`. Links that name no vertex, as in a damaged file, lead nowhere. O(links). Throws bad_alloc.
TONARI_API GraphSummary summarize(const Layers& graph);

}  // namespace tonari
