// The walk itself, over graphs whose answer is known.
#include <tonari/graph/beam_search.hpp>

#include <vector>

#include <tonari/codec/flat_scorer.hpp>
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
