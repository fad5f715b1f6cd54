// Which point of a part is chosen by the angle of all parts to their row.
#include "codec/direction.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <tonari/core/random.hpp>

#include "support/catch.hpp"

using namespace tonari;
using namespace tonari::detail;

namespace {
double cosine(const Direction& of) { return of.along / std::sqrt(of.square); }
}  // namespace

TEST_CASE("direction: of all points about that with the smallest angle is chosen, and never one that is worse") {
    Random random(1);
    std::size_t turned = 0;
    double gained = 0;
    double left = 0;  // of what there was to gain
    for (int round = 0; round < 200; ++round) {
        constexpr std::size_t count = 16;
        std::array<float, count> products{};
        std::array<float, count> squares{};
        for (std::size_t c = 0; c < count; ++c) {
            products[c] = static_cast<float>(unit(random()) - 0.3);
            squares[c] = static_cast<float>(unit(random()) + 0.05);
        }
        const Direction others{1.5, 2};
        const std::size_t before = random.below(count);
        Direction direction = others;
        direction.add(products[before], squares[before]);
        const std::size_t after = turn_to_row<count>(direction, products.data(), squares.data(), before);
        Direction expected = others;
        expected.add(products[after], squares[after]);
        CHECK(std::abs(direction.along - expected.along) < 1e-6);
        CHECK(std::abs(direction.square - expected.square) < 1e-6);
        Direction start = others;
        start.add(products[before], squares[before]);
        CHECK(cosine(direction) >= cosine(start));
        double most = 0;
        for (std::size_t c = 0; c < count; ++c) {
            Direction with = others;
            with.add(products[c], squares[c]);
            most = std::max(most, cosine(with));
        }
        left += most - cosine(direction);
        gained += most - cosine(start);
        turned += after != before ? 1 : 0;
    }
    CHECK(turned > 150);
    CHECK(left < 0.05 * gained);
}

TEST_CASE("direction: what points nowhere or away is left for what does not, and is never chosen") {
    constexpr std::array<float, 3> products{-1.0F, 0.0F, 0.1F};
    constexpr std::array<float, 3> squares{1.0F, 0.0F, 9.0F};
    Direction away{-1, 1};
    CHECK(turn_to_row<3>(away, products.data(), squares.data(), 0) == 2);
    Direction zero{0, 0};
    CHECK(turn_to_row<1>(zero, products.data(), squares.data(), 0) == 0);  // nothing else to choose
    Direction along{0.1, 9};
    CHECK(turn_to_row<3>(along, products.data(), squares.data(), 2) == 2);
}
