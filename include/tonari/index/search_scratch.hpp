// What one thread's searches work in. Sized by `reserve`, so that a search allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <tonari/core/neighbor.hpp>
#include <tonari/core/top_k.hpp>
#include <tonari/core/visited.hpp>
#include <tonari/graph/expander.hpp>
#include <tonari/graph/frontier.hpp>

namespace tonari {

struct SearchScratch {
    std::vector<std::byte> query_block;  ///< room for a prepared query at a cache line's start
    VisitedSet visited;
    PoolFrontier pool;
    TopK nearest;                  ///< scans, and the width of filtered walks
    TopK in_range;                 ///< range searches
    std::vector<OrderedKey> heap;  ///< the queue of filtered and range walks
    Expansion expansion;
    std::vector<Neighbor> lists;      ///< IVF: the lists to look at, nearest first
    VisitedSet probed;                ///< IVF: those that were looked at
    std::vector<float> wide;          ///< IVF: the query as the centroids are stored
    std::vector<Neighbor> neighbors;  ///< the answer

    void reserve_query(std::size_t bytes) { query_block.resize(bytes + 63); }
    [[nodiscard]] std::byte* query() noexcept {
        const auto address = reinterpret_cast<std::uintptr_t>(query_block.data());
        return query_block.data() + ((64 - address % 64) % 64);
    }
};

/// Scratch for one query, of `bytes` when it is prepared: for those that keep it.
inline SearchScratch scratch_for_query(std::size_t bytes) {
    SearchScratch scratch;
    scratch.reserve_query(bytes);
    return scratch;
}

}  // namespace tonari
