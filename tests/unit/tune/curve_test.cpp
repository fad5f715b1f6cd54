#include <tonari/tune/curve.hpp>

#include <cmath>
#include <vector>

#include <tonari/tune/knee.hpp>

#include "support/catch.hpp"

using namespace tonari;
using tune::CurvePoint;

namespace {

CurvePoint point(std::size_t ef, double recall, double qps) {
    return {ef, recall, qps, 1e6 / qps, 1e6 / qps, 2e6 / qps};
}

}  // namespace

TEST_CASE("the Pareto front drops what another point beats") {
    const std::vector<CurvePoint> points{point(10, 0.8, 1000), point(12, 0.79, 900), point(16, 0.9, 800),
                                         point(20, 0.9, 700), point(24, 0.95, 810)};
    const auto front = tune::pareto_front(points);
    REQUIRE(front.size() == 2);
    CHECK(front[0].ef == 10);
    CHECK(front[1].ef == 24);
    CHECK(tune::pareto_front({}).empty());
}

TEST_CASE("speed at a recall is log-linear in the misses") {
    // A factor 100 in misses for a factor 100 in speed: at a factor 10 in between, a factor 10.
    const std::vector<CurvePoint> points{point(10, 0.9, 100'000), point(100, 0.999, 1000)};
    const auto middle = tune::at_recall(points, 0.99);
    REQUIRE(middle.has_value());
    CHECK(middle->qps == Approx(10'000));
    CHECK(middle->p50_us == Approx(100));
    CHECK(middle->p99_us == Approx(200));
    CHECK_FALSE(middle->floor);
    CHECK(tune::at_recall(points, 0.9)->qps == Approx(100'000));
    CHECK(tune::at_recall(points, 0.999)->qps == Approx(1000));
}

TEST_CASE("speed at a recall beyond the curve") {
    const std::vector<CurvePoint> points{point(10, 0.93, 1000), point(20, 0.97, 500)};
    CHECK_FALSE(tune::at_recall(points, 0.99).has_value());
    CHECK_FALSE(tune::at_recall({}, 0.5).has_value());
    const auto low = tune::at_recall(points, 0.9);
    REQUIRE(low.has_value());
    CHECK(low->floor);
    CHECK(low->qps == 1000);
    // Measured below 0.9, though slower than what is above: no floor.
    CHECK_FALSE(tune::at_recall(std::vector<CurvePoint>{point(10, 0.89, 900), point(20, 0.97, 1000)}, 0.9)->floor);
    // An exact index has no lower setting that could be faster.
    CHECK_FALSE(tune::at_recall(std::vector<CurvePoint>{point(0, 1, 100)}, 0.95)->floor);
    // A recall of 1 stands at a finite place.
    const auto to_one = tune::at_recall(std::vector<CurvePoint>{point(10, 0.9, 1000), point(20, 1, 100)}, 0.99);
    CHECK(to_one->qps > 100);
    CHECK(to_one->qps < 1000);
}

TEST_CASE("the knee of known curves") {
    // recall = 1 - 1 / x over p99 = x in [1, 9]: scaled, up(x) - across(x) is greatest at x = 3 (derivative 9/8/x^2 = 1/8).
    std::vector<CurvePoint> points;
    for (int x = 1; x <= 9; ++x)
        points.push_back({static_cast<std::size_t>(x), 1 - 1.0 / x, 1, 1, 1, static_cast<double>(x)});
    REQUIRE(tune::knee(points).has_value());
    CHECK(points[*tune::knee(points)].ef == 3);

    // In any order, and with a point that another beats.
    std::vector<CurvePoint> shuffled{points.rbegin(), points.rend()};
    shuffled.push_back({99, 0.5, 1, 1, 1, 8});
    CHECK(shuffled[*tune::knee(shuffled)].ef == 3);
}

TEST_CASE("curves without a knee") {
    CHECK_FALSE(tune::knee({}).has_value());
    CHECK_FALSE(tune::knee(std::vector<CurvePoint>{point(10, 0.9, 100), point(20, 0.95, 50)}).has_value());
    std::vector<CurvePoint> straight;
    for (int x = 1; x <= 5; ++x) straight.push_back({0, x / 8.0, 1, 1, 1, x * 2.0});
    CHECK_FALSE(tune::knee(straight).has_value());
    std::vector<CurvePoint> same(4, point(10, 0.9, 100));
    CHECK_FALSE(tune::knee(same).has_value());
}
