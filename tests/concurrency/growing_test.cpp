// The growing graph under torture (concurrency/torture.hpp), and a planted mistake that must be seen.
#include <tonari/index/grow.hpp>
#include <tonari/index/growing_compact.hpp>

#include "concurrency/torture.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

template <class Codec, class Reclaimer>
struct Graph {
    using Growing = GrowingHnsw<Codec, Reclaimer>;
    using Source = GrowingSource<Growing>;
    static Outcome search(const Growing& index, SearchScratch& scratch, RowView query, std::size_t k, bool all) {
        return GrowingSearch(index, scratch).nearest(query, {.k = k, .ef = all ? std::max<std::size_t>(k, 100) : 40});
    }
    static std::unique_ptr<Growing> make(Codec codec) {
        return std::make_unique<Growing>(std::move(codec), 8, BuildOptions{.ef_construction = 40});
    }
};

}  // namespace

TEST_CASE("concurrency: a growing graph answers what its ids had, while they change", "[concurrency]") {
    using Kind = Graph<Flat<AnyMetric>, Epoch>;
    Torture<Kind> torture(Kind::make(Flat<AnyMetric>::create(Element::float32, dim, MetricKind::l2).value()));
    CHECK(torture.run(soak(), false) == 0);
    CHECK(torture.answers() > 100);
    CHECK(torture.changes() > 100);
    CHECK(torture.compactions() > 0);
    CHECK(torture.at_rest() == 0);
}

TEST_CASE("concurrency: a place that is used again too early is seen", "[concurrency]") {
    using Kind = Graph<Flat<Squares>, NobodyLooks>;
    CHECK(is_seen([] {
        return std::make_unique<Torture<Kind>>(Kind::make(Flat<Squares>::create(Element::float32, dim).value()));
    }));
}
