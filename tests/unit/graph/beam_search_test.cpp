// The walk itself, over graphs whose answer is known.
#include <tonari/graph/beam_search.hpp>

#include <algorithm>
#include <vector>

#include <tonari/codec/flat_scorer.hpp>
#include <tonari/core/random.hpp>
#include <tonari/graph/frontier.hpp>

#include "support/catch.hpp"

using namespace tonari;

namespace {

/// Vertices 0 ... n-1 on a line, each linked to the next and the one before.
struct Line {
    explicit Line(std::size_t n) : rows(n), links(2 * n, no_row) {
        for (std::size_t i = 0; i < n; ++i) {
            rows[i] = static_cast<float>(i);
            std::size_t at = 2 * i;
            if (i > 0) links[at++] = static_cast<RowId>(i - 1);
            if (i + 1 < n) links[at] = static_cast<RowId>(i + 1);
        }
        table = LinkTable(Bytes({}, std::as_bytes(std::span(links))), 2);
        visited.reserve(n);
        scorer = KernelScorer(simd::kernels().of(MetricKind::l2, Element::float32), 1);
    }
    [[nodiscard]] const std::byte* codes() const { return reinterpret_cast<const std::byte*>(rows.data()); }
    /// Starts a walk from vertex 0 for `query`, over the first `vertices`.
    template <class F>
    std::uint32_t walk(const float& query, F& frontier, std::size_t vertices) {
        scorer.set_query(&query);
        visited.clear();
        visited.insert(0);
        SplitExpander expander(table, codes(), sizeof(float), vertices, scorer, visited);
        BeamSearch search(expander, frontier, expansion);
        search.start(0, query * query);
        while (search.step()) {
        }
        CHECK(search.done());
        return search.hops();
    }
    std::vector<float> rows;
    std::vector<RowId> links;
    LinkTable table;
    VisitedSet visited;
    KernelScorer scorer;
    Expansion expansion;
};

}  // namespace

TEST_CASE("beam search: walks to the nearest and stops there", "[graph]") {
    Line line(1000);
    PoolFrontier pool;
    pool.reset(5);
    CHECK(line.walk(700.2F, pool, 1000) < 720);
    const auto answers = pool.answers();
    REQUIRE(answers.size() == 5);
    CHECK(row_of(answers[0]) == 700);
    CHECK(row_of(answers[1]) == 701);
    CHECK(row_of(answers[2]) == 699);
    pool.reset(1000);
    CHECK(line.walk(700.2F, pool, 1000) == 1000);
    CHECK(pool.answers().size() == 1000);
}

TEST_CASE("beam search: a link to no vertex ends its list", "[graph]") {
    Line line(100);
    PoolFrontier pool;
    pool.reset(200);
    line.walk(50.0F, pool, 40);  // a file that claims 40 vertices
    CHECK(pool.answers().size() == 40);
    line.links[2 * 20 + 1] = 0x7fffffff;  // a lie: the walk does not pass it
    line.walk(50.0F, pool, 100);
    pool.reset(200);
    line.walk(50.0F, pool, 100);
    CHECK(pool.answers().size() == 21);
}

TEST_CASE("beam search: can be stopped and continued", "[graph]") {
    Line line(300);
    PoolFrontier pool;
    pool.reset(300);
    const float query = 299;
    line.scorer.set_query(&query);
    line.visited.clear();
    line.visited.insert(0);
    SplitExpander expander(line.table, line.codes(), sizeof(float), 300, line.scorer, line.visited);
    BeamSearch search(expander, pool, line.expansion);
    search.start(0, query * query);
    for (int i = 0; i < 10; ++i) REQUIRE(search.step());
    CHECK(search.hops() == 10);
    CHECK(search.distances() == 10);
    CHECK_FALSE(search.done());
    while (search.step()) {
    }
    CHECK(search.hops() == 300);
    CHECK(row_of(pool.answers()[0]) == 299);
}

TEST_CASE("beam search: walks that take turns, half a step each, are those that go alone", "[graph]") {
    constexpr std::size_t vertices = 400;
    const float queries[] = {300.4F, 31.7F};
    std::vector<Line> lines;
    for (int i = 0; i < 4; ++i) lines.emplace_back(vertices);
    PoolFrontier pools[4];
    std::uint32_t hops[2];
    for (int i = 0; i < 2; ++i) {
        pools[i].reset(12);
        hops[i] = lines[i].walk(queries[i], pools[i], vertices);
    }
    using Walk = BeamSearch<SplitExpander<KernelScorer>, PoolFrontier>;
    std::vector<SplitExpander<KernelScorer>> expanders;
    expanders.reserve(2);
    std::vector<Walk> walks;
    for (int i = 0; i < 2; ++i) {
        Line& line = lines[2 + i];
        line.scorer.set_query(&queries[i]);
        line.visited.insert(0);
        pools[2 + i].reset(12);
        expanders.emplace_back(line.table, line.codes(), sizeof(float), vertices, line.scorer, line.visited);
        walks.emplace_back(expanders.back(), pools[2 + i], line.expansion);
        walks.back().start(0, queries[i] * queries[i]);
    }
    for (bool any = true; any;) {
        const bool goes[] = {!walks[0].done() && walks[0].begin_step(), !walks[1].done() && walks[1].begin_step()};
        for (int i = 0; i < 2; ++i) {
            if (goes[i]) walks[i].end_step();
        }
        any = goes[0] || goes[1];
    }
    for (int i = 0; i < 2; ++i) {
        CHECK(walks[i].hops() == hops[i]);
        const auto alone = pools[i].answers();
        const auto in_turn = pools[2 + i].answers();
        CHECK(std::equal(alone.begin(), alone.end(), in_turn.begin(), in_turn.end()));
    }
}

TEST_CASE("beam search: an expansion meets each row once, in the order of the links, up to the first out of range",
          "[graph]") {
    Random random(5);
    for (const std::size_t code_size : {16U, 256U, 257U, 3'072U}) {  // all links at once, and a few at a time
        for (const std::size_t degree : {1U, 7U, 8U, 9U, 32U, 64U}) {
            VisitedSet visited;
            visited.reserve(100);
            std::vector<RowId> links(degree);
            std::vector<bool> seen(100, false);
            for (int hop = 0; hop < 20; ++hop) {
                for (RowId& link : links) link = static_cast<RowId>(random.below(60));
                if (hop % 3 == 1) links[random.below(degree)] = no_row;
                if (hop % 3 == 2) links[random.below(degree)] = 59;  // below the first, or the last
                const VertexRange range{10, 40};                     // 10 ... 49
                std::vector<RowId> expected;
                for (const RowId row : links) {
                    if (row < 10 || row >= 50) break;
                    if (!seen[row]) expected.push_back(row);
                    seen[row] = true;
                }
                std::vector<RowId> rows(degree);
                std::vector<RowId> asked;
                const std::size_t fresh = meet(
                    degree, code_size, [&](std::size_t i) { return links[i]; }, range, visited, rows.data(),
                    [&](std::size_t place, RowId row) {
                        CHECK(place == asked.size());
                        asked.push_back(row);
                    });
                rows.resize(fresh);
                CHECK(rows == expected);
                CHECK(asked == expected);
            }
        }
    }
}

TEST_CASE("beam search: descending ends where no neighbour is nearer", "[graph]") {
    Line line(500);
    Expansion expansion;
    const float query = 321.4F;
    line.scorer.set_query(&query);
    std::uint32_t distances = 0;
    const Candidate best =
        descend(line.table, line.codes(), sizeof(float), 500, line.scorer, expansion, {query * query, 0}, distances);
    CHECK(best.row == 321);
    CHECK(distances > 600);
}
