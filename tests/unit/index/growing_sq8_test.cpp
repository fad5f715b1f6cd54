// A growing graph over rows rounded to 8 bits: trained on the rows that it begins with, and otherwise what every growing
// graph is (growing_hnsw_test.cpp).
#include <tonari/index/grow.hpp>

#include "support/ask.hpp"
#include "support/catch.hpp"
#include "support/image.hpp"
#include "support/rounded.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr Dim dim = 20;

std::vector<Id> ids_from(Id first, Id last) {
    std::vector<Id> ids;
    for (Id id = first; id < last; ++id) ids.push_back(id);
    return ids;
}

/// Rows `first` and those behind it.
Rows rows_from(const Rows& rows, std::size_t first) {
    Rows some(rows.element(), rows.dim(), rows.size() - first);
    for (std::size_t i = 0; i < some.size(); ++i) some.set(i, rows, first + i);
    return some;
}

/// Everything that is there, in order, at the right distances.
void check_all(const Index& index, const Sq8<>& codec, const Rows& rows, std::span<const Id> ids) {
    const float tolerance = codec.metric_kind() == MetricKind::cosine ? 3e-6F : 1e-3F;
    std::size_t wrong = 0;
    for (std::size_t q = 0; q < rows.size(); q += rows.size() / 7) {
        const auto expected = all_sorted(rounded_distance(codec), rows, ids, rows.values(q));
        const Answer found = ask(index, rows.row(q), {.k = rows.size()}).value();
        wrong += same_as_oracle(found.neighbors, expected, rows.size(), tolerance) ? 0 : 1;
    }
    CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("growing rounded graph: its life, from the first rows to the last file", "[index]") {
    for (const MetricKind metric : vector_metrics) {
        INFO(name(metric));
        const Rows rows = clustered_rows(Element::float32, dim, 900, 1);
        GrowingIndex index = grow("HNSW8,SQ8", metric, rows.view().slice(0, 300), {}, {.ef_construction = 60}).value();
        const auto codec = Sq8<>::train(rows.view().slice(0, 300), {metric}).value();
        CHECK(index.index().spec() == "HNSW8,SQ8");
        CHECK(index.index().element() == Element::float32);
        REQUIRE(index.add(rows.view().slice(300, 600)).value() == 300);
        check_all(index.index(), codec, rows, {});

        REQUIRE(index.remove(ids_from(0, 500)).ok());
        REQUIRE(index.compact().value());
        const GrowingHealth health = index.health().value();
        CHECK(health.ids == 400);
        CHECK(health.unreachable == 0);
        CHECK(health.free == 0);
        const Rows living = rows_from(rows, 500);
        check_all(index.index(), codec, living, ids_from(500, 900));

        const RowFilter even = index.prepare(Filter::predicate([](Id id) { return id % 2 == 0; })).value();
        Cursor cursor = index.cursor(rows.row(600), {.filter = &even}).value();
        std::size_t came = 0;
        while (!cursor.done()) came += cursor.next(30).value().size();
        CHECK(came == 200);

        // Frozen, written, opened: frozen again and growing again.
        const Index frozen = index.freeze().value();
        CHECK(frozen.spec() == "HNSW8,SQ8");
        check_all(frozen, codec, living, ids_from(500, 900));
        const auto image = image_of(frozen);
        CHECK(image == image_of(index.index()));
        const Index opened = index_of(image).value();
        check_all(opened, codec, living, ids_from(500, 900));
        GrowingIndex again = grow(opened, {.ef_construction = 60}).value();
        REQUIRE(again.add(rows.view().slice(0, 500), ids_from(0, 500)).ok());
        check_all(again.index(), codec, rows, {});
        CHECK(index.size() == 400);
    }
}

TEST_CASE("growing rounded graph: rows that rounding makes equal are one vertex", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 200, 2);
    GrowingIndex index = grow("HNSW8,SQ8", MetricKind::l2, rows.view()).value();
    const std::size_t before = index.health().value().vertices;
    const auto codec = Sq8<>::train(rows.view(), {MetricKind::l2}).value();
    Rows near(Element::float32, dim, 50);
    for (std::size_t i = 0; i < near.size(); ++i) {
        std::vector<float> values = rounded_row(codec, rows.row(7));  // in the middle of its step
        for (float& value : values) value += static_cast<float>(i) * 1e-3F / codec.scale();
        near.set(i, values);
    }
    REQUIRE(index.add(near.view()).ok());
    CHECK(index.health().value().vertices == before);
    const Answer found = ask(index.index(), rows.row(7), {.k = 51}).value();
    CHECK(found[50].distance == 0);
    REQUIRE(index.remove(std::vector<Id>{7}).ok());
    CHECK(ask(index.index(), rows.row(7), {.k = 50}).value()[49].distance == 0);
}

TEST_CASE("growing rounded graph: under cosine it begins with nothing", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 400, 3);
    for (const Element element : {Element::float32, Element::float16}) {
        GrowingIndex index = grow("HNSW8,SQ8", MetricKind::cosine, element, dim).value();
        CHECK(index.size() == 0);
        CHECK(ask(index.index(), rows.row(0)).value().size() == 0);
        REQUIRE(index.add(rows.view()).ok());
        check_all(index.index(), Sq8<>::create(dim, MetricKind::cosine).value(), rows, {});
    }
}
