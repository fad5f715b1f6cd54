// How long inverted lists are, beside each other.
#pragma once

#include <algorithm>
#include <cstddef>

namespace tonari {

struct ListSummary {
    std::size_t lists = 0;
    std::size_t rows = 0;  ///< in all lists: where each stands in two, twice as many as there are
    std::size_t empty = 0;
    std::size_t fewest = 0;
    std::size_t most = 0;
    /// lists * (sum of squared sizes) / rows^2: how many times as many rows are compared as in lists that are equally long, if
    /// all rows are asked for alike. 1 is the least; as `imbalance_factor` in faiss.
    double imbalance = 1;
};

/// `size_of(l)` rows are in list l. O(lists).
template <class SizeOf>
ListSummary summarize_lists(std::size_t lists, const SizeOf& size_of) {
    ListSummary summary{.lists = lists, .fewest = lists == 0 ? 0 : size_of(0)};
    double squares = 0;
    for (std::size_t l = 0; l < lists; ++l) {
        const std::size_t size = size_of(l);
        summary.rows += size;
        summary.empty += size == 0 ? 1 : 0;
        summary.fewest = std::min(summary.fewest, size);
        summary.most = std::max(summary.most, size);
        squares += static_cast<double>(size) * static_cast<double>(size);
    }
    const auto rows = static_cast<double>(summary.rows);
    if (summary.rows > 0) summary.imbalance = static_cast<double>(lists) * squares / (rows * rows);
    return summary;
}

}  // namespace tonari
