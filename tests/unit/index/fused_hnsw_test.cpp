// The graph whose records hold rows, codes of neighbours and links: what it must have beyond the contract of every index.
#include <tonari/index/fused_hnsw.hpp>

#include <algorithm>
#include <set>
#include <vector>

#include <tonari/index/build.hpp>
#include <tonari/index/train_relative.hpp>

#include "support/ask.hpp"
#include "support/catch.hpp"
#include "support/oracle.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

FusedHnsw::Graph graph_over(MatrixView rows, MetricKind metric, std::size_t links) {
    auto codec = FusedHnsw::Rows::create(rows.element(), rows.dim(), metric).value();
    return FusedHnsw::Graph::build(codec, rows, {}, links, {.ef_construction = 40}).value();
}
FusedHnsw fused_over(const FusedHnsw::Graph& graph, MetricKind metric) {
    const MatrixView rows = graph.rows().view();
    auto codes = train_relative_codec<FastScan>(rows, {metric}, [](RowId) { return Origin{}; }).value();
    return FusedHnsw::build(graph, std::move(codes), graph.codec(), {}).value();
}
std::vector<RowId> links_of(const LinkTable& table, RowId vertex) {
    const RowId* const links = table.at(vertex);
    return {links, std::find(links, links + table.degree(), no_row)};
}

}  // namespace

TEST_CASE("fused: a record has the graph's links, and behind them the nearest of theirs, first those that stand apart",
          "[index]") {
    const Rows rows = clustered_rows(Element::float32, 20, 700, 3);
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product, MetricKind::cosine}) {
        const auto graph = graph_over(rows.view(), metric, 16);
        const FusedHnsw fused = fused_over(graph, metric);
        const LinkTable& before = graph.layers().links(0);
        const LinkTable& after = fused.layers().links(0);
        REQUIRE(after.degree() == before.degree());
        std::size_t filled = 0;
        std::size_t turned_away = 0;
        const auto distance = [&](RowId a, RowId b) {
            float out = 0;
            const std::byte* const code = graph.rows().code(b);
            auto scorer = graph.codec().scorer();
            scorer.set_query(graph.rows().code(a));
            scorer.distances({&code, 1}, &out);
            return out;
        };
        for (RowId v = 0; v < rows.size(); ++v) {
            const auto first = links_of(before, v);
            const auto all = links_of(after, v);
            REQUIRE(all.size() >= first.size());
            CHECK(std::equal(first.begin(), first.end(), all.begin()));
            std::set<RowId> second;
            for (std::size_t i = 0; i < std::min(first.size(), FusedHnsw::looked_behind); ++i) {
                for (const RowId next : links_of(before, first[i])) second.insert(next);
            }
            second.erase(v);
            for (const RowId link : first) second.erase(link);
            std::vector<OrderedKey> nearest;
            for (const RowId row : second) nearest.push_back(make_key(distance(v, row), row));
            std::sort(nearest.begin(), nearest.end());
            const std::size_t room = after.degree() - first.size();
            nearest.resize(std::min(nearest.size(), FusedHnsw::looked_at * room));
            std::vector<RowId> expected = first;
            std::vector<RowId> at_last;
            for (const OrderedKey key : nearest) {
                if (expected.size() == after.degree()) break;
                const float far = distance_of(key);
                const float beside = far > 0 ? FusedHnsw::beside * far : far / FusedHnsw::beside;
                const bool seen = std::any_of(expected.begin(), expected.end(),
                                              [&](RowId link) { return distance(row_of(key), link) < beside; });
                (seen ? at_last : expected).push_back(row_of(key));
            }
            turned_away += at_last.size();
            for (std::size_t i = 0; i < at_last.size() && expected.size() < after.degree(); ++i)
                expected.push_back(at_last[i]);
            CHECK(all == expected);
            filled += all.size() - first.size();
        }
        CHECK(filled > rows.size());
        CHECK(turned_away > rows.size());
    }
}

TEST_CASE("fused: answers are exact distances, k of them at every width, and found", "[index]") {
    for (const Dim dim : {5U, 16U, 33U, 130U}) {
        for (const Element element : {Element::float32, Element::bfloat16, Element::int8}) {
            const Rows rows = clustered_rows(element, dim, 1500, dim);
            const Rows queries = clustered_rows(element, dim, 40, dim + 1);
            for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product, MetricKind::cosine}) {
                const char* spec = dim == 33 ? "HNSW32,RaBitQ,RFlat" : "HNSW16,RaBitQ,RFlat";
                const Index index = build(spec, metric, rows.view(), {}, {.ef_construction = 60}).value();
                CAPTURE(dim, name(element), name(metric));
                double found = 0;
                std::size_t few = 0;
                double off = 0;
                for (std::size_t q = 0; q < queries.size(); ++q) {
                    const auto truth = all_sorted(definition_of(metric), rows, {}, queries.values(q));
                    found +=
                        recall(ask(index, queries.row(q), {.k = 10, .ef = 150}).value().neighbors, truth, 10, 1e-4F);
                    for (const std::size_t width : {1U, 10U, 20U, 37U}) {
                        const auto answer = ask(index, queries.row(q), {.k = 10, .ef = width}).value();
                        few += answer.size() < 10 ? 1 : 0;
                        for (const Neighbor& neighbor : answer) {
                            const auto same = std::find_if(truth.begin(), truth.end(),
                                                           [&](const Neighbor& t) { return t.id == neighbor.id; });
                            const double apart = std::abs(static_cast<double>(same->distance) - neighbor.distance);
                            off = std::max(off, apart / (1 + std::abs(static_cast<double>(same->distance))));
                        }
                    }
                }
                CHECK(found >= 0.97 * static_cast<double>(queries.size()));
                CHECK(few == 0);
                CHECK(off < 1e-3);
            }
        }
    }
}

TEST_CASE("fused: only rows that are expanded are compared", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 64, 4000, 9);
    const Index graph = build("HNSW16", MetricKind::l2, rows.view()).value();
    const Index fused = build("HNSW16,RaBitQ,R(FP16)", MetricKind::l2, rows.view()).value();
    std::size_t compared = 0;
    std::size_t of_graph = 0;
    for (std::size_t q = 0; q < 50; ++q) {
        const auto answer = ask(fused, rows.row(q), {.k = 10, .ef = 60}).value();
        CHECK(answer.outcome.hops >= 10);
        CHECK(answer.outcome.hops <= 60 + 60 / 4);  // estimates that were kept, some of them of one row
        CHECK(ask(fused, rows.row(q), {.k = 40, .ef = 60}).value().outcome.hops >=
              60);  // below 2 k each is of another row
        compared += answer.outcome.distances;
        of_graph += ask(graph, rows.row(q), {.k = 10, .ef = 60}).value().outcome.distances;
    }
    CHECK(3 * compared < of_graph);
    CHECK(fused.spec() == "HNSW16,RaBitQ,R(FP16)");
}

TEST_CASE("fused: a walk whose places a few rows took starts again, and k rows come", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 16, 1500, 4);
    const Index index = build("HNSW16,RaBitQ,RFlat", MetricKind::l2, rows.view()).value();
    constexpr std::size_t k = 400;
    std::size_t again = 0;
    for (std::size_t q = 0; q < 20; ++q) {
        const auto answer = ask(index, rows.row(q * 7), {.k = k, .ef = 2 * k}).value();
        CHECK(answer.size() == k);
        std::set<Id> ids;
        for (const Neighbor& neighbor : answer) ids.insert(neighbor.id);
        CHECK(ids.size() == k);
        again += answer.outcome.hops > 5 * k / 2 ? 1 : 0;  // one walk has so many places
    }
    CHECK(again > 0);
    const auto all = ask(index, rows.row(3), {.k = rows.size(), .ef = 1}).value();
    CHECK(all.size() == rows.size());
    CHECK(ask(index, rows.row(3), {.k = 10, .ef = rows.size()}).value().outcome.hops ==
          rows.size());  // and compares them all
}
