// Renumbering a finished graph so that vertices visited together lie together.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/types.hpp>
#include <tonari/graph/link_table.hpp>

namespace tonari {

/// New numbers for the vertices: breadth first over `links` from vertex 0, but the first `counts[l]` vertices stay the
/// first `counts[l]` (graph/layers.hpp). Every vertex must be reachable. O(links).
TONARI_API std::vector<RowId> breadth_first_numbers(const LinkTable& links, std::span<const std::size_t> counts);

/// Moves row i of `rows` (rows of `row_bytes` bytes) to `new_number[i]`, in place: two rows and a bit a row of extra
/// memory for each thread. A thread moves its columns of all rows, because most rows lie on one cycle.
TONARI_API void renumber_rows(std::byte* rows, std::size_t row_bytes, std::span<const RowId> new_number,
                              const Threads& threads = {});

/// Replaces every link by the vertex's new number. `no_row` stays.
TONARI_API void renumber_links(std::span<RowId> links, std::span<const RowId> new_number);

}  // namespace tonari
