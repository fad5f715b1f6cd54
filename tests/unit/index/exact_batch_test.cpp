// Exact search over many queries at once, in blocks or in tiles: bit for bit the answers of the queries one by one, where
// blocks, panels, groups and tiles begin and end.
//
// These cases run twice: at the best level, and at the reference (tests/cross/CMakeLists.txt), which has tiles everywhere.
#include <string>

#include <tonari/index/build.hpp>

#include "support/ask.hpp"
#include "support/catch.hpp"
#include "support/oracle.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

void check_passing(const Index& index, const Rows& queries, const SearchOptions& options) {
    const Answers many = index.search(queries.view(), options).value();
    Searcher search = index.searcher();
    std::size_t wrong = 0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        const Nearest alone = search(queries.row(q), options).value();
        if (!identical(answer_of(many, q), alone.neighbors)) ++wrong;
        const Outcome& outcome = many.outcomes[q];
        if (!outcome.complete || outcome.exact != alone.outcome.exact) ++wrong;
        if (outcome.distances != alone.outcome.distances || outcome.hops != alone.outcome.hops) ++wrong;
    }
    CHECK(wrong == 0);
}

/// Of all rows, and of those that pass a filter: many, few, one or none.
void check_batch(const Index& index, const Rows& queries, SearchOptions options) {
    check_passing(index, queries, options);
    for (const Id every : {2, 17, 100'000}) {
        for (const Id first : {0, 1}) {
            const auto passes = [=](Id id) { return id % every == first; };
            const RowFilter filter = index.prepare(Filter::predicate(passes)).value();
            options.filter = &filter;
            check_passing(index, queries, options);
        }
    }
}

void check_sizes(const std::string& spec, Element element, MetricKind metric) {
    INFO(spec << ' ' << name(element) << ' ' << name(metric));
    const auto built = [&](Dim dim, std::size_t rows) {
        return build(spec, metric, clustered_rows(element, dim, rows, dim).view()).value();
    };
    for (const Dim dim : {1U, 3U, 63U, 64U, 65U, 130U}) {
        check_batch(built(dim, 150), clustered_rows(element, dim, 35, dim + 1), {.k = 7});
    }
    for (const std::size_t rows : {1U, 31U, 32U, 33U, 127U, 128U, 129U, 511U, 512U, 513U, 1100U}) {
        check_batch(built(12, rows), clustered_rows(element, 12, 5, 3), {.k = 10});
    }
    for (const std::size_t queries : {4U, 31U, 32U, 33U, 65U, 1025U}) {
        check_batch(built(9, 140), clustered_rows(element, 9, queries, 4), {.k = 3});
    }
    check_batch(built(9, 140), clustered_rows(element, 9, 70, 4), {.k = 140});
    check_batch(built(9, 140), clustered_rows(element, 9, 100, 4), {.k = 5, .threads = Threads{3}});
}

}  // namespace

TEST_CASE("a batch of byte rows is answered as one by one", "[exact_batch]") {
    for (const Element element : {Element::int8, Element::uint8}) {
        for (const MetricKind metric : vector_metrics) check_sizes("Flat", element, metric);
    }
}

TEST_CASE("a batch of rounded rows is answered as one by one", "[exact_batch]") {
    for (const MetricKind metric : vector_metrics) check_sizes("SQ8", Element::float32, metric);
}

TEST_CASE("a batch of float rows is answered as one by one", "[exact_batch]") {
    for (const Element element : {Element::float32, Element::float16, Element::bfloat16}) {
        check_sizes("Flat", element, MetricKind::l2);
        check_sizes("Flat", element, MetricKind::cosine);
    }
}

TEST_CASE("a batch whose distances tie is answered as one by one", "[exact_batch]") {
    for (const Element element : {Element::int8, Element::uint8}) {
        for (const MetricKind metric : vector_metrics) {
            const Index index = build("Flat", metric, integer_rows(element, 3, 700, 5, 1).view()).value();
            check_batch(index, integer_rows(element, 3, 40, 6, 1), {.k = 25});
        }
    }
}

TEST_CASE("a batch beyond the dimensions of tiles is answered as one by one", "[exact_batch]") {
    for (const Dim dim : {8192U, 8193U}) {
        const Index index = build("Flat", MetricKind::l2, clustered_rows(Element::uint8, dim, 40, 7).view()).value();
        check_batch(index, clustered_rows(Element::uint8, dim, 5, 8), {.k = 4});
    }
}

TEST_CASE("a batch out of time says so", "[exact_batch]") {
    for (const Element element : {Element::float32, Element::uint8}) {
        const Index index = build("Flat", MetricKind::l2, clustered_rows(element, 9, 2000, 7).view()).value();
        const Answers answers =
            index.search(clustered_rows(element, 9, 40, 8).view(), {.k = 4, .deadline = Deadline(Clock::time_point{})})
                .value();
        for (const Outcome& outcome : answers.outcomes) CHECK_FALSE((outcome.complete || outcome.exact));
    }
}
