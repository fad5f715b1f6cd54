// How many leaves a build looks at for a row, and what it keeps of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <tonari/graph/leaf_neighbours.hpp>
#include <tonari/graph/leaves.hpp>

namespace tonari {

struct LeafPlan {
    FanOut fan_out;
    LeafNeighbours::Kept kept;
    std::size_t candidates = 0;  ///< of a row, the nearest of what is kept

    /// Whether so many rows are to be linked by leaves rather than by searches that keep `ef_construction` candidates: not where searches
    /// find their codes in a cache, and little is to be gained. (Of tate-64, 60,000 of 64 bytes, up to a point less was found at the same ef.)
    static constexpr bool pays(std::size_t rows, std::size_t code_size, std::size_t ef_construction) noexcept {
        constexpr std::size_t in_cache = std::size_t{4} << 20;
        return rows >= 16384 && rows * code_size >= in_cache && ef_construction >= 60;
    }

    /// At M = 16 as many answers were right at the same ef as after those searches, or more, within a tenth of a point: on sift-128 and, under
    /// cosine, words-50. With other M and fewer candidates up to half a point less were.
    LeafPlan(std::size_t rows, std::size_t ef_construction, std::size_t degree) noexcept {
        const double wide = static_cast<double>(ef_construction) / 200;
        const auto times = [](double of_default, double by, std::size_t least, std::size_t most) {
            return std::clamp(static_cast<std::size_t>(std::lround(of_default * by)), least, most);
        };
        const double doublings = std::log2(static_cast<double>(rows) / 100000);
        fan_out = {times(7 + 0.9 * doublings, std::sqrt(wide), 2, 64), 2};
        kept.of_first = std::max(times(64, wide, 16, Leaves::most_rows), 2 * degree);
        kept.of_other = times(16, std::sqrt(wide), 8, 64);
        candidates = std::max(times(150, wide, 32, 2 * Leaves::most_rows), 3 * degree);
    }
};

}  // namespace tonari
