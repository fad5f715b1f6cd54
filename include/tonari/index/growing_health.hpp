// How a growing index is.
#pragma once

#include <cstddef>

#include <tonari/core/epoch.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/types.hpp>

namespace tonari {

class GrowingEntries;
class GrowingGraph;

struct GrowingHealth {
    std::size_t ids = 0;
    std::size_t vertices = 0;     ///< rows that are alive; in a graph equal ones share one, unless added first at once
    std::size_t waiting = 0;      ///< removed ids whose place is not free yet
    std::size_t free = 0;         ///< places that the next rows will take
    std::size_t unreachable = 0;  ///< live rows that no walk from the entry on the lowest layer could meet: none, ever
    double mean_degree = 0;       ///< links of a live row on the lowest layer
    std::size_t lists = 0;        ///< of an inverted index, as the next two; none is reached by links there
    std::size_t empty_lists = 0;
    std::size_t largest_list = 0;  ///< its rows; many more than ids / lists: they are no longer where the centroids are
};

/// Ids, vertices, reachability and degree at a pinned moment. O(vertices + links). Throws bad_alloc.
TONARI_API GrowingHealth health_of(const GrowingGraph& graph, const GrowingEntries& entries, Moment moment);

}  // namespace tonari
