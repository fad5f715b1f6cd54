// In what order the nearest lists are looked at by codes: the nearest, then the next 3, the next 12 and so on, in each of these rounds
// by number.
//
// The first rounds bring a bound that rules most other rows out. Within a round the order hardly matters to one query; where many
// go list by list (index/ivf_batch.hpp), one order for all of them is what lets them share a list. Which rows are looked
// at again depends on when a bound is known, so single queries keep to it, too: they answer the same.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <tonari/core/neighbor.hpp>

namespace tonari {

/// The round of rank `first`, which begins one, ends before this rank.
constexpr std::size_t end_of_round(std::size_t first) noexcept { return first == 0 ? 1 : 4 * first; }

/// Lists that come nearest first, as they are to be looked at. O(n log n).
inline void order_in_rounds(std::span<Neighbor> lists) noexcept {
    for (std::size_t first = 0; first < lists.size(); first = end_of_round(first)) {
        const std::size_t last = std::min(end_of_round(first), lists.size());
        const auto begin = lists.begin();
        std::sort(begin + static_cast<std::ptrdiff_t>(first), begin + static_cast<std::ptrdiff_t>(last),
                  [](const Neighbor& a, const Neighbor& b) { return a.id < b.id; });
    }
}

}  // namespace tonari
