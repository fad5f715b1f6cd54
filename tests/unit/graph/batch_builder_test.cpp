// The builder by itself: what a new row's list holds. Recall, reachability and determinism are tested through the index.
#include <tonari/graph/batch_builder.hpp>

#include <algorithm>
#include <span>
#include <vector>

#include <tonari/codec/flat.hpp>
#include <tonari/codec/query_panels.hpp>
#include <tonari/graph/leaf_plan.hpp>

#include "support/catch.hpp"
#include "support/coded.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

TEST_CASE("batch builder: a new row links to as many as its list holds, 2M on layer 0", "[graph]") {
    constexpr std::size_t m = 4;
    constexpr std::size_t n = 2 * m + 1;  // corners of a simplex: all equally far apart, so every link is diverse
    std::vector<float> corners(n * n, 0.0F);
    for (std::size_t i = 0; i < n; ++i) corners[i * n + i] = 1;
    const auto codec = Flat<AnyMetric>::create(Element::float32, n, AnyMetric(MetricKind::l2)).value();
    BatchBuilder builder(codec, reinterpret_cast<std::byte*>(corners.data()), {n}, {.links = m}, {1}, {});
    const auto built = builder.build().value();
    const LinkTable& links = built.layers.links(0);
    REQUIRE(links.degree() == 2 * m);
    std::size_t missing = 0;
    for (RowId vertex = 0; vertex < n; ++vertex) {
        for (RowId other = 0; other < n; ++other) {
            const RowId* list = links.at(vertex);
            if (other != vertex && std::find(list, list + links.degree(), other) == list + links.degree()) ++missing;
        }
    }
    CHECK(missing == 0);
}

TEST_CASE("batch builder: walked by other codes, links are those by the codes given", "[graph]") {
    // Two values of which the walk sees one: rows that seem to lie on a line. A search for candidates as wide as there are rows
    // finds all of them, so the links are those of a build that walks by both.
    constexpr std::size_t n = 60;
    Random random(5);
    std::vector<float> both(n * 2);
    std::vector<float> one(n);
    for (std::size_t i = 0; i < n; ++i) {
        both[2 * i] = one[i] = static_cast<float>(bell(random));
        both[2 * i + 1] = static_cast<float>(bell(random));
    }
    const auto codec = Flat<AnyMetric>::create(Element::float32, 2, AnyMetric(MetricKind::l2)).value();
    const auto shorter = Flat<AnyMetric>::create(Element::float32, 1, AnyMetric(MetricKind::l2)).value();
    const auto links = [&](bool walks) {
        std::vector<float> codes = both;
        BatchBuilder builder(codec, reinterpret_cast<std::byte*>(codes.data()), {n}, {.links = 4, .ef_construction = n},
                             {1}, {});
        if (walks) builder.walk_by(shorter, reinterpret_cast<const std::byte*>(one.data()));
        builder.insert_all().value();
        builder.recode(codec, reinterpret_cast<std::byte*>(codes.data()));
        const auto built = builder.finish();
        std::vector<RowId> all(built.layers.links(0).at(0), built.layers.links(0).at(0) + n * 8);
        return all;
    };
    CHECK(links(true) == links(false));
}

namespace {

/// Rows of the upper layers first, as an index arranges them.
std::vector<std::size_t> counts_of(std::size_t rows, std::size_t m) {
    std::vector<std::size_t> counts{rows};
    while (counts.back() / m >= 2) counts.push_back(counts.back() / m);
    return counts;
}
struct Linked {
    std::vector<std::byte> codes;  // in final order
    std::vector<RowId> links;      // of layer 0
    std::vector<RowId> new_number;
};
Linked link(const Coded& coded, std::size_t m, unsigned threads, const Coded* walked = nullptr, bool by_leaves = true) {
    Linked out{coded.codes, {}, {}};
    const std::size_t rows = coded.rows.size();
    std::size_t told = 0;
    bool forward = true;
    const auto progress = [&](std::size_t done, std::size_t of) {
        forward = forward && done >= told && of == rows;
        told = done;
    };
    BatchBuilder builder(coded.codec, out.codes.data(), counts_of(rows, m),
                         {.links = m, .ef_construction = 100, .by_leaves = by_leaves}, {threads}, progress);
    if (walked != nullptr) builder.walk_by(walked->codec, walked->codes.data());
    builder.insert_all().value();
    CHECK(forward);
    CHECK(told == rows);
    builder.recode(coded.codec, out.codes.data());
    auto built = builder.finish();
    const LinkTable& table = built.layers.links(0);
    out.links.assign(table.at(0), table.at(0) + rows * table.degree());
    out.new_number = std::move(built.new_number);
    return out;
}

}  // namespace

TEST_CASE("batch builder: many rows are linked by leaves, the same way by any number of threads", "[graph][leaves]") {
    constexpr std::size_t m = 8;
    constexpr std::size_t rows = 17000;
    const Element element = GENERATE(Element::uint8, Element::int8);
    const MetricKind metric = element == Element::int8 ? MetricKind::cosine : MetricKind::l2;
    const Coded coded(clustered_rows(element, 250, rows, 4), metric);
    REQUIRE(LeafPlan::pays(rows, coded.codec.code_size(), 100));
    const Linked one = link(coded, m, 1);
    const Linked three = link(coded, m, 3);
    CHECK(one.links == three.links);
    CHECK(one.new_number == three.new_number);
    CHECK(one.codes == three.codes);

    std::size_t wrong = 0;
    std::size_t linked = 0;
    std::vector<bool> reached(rows);
    std::vector<RowId> queue{0};
    reached[0] = true;
    const auto list = [&](RowId vertex) {
        const auto* const first = one.links.data() + vertex * 2 * m;
        return std::span(first, std::find(first, first + 2 * m, no_row));
    };
    while (!queue.empty()) {
        const RowId vertex = queue.back();
        queue.pop_back();
        auto links = std::vector<RowId>(list(vertex).begin(), list(vertex).end());
        linked += links.size();
        std::sort(links.begin(), links.end());
        wrong += std::ranges::adjacent_find(links) != links.end() || std::ranges::binary_search(links, vertex) ? 1 : 0;
        for (const RowId next : links) {
            if (!reached[next]) queue.push_back(next);
            reached[next] = true;
        }
    }
    CHECK(wrong == 0);
    CHECK(std::count(reached.begin(), reached.end(), true) == rows);
    CHECK(linked > rows * m);  // lists are half full at least
    // And each links to its nearest.
    std::size_t near = 0;
    constexpr std::size_t asked = 200;
    for (RowId row = 0; row < asked; ++row) {
        const RowId nearest = one.new_number[coded.nearest(row, 1).front()];
        near += std::ranges::count(list(one.new_number[row]), nearest) > 0 ? 1 : 0;
    }
    CHECK(near >= asked * 95 / 100);
}

TEST_CASE("batch builder: where other codes find candidates than those that rank them, all are inserted",
          "[graph][leaves]") {
    constexpr std::size_t rows = 17000;
    const Coded coded(clustered_rows(Element::float32, 260, rows, 4), MetricKind::l2);
    Rows few(Element::int8, 250, rows);
    for (std::size_t i = 0; i < rows; ++i) {
        std::vector<float> values(few.dim());
        for (std::size_t j = 0; j < values.size(); ++j) values[j] = 10 * coded.rows.values(i)[j];
        few.set(i, values);
    }
    const Coded walked(std::move(few), MetricKind::l2);
    REQUIRE(LeafPlan::pays(rows, walked.codec.code_size(), 100));
    CHECK(link(coded, 8, 2, &walked).links == link(coded, 8, 2, &walked, false).links);
}

TEST_CASE("batch builder: rows that leaves do not serve are inserted one and all", "[graph][leaves]") {
    constexpr std::size_t rows = 17000;
    Rows any(Element::uint8, 250, rows);
    Random random(3);
    for (std::size_t i = 0; i < rows; ++i) {
        std::vector<float> values(any.dim());
        for (float& value : values) value = static_cast<float>(random() % 256);
        any.set(i, values);
    }
    const Coded coded(std::move(any), MetricKind::l2);
    REQUIRE(LeafPlan::pays(rows, coded.codec.code_size(), 100));
    CHECK(link(coded, 8, 2).links == link(coded, 8, 2, nullptr, false).links);
    const Coded near(clustered_rows(Element::uint8, 250, rows, 4), MetricKind::l2);  // and others are not
    if (!QueryPanels::suits(kernel_rows_of(near.codec))) return;                     // not at every level
    CHECK(link(near, 8, 2).links != link(near, 8, 2, nullptr, false).links);
}
