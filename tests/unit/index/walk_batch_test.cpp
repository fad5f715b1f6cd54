// Walks that take turns: what a batch over a graph must have beyond the contract of batches.
#include <tonari/index/walk_batch.hpp>

#include <algorithm>
#include <vector>

#include <tonari/index/build.hpp>
#include <tonari/index/index_model.hpp>

#include "support/catch.hpp"
#include "support/oracle.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr const char* graphs[] = {"HNSW8",           "HNSW8,SQ8",           "HNSW8,SQ8,RFlat",       "HNSW8,SQ4,RFlat",
                                  "HNSW8,PQ8,RFlat", "HNSW16,RaBitQ,RFlat", "PCAR8,HNSW8,SQ8,RFlat", "PCA8,HNSW8",
                                  "HNSW8,FP16"};

/// How many of the queries were answered in another way than alone, by an outcome or a row.
std::size_t differ(const Index& index, const Rows& queries, const SearchOptions& options) {
    const Answers together = index.search(queries.view(), options).value();
    Searcher search = index.searcher();
    std::size_t wrong = 0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        const Nearest alone = search(queries.row(q), options).value();
        const Outcome& outcome = together.outcomes[q];
        const bool same = outcome.hops == alone.outcome.hops && outcome.distances == alone.outcome.distances &&
                          outcome.refined == alone.outcome.refined && outcome.complete == alone.outcome.complete &&
                          outcome.exact == alone.outcome.exact && identical(answer_of(together, q), alone.neighbors);
        wrong += same ? 0 : 1;
    }
    return wrong;
}

}  // namespace

TEST_CASE("walks in turn: step for step those of single queries", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 16, 1'500, 1);
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product, MetricKind::cosine}) {
        for (const char* spec : graphs) {
            INFO(spec << ", " << name(metric));
            const Index index = build(spec, metric, rows.view(), {}, {.ef_construction = 60}).value();
            for (const std::size_t count : {16U, 17U, 40U}) {
                const Rows queries = clustered_rows(Element::float32, 16, count, 2);
                REQUIRE(index.model().has_batch(count, {}));
                CHECK(differ(index, queries, {.k = 10, .ef = 40}) == 0);
                CHECK(differ(index, queries, {.k = 1, .ef = 1}) == 0);
                CHECK(differ(index, queries, {.k = 10, .ef = 40, .threads = {2}}) == 0);
            }
        }
    }
}

TEST_CASE("walks in turn: more rows wanted than a walk finds, or than there are", "[index]") {
    for (const std::size_t count : {1U, 2U, 30U, 300U}) {
        const Rows rows = clustered_rows(Element::float32, 16, count, 3);
        const Rows queries = clustered_rows(Element::float32, 16, 33, 4);
        for (const char* spec : {"HNSW8", "HNSW8,SQ8,RFlat", "HNSW16,RaBitQ,RFlat"}) {
            INFO(spec << ", " << count);
            const Index index = build(spec, MetricKind::l2, rows.view()).value();
            for (const std::size_t k : {std::size_t{1}, count, 2 * count}) {
                CHECK(differ(index, queries, {.k = k, .ef = 2 * k}) == 0);
                CHECK(differ(index, queries, {.k = k, .ef = 1}) == 0);
            }
        }
    }
}

TEST_CASE("walks in turn: one of a fused graph that starts again", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 16, 1'500, 4);
    const Index index = build("HNSW16,RaBitQ,RFlat", MetricKind::l2, rows.view()).value();
    const SearchOptions options{.k = 400, .ef = 800};
    const Rows queries = clustered_rows(Element::float32, 16, 33, 7);
    const Answers together = index.search(queries.view(), options).value();
    CHECK(std::any_of(together.outcomes.begin(), together.outcomes.end(),
                      [](const Outcome& outcome) { return outcome.hops > 1'000; }));  // one walk has so many places
    CHECK(differ(index, queries, options) == 0);
}

TEST_CASE("walks in turn: when they are worth it", "[index]") {
    SearchOptions options;
    CHECK(walks_take_turns(16, 1'000, options));
    CHECK_FALSE(walks_take_turns(15, 1'000, options));
    CHECK_FALSE(walks_take_turns(16, 100'000'000, options));  // marks of 12 MB
    CHECK(walks_take_turns(400, 100'000'000, options));
    options.threads.count = 4;
    CHECK(walks_take_turns(64, 1'000, options));
    CHECK_FALSE(walks_take_turns(63, 1'000, options));
    options.threads.count = 1;
    const RowFilter filter;
    options.filter = &filter;
    CHECK_FALSE(walks_take_turns(1'000, 1'000, options));
}

TEST_CASE("walks in turn: each looks at the clock", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 16, 3'000, 5);
    const Rows queries = clustered_rows(Element::float32, 16, 40, 6);
    for (const char* spec : {"HNSW8", "HNSW8,SQ8,RFlat", "HNSW16,RaBitQ,RFlat"}) {
        INFO(spec);
        const Index index = build(spec, MetricKind::l2, rows.view()).value();
        const Answers late = index.search(queries.view(), {.ef = 100, .deadline = Deadline(Clock::now())}).value();
        for (std::size_t q = 0; q < queries.size(); ++q) {
            CHECK_FALSE(late.outcomes[q].complete);
            CHECK(late.outcomes[q].hops == 16);
            CHECK(late.counts[q] == 10);  // of what it has met until then
        }
        // The next batch knows nothing of that.
        CHECK(differ(index, queries, {.ef = 100}) == 0);
    }
}
