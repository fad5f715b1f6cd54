// In what order the nearest lists are looked at by codes: the nearest, then the next 3, the next 12 and so on, in each of these rounds
// by number.
//
// The first rounds bring a bound that rules most other rows out. Within a round the order hardly matters to one query; where many
// go list by list (index/ivf_batch.hpp), one order for all of them is what lets them share a list. Which rows are looked
// at again depends on what bound is known when, so single queries keep to it, too: they answer the same. Only those that may end
// early by patience go by nearness alone, and there are no batches of them. Where a deadline ends it, the nearest lists come first
// all the same, but for those of the round at hand.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <tonari/core/neighbor.hpp>

namespace tonari {

/// Whether what is kept of rows that lists offer depends on the order of the lists: where some of them are never looked at (`by_bounds`
/// of a collector), or are ruled out by less than what they would be ranked by (`sifts` of a scorer).
template <class Codec, class Found>
inline constexpr bool in_rounds =
    requires { requires Found::by_bounds; } || requires { requires Codec::Scorer::sifts; };

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
