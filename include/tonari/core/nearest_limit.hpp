// How near the nearest of many distances are at least, by a few passes over them that a compiler makes vector code of: what a queue
// would learn one by one, by branches that nothing predicts. For few that are wanted, and tight: NearestLists has a looser one, for
// any number, that it tightens afterwards.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace tonari {

/// At least `wanted` of the distances are not above it, and few others. Dealt out to twice as many columns, each column's smallest
/// is one of them: the `wanted`-th smallest of those. Infinity where the distances are too few for that, or `wanted` too many, for
/// it to be worth while. O(distances + wanted^2).
inline float nearest_limit(std::span<const float> distances, std::size_t wanted) noexcept {
    constexpr std::size_t width = 16;  // distances that are looked at together
    constexpr std::size_t most = 64;
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const std::size_t columns = (2 * wanted + width - 1) / width * width;
    if (wanted == 0 || columns > most || distances.size() < 2 * columns) return infinity;
    std::array<float, most> minima;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    for (std::size_t column = 0; column < columns; column += width) {
        std::array<float, width> least;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        std::copy_n(distances.data() + column, width, least.data());
        for (std::size_t first = column + columns; first + width <= distances.size(); first += columns) {
            const float* const some = distances.data() + first;
            for (std::size_t i = 0; i < width; ++i) least[i] = some[i] < least[i] ? some[i] : least[i];
        }
        std::copy_n(least.data(), width, minima.data() + column);
    }
    // Of the minima, for each of them. NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
    std::array<std::int32_t, most> within;
    std::fill_n(within.data(), columns, 0);
    for (std::size_t other = 0; other < columns; ++other) {
        const float least = minima[other];
        for (std::size_t column = 0; column < columns; column += width) {
            for (std::size_t i = 0; i < width; ++i) within[column + i] += least <= minima[column + i] ? 1 : 0;
        }
    }
    float limit = infinity;
    for (std::size_t column = 0; column < columns; ++column) {
        const bool enough = within[column] >= static_cast<std::int32_t>(wanted);
        limit = enough && minima[column] < limit ? minima[column] : limit;
    }
    return limit;
}

}  // namespace tonari
