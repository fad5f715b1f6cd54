// One question to an index, its answer kept: for tests that do not care for a searcher of their own.
#pragma once

#include <vector>

#include <tonari/index/index.hpp>

namespace tonari::test {

struct Answer {
    std::vector<Neighbor> neighbors;
    Outcome outcome;

    [[nodiscard]] auto begin() const { return neighbors.begin(); }
    [[nodiscard]] auto end() const { return neighbors.end(); }
    [[nodiscard]] std::size_t size() const { return neighbors.size(); }
    [[nodiscard]] const Neighbor& operator[](std::size_t i) const { return neighbors[i]; }
};

inline Result<Answer> kept(const Result<Nearest>& nearest) {
    if (!nearest) return nearest.error();
    return Answer{{nearest->begin(), nearest->end()}, nearest->outcome};
}

/// Of an `Index` or a `Segment`.
template <class I>
Result<Answer> ask(const I& index, RowView query, const SearchOptions& options = {}) {
    Searcher search = index.searcher();
    return kept(search(query, options));
}
template <class I>
Result<Answer> ask_range(const I& index, RowView query, const RangeOptions& options) {
    Searcher search = index.searcher();
    return kept(search.range(query, options));
}

}  // namespace tonari::test
