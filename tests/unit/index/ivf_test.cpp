// Inverted lists: what nprobe means, how far a search goes on, and what a file of lists may say.
#include <algorithm>
#include <limits>
#include <set>

#include <tonari/index/build.hpp>
#include <tonari/index/grow.hpp>
#include <tonari/index/ivf_index.hpp>
#include <tonari/index/patience.hpp>
#include <tonari/index/registry.hpp>

#include "support/ask.hpp"
#include "support/catch.hpp"
#include "support/image.hpp"
#include "support/oracle.hpp"
#include "support/refused.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr Dim dim = 12;
using Plain = Flat<AnyMetric>;
using Ivf = IvfIndex<Plain, FlatCoarse<Plain>>;

Ivf lists_of(const Rows& rows, std::size_t lists, MetricKind metric = MetricKind::l2) {
    return Ivf::build(Plain::create(rows.element(), rows.dim(), metric).value(), rows.view(), {}, {lists}, {}).value();
}

}  // namespace

TEST_CASE("ivf: a row stands in the list of its nearest centroid", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 2000, 1);
    for (const MetricKind metric : {MetricKind::l2, MetricKind::cosine, MetricKind::inner_product, MetricKind::l1}) {
        INFO(name(metric));
        const Ivf index = lists_of(rows, 30, metric);
        REQUIRE(index.partition().lists() == 30);
        REQUIRE(index.partition().rows() == rows.size());
        const Index coarse = make_index(FlatCoarse<Plain>(index.coarse()));
        std::size_t wrong = 0;
        for (std::size_t list = 0; list < 30; ++list) {
            const auto [first, last] = index.partition().rows_of(list);
            for (std::size_t row = first; row < last; ++row) {
                const auto* values = reinterpret_cast<const float*>(index.rows().code(static_cast<RowId>(row)));
                const Answer all = ask(coarse, std::span(values, dim), {.k = 30}).value();
                const auto own = std::find_if(all.begin(), all.end(),
                                              [list](const Neighbor& n) { return n.id == static_cast<Id>(list); });
                wrong += own != all.end() && own->distance <= all[0].distance + 1e-4F ? 0 : 1;  // products are rounded
            }
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("ivf: more lists find more, all of them everything", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 3000, 2);
    const Rows queries = clustered_rows(Element::float32, dim, 40, 3);
    for (const char* spec : {"IVF50,Flat", "IVF50_HNSW8,Flat"}) {
        INFO(spec);
        const Index index = build(spec, MetricKind::l2, rows.view()).value();
        double before = 0;
        std::size_t distances = 0;
        for (const std::size_t nprobe : {1U, 2U, 5U, 10U, 25U, 50U, 1000U}) {
            double found = 0;
            std::size_t compared = 0;
            for (std::size_t q = 0; q < queries.size(); ++q) {
                const auto truth = all_sorted(definition_of(MetricKind::l2), rows, {}, queries.values(q));
                const Answer nearest = ask(index, queries.row(q), {.k = 10, .nprobe = nprobe}).value();
                found += recall(nearest.neighbors, truth, 10, 1e-5F);
                compared += nearest.outcome.distances;
                CHECK(nearest.size() == 10);
                CHECK(nearest.outcome.exact == (nprobe >= 50));
                CHECK(nearest.outcome.hops >= std::min<std::size_t>(nprobe, 50));
            }
            CHECK(found >= before);
            CHECK((compared > distances || nprobe > 50));
            before = found;
            distances = compared;
        }
        CHECK(before == static_cast<double>(queries.size()));
    }
}

TEST_CASE("ivf: where the lists hold too few rows, further ones are looked at", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 1000, 4);
    const Index index = build("IVF100,Flat", MetricKind::l2, rows.view()).value();
    for (const std::size_t k : {1U, 50U, 500U, 999U, 1000U, 5000U}) {
        const Answer nearest = ask(index, rows.row(3), {.k = k, .nprobe = 1}).value();
        CHECK(nearest.size() == std::min<std::size_t>(k, 1000));
        CHECK(well_formed(nearest.neighbors));
        CHECK((k != 1 || nearest.outcome.hops == 1));
    }
    // Few rows pass, and they lie anywhere.
    for (const Id share : {2, 11, 97}) {
        const RowFilter filter = index.prepare(Filter::predicate([share](Id id) { return id % share == 0; })).value();
        const Answer nearest = ask(index, rows.row(3), {.k = 1000, .nprobe = 1, .filter = &filter}).value();
        CHECK(nearest.size() == filter.passing);
        for (const Neighbor& neighbor : nearest) CHECK(neighbor.id % share == 0);
    }
}

TEST_CASE("ivf: as many lists as rows, one list, equal rows, constant dimensions", "[index]") {
    Rows rows = clustered_rows(Element::float32, dim, 200, 5);
    for (const std::size_t lists : {1U, 7U, 200U}) {
        const Index index = make_index(lists_of(rows, lists));
        for (std::size_t i = 0; i < rows.size(); ++i) {
            REQUIRE(ask(index, rows.row(i), {.k = 1, .nprobe = 3}).value()[0].distance == 0);
        }
    }
    std::vector<float> same(dim, 1.0F);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        same[0] = i < 190 ? 1.0F : 2.0F;  // one giant list, whatever is asked for
        rows.set(i, same);
    }
    for (const MetricKind metric : {MetricKind::l2, MetricKind::cosine, MetricKind::inner_product}) {
        const Index index = make_index(lists_of(rows, 20, metric));
        CHECK(ask(index, rows.row(0), {.k = 200, .nprobe = 1}).value().size() == 200);
        CHECK(ask(index, rows.row(0), {.k = 7, .nprobe = 1}).value().size() == 7);
    }
}

TEST_CASE("ivf: what does not fit is refused", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 50, 6);
    refused("IVF51,Flat", rows, "expected at least 51 rows");
    refused("IVF0,Flat", rows, "IVF<lists>");
    refused("IVF,Flat", rows, "IVF<lists>");
    refused("IVF8", rows, "what the lists hold");
    refused("IVF8,", rows, "Flat, FP16");
    refused("IVF8_HNSW1,Flat", rows, "IVF<lists>_HNSW<M>");
    refused("IVF8_PQ4,Flat", rows, "IVF<lists>_HNSW<M>");
    refused("IVF8,FP16,Flat", rows, "nothing after 'FP16'");
    const Index index = build("IVF8,Flat", MetricKind::l2, rows.view()).value();
    CHECK(ask(index, rows.row(0), {.nprobe = 0}).error().message.find("nprobe of at least 1") != std::string::npos);
    CHECK(ask_range(index, rows.row(0), {.radius = 1, .nprobe = 0}).error().message.find("nprobe") !=
          std::string::npos);
    CHECK(index.cursor(rows.row(0), {.nprobe = 0}).error().message.find("nprobe") != std::string::npos);
    for (const char* spec : {"IVF8,Flat", "IVF8,FP16", "IVF8_HNSW4,BF16"}) {
        CHECK(build(spec, MetricKind::l2, rows.view()).value().spec() == spec);
    }
}

TEST_CASE("ivf: a cursor goes from list to list", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 2000, 7);
    const Index index = build("IVF64,Flat", MetricKind::l2, rows.view()).value();
    Cursor cursor = index.cursor(rows.row(9), {.ef = 10, .nprobe = 2}).value();
    const Nearest first = cursor.next(10).value();
    CHECK(first.outcome.hops < 20);
    CHECK_FALSE(cursor.done());
    std::set<Id> ids;
    for (const Neighbor& neighbor : first) ids.insert(neighbor.id);
    while (!cursor.done()) {
        for (const Neighbor& neighbor : cursor.next(100).value()) CHECK(ids.insert(neighbor.id).second);
    }
    CHECK(ids.size() == 2000);
}

TEST_CASE("ivf: patience is counted from the last find, and weighs how far the next list is", "[index]") {
    constexpr float none = std::numeric_limits<float>::infinity();
    Patience patience(6, MetricKind::l2);
    CHECK_FALSE(patience.ends(100, none));
    for (int i = 0; i < 20; ++i) patience.asked(none);  // k rows are not found yet
    CHECK_FALSE(patience.ends(1e9F, none));
    patience.asked(4);
    CHECK_FALSE(patience.ends(1e9F, 4));  // a find
    patience.asked(4);
    CHECK_FALSE(patience.ends(8, 4));  // 1 in vain, twice as far: counts as 4
    CHECK(patience.ends(10, 4));
    patience.asked(4);
    CHECK(patience.ends(8, 4));
    CHECK_FALSE(patience.ends(4, 4));
    for (int i = 0; i < 4; ++i) patience.asked(4);
    CHECK(patience.ends(4, 4));
    CHECK_FALSE(patience.ends(3, 4));  // nearer than the k-th row
    patience.asked(3.5F);
    CHECK_FALSE(patience.ends(1e9F, 3.5F));
    patience.asked(0);
    patience.asked(0);
    CHECK(patience.ends(0.1F, 0));  // k rows equal to the query

    Patience sums(6, MetricKind::l1);  // distances that are not squared
    sums.asked(2);
    sums.asked(2);
    CHECK_FALSE(sums.ends(3, 2));
    CHECK(sums.ends(3.2F, 2));
    Patience products(6, MetricKind::inner_product);  // count alone
    products.asked(-2);
    for (int i = 0; i < 5; ++i) products.asked(-2);
    CHECK_FALSE(products.ends(10, -2));
    products.asked(-2);
    CHECK(products.ends(-1.5F, -2));
    Patience endless(0, MetricKind::l2);
    endless.asked(1);
    for (int i = 0; i < 1'000; ++i) endless.asked(1);
    CHECK_FALSE(endless.ends(1e9F, 1));
}

TEST_CASE("ivf: patience finds nearly all of what is there by comparing fewer", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 24, 20'000, 21);
    const Rows queries = clustered_rows(Element::float32, 24, 60, 22);
    for (const char* spec : {"IVF200,Flat", "IVF200,SQ8", "IVF200,RaBitQ,RFlat", "IVF200_HNSW8,PQ6x4fs,RFlat"}) {
        for (const MetricKind metric : {MetricKind::l2, MetricKind::cosine}) {
            INFO(spec << ", " << name(metric));
            const Index index = build(spec, metric, rows.view()).value();
            const auto all = [&](const SearchOptions& options) {
                std::pair<double, double> sums{};  // recall, rows compared
                for (std::size_t q = 0; q < queries.size(); ++q) {
                    const auto truth = all_sorted(definition_of(metric), rows, {}, queries.values(q));
                    const Answer nearest = ask(index, queries.row(q), options).value();
                    CHECK(nearest.size() == 10);
                    CHECK(nearest.outcome.complete);
                    sums.first += recall(nearest.neighbors, truth, 10, 1e-5F) / static_cast<double>(queries.size());
                    sums.second += nearest.outcome.distances;
                }
                return sums;
            };
            const auto [most, compared] = all({.k = 10, .nprobe = 100});
            CHECK(all({.k = 10, .nprobe = 100, .patience = 1e9F}) == std::pair(most, compared));
            const auto [patient, fewer] = all({.k = 10, .nprobe = 100, .patience = 12});
            CHECK(patient <= most);
            CHECK(patient > most - 0.03);
            CHECK(fewer < 0.7 * compared);
            const auto [hasty, fewest] = all({.k = 10, .nprobe = 100, .patience = 2});
            CHECK(hasty < patient);
            CHECK(fewest < fewer);
        }
    }
}

TEST_CASE("ivf: patience ends no search that has not found what it was asked for", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 3000, 23);
    const GrowingIndex growing = grow("IVF60,Flat", MetricKind::l2, rows.view()).value();
    const std::pair<const char*, Index> indexes[] = {
        {"frozen", build("IVF60,Flat", MetricKind::l2, rows.view()).value()},
        {"growing", growing.index()},
        {"graphs", build("IVF60,HNSW8", MetricKind::l2, rows.view()).value()}};
    for (const auto& [kind, index] : indexes) {
        INFO(kind);
        const RowFilter few = index.prepare(Filter::predicate([](Id id) { return id % 50 == 0; })).value();
        for (std::size_t q = 0; q < 20; ++q) {
            for (const std::size_t k : {1U, 50U, 2'000U}) {
                CHECK(ask(index, rows.row(q), {.k = k, .nprobe = 60, .patience = 1e-3F}).value().size() == k);
                const Answer some =
                    ask(index, rows.row(q), {.k = k, .nprobe = 20, .patience = 1, .filter = &few}).value();
                CHECK(some.size() == std::min<std::size_t>(k, 60));
            }
            const Outcome all = ask(index, rows.row(q), {.k = 1, .ef = 10, .nprobe = 60}).value().outcome;
            const Outcome stopped =
                ask(index, rows.row(q), {.k = 1, .ef = 10, .nprobe = 60, .patience = 1}).value().outcome;
            CHECK_FALSE(stopped.exact);
            CHECK(3 * stopped.distances < 2 * all.distances);
        }
        for (const float wrong :
             {-1.0F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
            CHECK(ask(index, rows.row(0), {.patience = wrong}).error().code == ErrorCode::invalid_argument);
        }
    }
}
