// Archetype: a user's own metric, at graph and at flat level, and what is no metric.
#include <cmath>

#include <tonari/index/build.hpp>

#include "support/ask.hpp"
#include "support/catch.hpp"
#include "support/oracle.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

/// Great-circle distance between points given as (latitude, longitude), and how far that is in kilometres.
struct GreatCircle {
    static constexpr MetricKind kind = MetricKind::user;
    static constexpr std::string_view name = "great-circle";
    [[nodiscard]] float distance(VectorView<float> a, VectorView<float> b) const noexcept {
        const double sines = std::sin(double{a[0]}) * std::sin(double{b[0]});
        const double cosines = std::cos(double{a[0]}) * std::cos(double{b[0]}) * std::cos(double{a[1]} - b[1]);
        return static_cast<float>(std::acos(std::min(1.0, std::max(-1.0, sines + cosines))));
    }
    [[nodiscard]] float score(float distance) const noexcept { return 6371.0F * distance; }
};

struct Nameless {
    static constexpr MetricKind kind = MetricKind::user;
    [[nodiscard]] float distance(VectorView<float>, VectorView<float>) const noexcept { return 0; }
    [[nodiscard]] float score(float distance) const noexcept { return distance; }
};
struct Throwing {
    static constexpr MetricKind kind = MetricKind::user;
    [[nodiscard]] float distance(VectorView<float>, VectorView<float>) const { return 0; }
    [[nodiscard]] float score(float distance) const noexcept { return distance; }
};

static_assert(Metric<GreatCircle> && UserMetric<GreatCircle>);
static_assert(Metric<Nameless> && !UserMetric<Nameless>);
static_assert(!Metric<Throwing>);
static_assert(!UserMetric<L2> && KernelMetric<L2> && KernelMetric<AnyMetric> && !KernelMetric<GreatCircle>);
static_assert(Codec<Flat<GreatCircle>> && Scorer<Flat<GreatCircle>::Scorer>);
static_assert(SearchIndex<FlatIndex<Flat<GreatCircle>>> && SearchIndex<HnswIndex<Flat<GreatCircle>>>);
static_assert(SearchIndex<FlatIndex<Flat<>>> && SearchIndex<HnswIndex<Flat<>>>);
static_assert(BatchIndex<FlatIndex<Flat<>>> && !BatchIndex<FlatIndex<Flat<GreatCircle>>>);
static_assert(BatchIndex<HnswIndex<Flat<>>> && BatchIndex<HnswIndex<Flat<GreatCircle>>>);

}  // namespace

TEST_CASE("concepts: a user's metric", "[concepts]") {
    Rows places(Element::float32, 2, 2000);
    Random random(15);
    for (std::size_t i = 0; i < places.size(); ++i) {
        const auto latitude = static_cast<float>(std::asin(2 * unit(random()) - 1));
        const auto longitude = static_cast<float>(6.283185 * unit(random()));
        places.set(i, std::vector<float>{latitude, longitude});
    }
    const auto distance = [](std::span<const float> a, std::span<const float> b) {
        return GreatCircle{}.distance(a, b);
    };
    const Index flat = build("Flat", GreatCircle{}, places.view()).value();
    const Index graph = build("HNSW16", GreatCircle{}, places.view()).value();
    double found = 0;
    for (std::size_t q = 0; q < 50; ++q) {
        const auto truth = all_sorted(distance, places, {}, places.values(q));
        CHECK(same_as_oracle(ask(flat, places.row(q)).value().neighbors, truth, 10, 0));
        found += recall(ask(graph, places.row(q)).value().neighbors, truth, 10);
    }
    CHECK(found >= 0.98 * 50);
}
