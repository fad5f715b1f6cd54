// Which vertices a walk can reach, and making those reachable that it cannot.
#pragma once

#include <cstddef>
#include <span>

#include <tonari/core/export.hpp>
#include <tonari/core/types.hpp>

namespace tonari {

/// Links every vertex that cannot be reached from vertex 0 to one that can: from a neighbour of its own where that is
/// possible. `links` holds `degree` places a vertex; a full list gives up its last link, which the new vertex takes over.
/// Returns how many were linked. O(links). Throws bad_alloc.
TONARI_API std::size_t make_reachable(std::span<RowId> links, std::size_t degree);

}  // namespace tonari
