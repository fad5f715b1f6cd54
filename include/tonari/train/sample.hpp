// Which rows a trainer looks at: a sample of distinct rows, drawn without replacement.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <tonari/core/random.hpp>
#include <tonari/core/types.hpp>

namespace tonari::train {

/// `count` different row numbers below `rows`, ascending, so that they are read in the order in which they lie. Every set of
/// that size is about equally likely. All of them if `count >= rows`. `rows <= 2^32`. O(rows) time and O(count) memory:
/// selection sampling (Knuth, The Art of Computer Programming, volume 2, algorithm S).
inline std::vector<RowId> sample_rows(std::size_t rows, std::size_t count, std::uint64_t seed) {
    if (count > rows) count = rows;
    std::vector<RowId> picked;
    picked.reserve(count);
    Random random(seed);
    for (std::size_t row = 0; picked.size() < count; ++row) {
        if (random.below(rows - row) < count - picked.size()) picked.push_back(static_cast<RowId>(row));
    }
    return picked;
}

}  // namespace tonari::train
