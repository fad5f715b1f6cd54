// What is said of a graph, against graphs that were drawn by hand, and against one that was built.
#include <tonari/graph/summary.hpp>

#include <initializer_list>

#include <tonari/index/build.hpp>

#include "support/catch.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

LinkTable table(std::size_t degree, const std::vector<std::vector<RowId>>& lists) {
    auto buffer = AlignedBuffer::allocate(lists.size() * degree * sizeof(RowId)).value();
    auto* const links = reinterpret_cast<RowId*>(buffer.data());
    std::fill_n(links, lists.size() * degree, no_row);
    for (std::size_t v = 0; v < lists.size(); ++v) std::copy(lists[v].begin(), lists[v].end(), links + v * degree);
    return {std::move(buffer).freeze(), degree};
}

}  // namespace

TEST_CASE("graph summary: degrees, and who is out of reach", "[graph]") {
    // 0 -> 1 -> 2 -> 0, 3 -> 2 and nobody to 3; 4 alone; a link that names no vertex
    const Layers graph({table(3, {{1, 2}, {2}, {0, 1, 9}, {2}, {}}), table(2, {{1}, {0}})}, {5, 2});
    const GraphSummary summary = summarize(graph);
    REQUIRE(summary.layers.size() == 2);
    CHECK(summary.layers[0].vertices == 5);
    CHECK(summary.layers[0].room == 3);
    CHECK(summary.layers[0].fewest == 0);
    CHECK(summary.layers[0].mean == Approx(7.0 / 5));
    CHECK(summary.layers[0].most == 3);
    CHECK(summary.layers[0].bytes == 60);
    CHECK(summary.layers[1].vertices == 2);
    CHECK(summary.layers[1].mean == Approx(1));
    CHECK(summary.unreachable == 2);
    CHECK(summary.most_named == 2);  // of those that are met: 1 by 0 and 2, 2 by 0 and 1
    CHECK(summarize(Layers()).layers.empty());
}

TEST_CASE("graph summary: of what was built, every row can be reached", "[graph]") {
    const Rows rows = clustered_rows(Element::float32, 16, 3'000, 4);
    for (const char* spec : {"HNSW8", "HNSW8,SQ8", "HNSW8,SQ8,RFlat", "PCA8,HNSW8"}) {
        INFO(spec);
        const Index index = build(spec, MetricKind::l2, rows.view(), {}, {.ef_construction = 60}).value();
        const GraphSummary summary = index.graph().value();
        REQUIRE(summary.layers.size() > 1);
        CHECK(summary.rows == 3'000);
        CHECK(summary.layers[0].vertices == 3'000);
        CHECK(summary.layers[0].room == 16);
        CHECK(summary.layers[0].fewest >= 1);
        CHECK(summary.layers[0].mean > 4);
        CHECK(summary.layers[0].most <= 16);
        CHECK(summary.unreachable == 0);
        CHECK(summary.most_named >= 16);
        std::size_t bytes = 0;
        for (const GraphSummary::Layer& layer : summary.layers) bytes += layer.bytes;
        for (const IndexPart& part : index.parts()) {
            if (part.name == "links") CHECK(part.bytes == bytes);
        }
    }
    CHECK_FALSE(build("Flat", MetricKind::l2, rows.view()).value().graph().has_value());
    CHECK_FALSE(build("IVF8,Flat", MetricKind::l2, rows.view()).value().graph().has_value());
}
