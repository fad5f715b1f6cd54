// What one thread's searches work in. Sized by `reserve`, so that a search allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <tonari/core/cache_line.hpp>
#include <tonari/core/neighbor.hpp>
#include <tonari/core/top_k.hpp>
#include <tonari/core/visited.hpp>
#include <tonari/graph/expander.hpp>
#include <tonari/graph/frontier.hpp>
#include <tonari/graph/fused_records.hpp>
#include <tonari/lists/nearest_lists.hpp>

namespace tonari {

struct SearchScratch {
    std::vector<std::byte> query_block;  ///< room for a prepared query at a cache line's start
    std::vector<std::byte> fine_block;   ///< the same for the query as finer codes are compared with it
    VisitedSet visited;
    PoolFrontier pool;
    EstimateFrontier estimates;    ///< of fused graphs
    TopK nearest;                  ///< scans, and the width of filtered walks
    TopK in_range;                 ///< range searches
    TopK fine_nearest;             ///< rows that were looked at again by finer codes
    std::vector<OrderedKey> heap;  ///< the queue of filtered and range walks
    Expansion expansion;
    NearestLists nearest_lists;   ///< IVF, centroids compared one and all
    std::vector<Neighbor> lists;  ///< IVF: the lists to look at, in their order
    VisitedSet probed;            ///< IVF: those that were looked at
    VisitedSet met;  ///< IVF over graphs: rows that walks have seen; `visited` is the centroids'. IVF whose rows
                     ///< stand in two lists: those that were offered. Fused graphs: those that were expanded
    TopK in_cell;    ///< IVF over graphs: the nearest of the cell at hand
    std::vector<float> wide;          ///< IVF: the query as the centroids are stored
    std::vector<float> mapped;        ///< transforms: the query as float32, and mapped
    std::vector<Neighbor> neighbors;  ///< the answer

    void reserve_query(std::size_t bytes) { query_block.resize(bytes + cache_line - 1); }
    void reserve_fine_query(std::size_t bytes) { fine_block.resize(bytes + cache_line - 1); }
    [[nodiscard]] std::byte* query() noexcept { return at_cache_line(query_block.data()); }
    [[nodiscard]] std::byte* fine_query() noexcept { return at_cache_line(fine_block.data()); }
};

/// Scratch for one query, of `bytes` when it is prepared: for those that keep it.
inline SearchScratch scratch_for_query(std::size_t bytes) {
    SearchScratch scratch;
    scratch.reserve_query(bytes);
    return scratch;
}

}  // namespace tonari
