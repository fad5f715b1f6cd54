#include <tonari/tune/sweep.hpp>

#include <algorithm>
#include <vector>

#include <tonari/index/build.hpp>
#include <tonari/tune/generate.hpp>
#include <tonari/tune/ground_truth.hpp>
#include <tonari/tune/recall.hpp>

#include "support/catch.hpp"

using namespace tonari;

namespace {

struct Data {
    tune::GeneratedRows rows;
    tune::GroundTruth truth;
    Data() {
        tune::GenerateOptions options;
        options.rows = 3000;
        options.dim = 16;
        options.queries = 60;
        rows = tune::generate(options).value();
        tune::GroundTruthOptions computing;
        computing.k = 20;
        truth = tune::compute_ground_truth(rows.base(), rows.query(), MetricKind::l2, computing).value();
    }
    [[nodiscard]] tune::RecallScorer scorer(std::size_t k) const {
        return tune::RecallScorer::make(MetricKind::l2, rows.base(), rows.query(), truth, k).value();
    }
};

tune::SweepOptions quick() {
    tune::SweepOptions options;
    options.least_seconds = 0;
    options.warm_up = 5;
    return options;
}

}  // namespace

TEST_CASE("the ladder of widths") {
    CHECK(tune::ladder(10, 100) == std::vector<std::size_t>{10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 100});
    CHECK(tune::ladder(1, 16) == std::vector<std::size_t>{1, 10, 12, 16});
    CHECK(tune::ladder(50, 70) == std::vector<std::size_t>{50, 64, 70});
    CHECK(tune::ladder(100, 10) == std::vector<std::size_t>{100});
    CHECK(tune::ladder(10, 1200).back() == 1200);
}

TEST_CASE("ground truth is what exact search finds") {
    const Data data;
    CHECK(data.truth.queries == 60);
    CHECK(data.truth.k == 20);
    CHECK(tune::check_ground_truth(data.truth, 60, 3000).ok());
    CHECK_FALSE(tune::check_ground_truth(data.truth, 61, 3000).ok());
    for (std::size_t query = 0; query < 60; ++query) {
        const auto distances = data.truth.distances_of(query);
        CHECK(std::is_sorted(distances.begin(), distances.end()));
        CHECK(data.scorer(10).hits(query, data.truth.ids_of(query)) == 10);
    }
    std::size_t last = 0;
    tune::GroundTruthOptions options;
    options.k = 9999;
    options.progress = [&](std::size_t done, std::size_t total) {
        CHECK(done > last);
        CHECK(total == 60);
        last = done;
    };
    const auto all =
        tune::compute_ground_truth(data.rows.base().slice(0, 50), data.rows.query(), MetricKind::l2, options);
    CHECK(all.value().k == 50);  // no more neighbours than rows
    CHECK(last == 60);
}

TEST_CASE("a sweep of an exact index is one point") {
    const Data data;
    const Index flat = build("Flat", MetricKind::l2, data.rows.base()).value();
    const auto points = tune::sweep(flat, data.rows.query(), data.scorer(10), quick()).value();
    REQUIRE(points.size() == 1);
    CHECK(points[0].ef == 0);
    CHECK(points[0].recall == 1.0);
    CHECK(points[0].qps > 0);
    CHECK(points[0].p50_us <= points[0].p99_us);
    CHECK(points[0].mean_us > 0);
}

TEST_CASE("a sweep of a graph climbs until the recall is reached") {
    const Data data;
    const Index graph = build("HNSW8", MetricKind::l2, data.rows.base()).value();
    tune::SweepOptions options = quick();
    std::size_t steps = 0;
    options.progress = [&](std::size_t done, std::size_t) { steps = done; };
    const auto points = tune::sweep(graph, data.rows.query(), data.scorer(10), options).value();
    REQUIRE(points.size() > 1);
    CHECK(steps > 1);
    CHECK(points.front().ef == 10);
    CHECK(points.back().recall >= 0.995);
    CHECK(points.back().recall >= points.front().recall);
    for (std::size_t i = 1; i < points.size(); ++i) CHECK(points[i - 1].ef < points[i].ef);
}

TEST_CASE("a sweep of chosen widths, and with more threads") {
    const Data data;
    const Index graph = build("HNSW8", MetricKind::l2, data.rows.base()).value();
    tune::SweepOptions options = quick();
    options.widths = {80, 20, 20};
    const auto one = tune::sweep(graph, data.rows.query(), data.scorer(10), options).value();
    options.threads = 2;
    const auto two = tune::sweep(graph, data.rows.query(), data.scorer(10), options).value();
    REQUIRE(one.size() == 2);
    REQUIRE(two.size() == 2);
    CHECK(one[0].ef == 20);
    CHECK(one[1].ef == 80);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(one[i].recall == two[i].recall);  // threads change the speed, not the answers
        CHECK(two[i].qps > 0);
        CHECK(two[i].p99_us >= two[i].p50_us);
    }
}

TEST_CASE("a sweep of lists that are graphs tries both widths together") {
    const Data data;
    const Index index = build("IVF12,HNSW8", MetricKind::l2, data.rows.base()).value();
    tune::SweepOptions options = quick();
    options.nprobes = {1, 3};
    options.widths = {10, 40};
    std::size_t steps = 0;
    options.progress = [&](std::size_t done, std::size_t at_most) {
        steps = done;
        CHECK(at_most == 2);
    };
    const auto chosen = tune::sweep(index, data.rows.query(), data.scorer(10), options).value();
    CHECK(steps == 2);
    REQUIRE_FALSE(chosen.empty());
    CHECK(chosen.size() <= 4);
    for (const tune::CurvePoint& point : chosen) {
        CHECK((point.nprobe == 1 || point.nprobe == 3));
        CHECK((point.ef == 10 || point.ef == 40));
        CHECK(width_of(point) == point.nprobe);
    }
    CHECK((chosen.back().nprobe == 3 && chosen.back().ef == 40));
    const auto all = tune::sweep(index, data.rows.query(), data.scorer(10), quick()).value();
    REQUIRE(all.size() > 1);
    CHECK(all.back().recall >= 0.995);
    CHECK(tune::pareto_front(all).size() == all.size());
    CHECK(std::is_sorted(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.recall < b.recall; }));
}

TEST_CASE("a sweep refuses what it cannot measure") {
    const Data data;
    const Index flat = build("Flat", MetricKind::l2, data.rows.base()).value();
    tune::SweepOptions options = quick();
    options.threads = 0;
    CHECK_FALSE(tune::sweep(flat, data.rows.query(), data.scorer(10), options).ok());
    CHECK_FALSE(tune::sweep(flat, data.rows.query().slice(0, 10), data.scorer(10), quick()).ok());
}
