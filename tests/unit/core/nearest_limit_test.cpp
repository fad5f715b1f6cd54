// A limit of the nearest, beside sorting all of them.
#include <tonari/core/nearest_limit.hpp>

#include <algorithm>
#include <limits>
#include <vector>

#include <tonari/core/random.hpp>

#include "support/catch.hpp"

using namespace tonari;

TEST_CASE("nearest limit: at least so many are within it, and not many more, or it is infinity") {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    std::size_t limited = 0;
    for (const std::size_t wanted : {0U, 1U, 2U, 8U, 9U, 10U, 16U, 17U, 31U, 32U, 33U, 500U}) {
        for (const std::size_t count : {0U, 1U, 31U, 32U, 63U, 64U, 65U, 100U, 127U, 128U, 129U, 255U, 512U}) {
            for (const unsigned kinds : {1U, 5U, 100U, 1U << 20U}) {  // of distances: many are equal, or none
                Random random(wanted * 1000 + count + kinds);
                std::vector<float> distances(count);
                for (float& d : distances) d = static_cast<float>(random.below(kinds)) / 16 - 3;
                if (count > 40) distances[7] = distances[39] = infinity;
                const float limit = nearest_limit(distances, wanted);
                CAPTURE(wanted, count, kinds, limit);
                const auto within = [&](float most) {
                    return static_cast<std::size_t>(
                        std::count_if(distances.begin(), distances.end(), [&](float d) { return d <= most; }));
                };
                CHECK((limit == infinity || within(limit) >= wanted));
                if (limit == infinity) continue;
                ++limited;
                std::vector<float> sorted(distances);
                std::sort(sorted.begin(), sorted.end());
                CHECK(limit >= sorted[wanted - 1]);
                CHECK(limit <= sorted[std::min(3 * wanted + 8, count) - 1]);
            }
        }
    }
    CHECK(limited > 150);
}

TEST_CASE("nearest limit: worth asking for where rows are many and few are wanted") {
    std::vector<float> distances(512, 1.0F);
    CHECK(nearest_limit(distances, 10) == 1.0F);
    CHECK(nearest_limit(distances, 32) == 1.0F);
    CHECK(nearest_limit(distances, 33) == std::numeric_limits<float>::infinity());
    CHECK(nearest_limit({distances.data(), 63}, 10) == std::numeric_limits<float>::infinity());
    CHECK(nearest_limit({distances.data(), 64}, 10) == 1.0F);
}
