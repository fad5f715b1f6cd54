// The nearest of all lists, against sorting all of them.
#include <tonari/lists/nearest_lists.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <tonari/core/random.hpp>

#include "support/catch.hpp"

using namespace tonari;

namespace {

void check(NearestLists& nearest, const std::vector<float>& distances) {
    std::vector<OrderedKey> expected;
    for (std::size_t i = 0; i < distances.size(); ++i) {
        expected.push_back(make_key(distances[i], static_cast<RowId>(i)));
    }
    std::sort(expected.begin(), expected.end());
    nearest.reserve(distances.size());
    for (const std::size_t count : {0U, 1U, 2U, 31U, 32U, 33U, 100U, 250U, 251U, 999U, 1000U, 5000U}) {
        std::copy(distances.begin(), distances.end(), nearest.distances());
        const auto got = nearest.select(distances.size(), count);
        CAPTURE(distances.size(), count);
        REQUIRE(got.size() == std::min(count, distances.size()));
        REQUIRE(std::equal(got.begin(), got.end(), expected.begin()));

        std::copy(distances.begin(), distances.end(), nearest.distances());
        const auto chosen = nearest.choose(distances.size(), count);
        std::vector<OrderedKey> sorted(chosen.begin(), chosen.end());
        std::sort(sorted.begin(), sorted.end());
        REQUIRE(sorted.size() >= std::min(count, distances.size()));
        REQUIRE(std::equal(sorted.begin(), sorted.end(), expected.begin()));  // the nearest, and those next to them
    }
}

}  // namespace

TEST_CASE("nearest lists: those that sorting all of them gives", "[lists]") {
    NearestLists nearest;
    for (const std::size_t lists : {1U, 31U, 32U, 128U, 129U, 1000U, 1024U, 1055U, 4001U}) {
        Random random(lists);
        std::vector<float> distances(lists);
        for (float& distance : distances) distance = static_cast<float>(unit(random()) * 100 - 50);
        check(nearest, distances);
        if (lists >= 1000) CHECK(nearest.choose(lists, 100).size() <= 100 + 100 / 8 + 8);
        std::sort(distances.begin(), distances.end());
        check(nearest, distances);
        std::reverse(distances.begin(), distances.end());
        check(nearest, distances);
        for (float& distance : distances) distance = std::floor(distance / 25);  // many are equal
        check(nearest, distances);
        std::fill(distances.begin(), distances.end(), 3.0F);
        check(nearest, distances);
    }
}

TEST_CASE("nearest lists: distances that float32 does not hold come last", "[lists]") {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    NearestLists nearest;
    Random random(2);
    for (const std::size_t finite : {0U, 1U, 40U, 900U}) {
        std::vector<float> distances(1000, infinity);
        for (std::size_t i = 0; i < finite; ++i) distances[random() % 1000] = static_cast<float>(unit(random()));
        check(nearest, distances);
    }
}
