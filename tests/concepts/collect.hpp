// A scan as lists will do it: blocks of codes through a scorer into a collector, whatever the two are.
#pragma once

#include <algorithm>

#include <tonari/codec/scorer.hpp>
#include <tonari/core/collector.hpp>

namespace tonari::test {

/// Row `first_row + i` is the block's code i.
template <Scorer S, Collector C>
void collect(S& scorer, const CodeBlock& codes, RowId first_row, C& collector, Survivors& survivors) noexcept {
    for (std::size_t first = 0; first < codes.count; first += max_batch) {
        const std::size_t count = std::min(max_batch, codes.count - first);
        survivors.clear();
        scorer.scan({codes.first + first * codes.stride, codes.stride, count}, collector.bound(), survivors);
        for (std::size_t i = 0; i < survivors.count; ++i) {
            const float estimate = survivors.estimate[i];
            collector.offer(first_row + static_cast<RowId>(first + survivors.index[i]), estimate,
                            S::bounded ? survivors.lower[i] : estimate);
        }
    }
}

}  // namespace tonari::test
