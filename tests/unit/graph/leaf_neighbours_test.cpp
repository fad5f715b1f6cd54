// What a row finds in its leaves is what comparing it with each row of them finds.
//
// These cases run twice: at the best level, and at the reference, which has tiles (tests/cross/CMakeLists.txt).
#include <tonari/graph/leaf_neighbours.hpp>

#include <algorithm>
#include <limits>
#include <vector>

#include <tonari/codec/query_panels.hpp>
#include <tonari/graph/leaf_plan.hpp>

#include "support/catch.hpp"
#include "support/coded.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

/// By the definition: of its first leaf the nearest, and of each other the nearest of those that are nearer than the last of these.
std::vector<OrderedKey> expected(const Coded& coded, const Leaves& leaves, const LeafNeighbours::Kept& kept,
                                 RowId row) {
    std::vector<OrderedKey> all;
    float limit = std::numeric_limits<float>::infinity();
    bool first = true;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        if (!std::ranges::binary_search(leaves[i], row)) continue;
        auto keys = coded.keys(row, leaves[i]);
        if (first) {
            keys.resize(std::min(keys.size(), kept.of_first));
            if (keys.size() == kept.of_first) limit = distance_of(keys.back());
        } else {
            std::erase_if(keys, [&](OrderedKey key) { return !(distance_of(key) < limit); });
            keys.resize(std::min(keys.size(), kept.of_other));
        }
        first = false;
        all.insert(all.end(), keys.begin(), keys.end());
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

void check(const Coded& coded, const FanOut& fan_out, const LeafNeighbours::Kept& kept, std::size_t bytes,
           unsigned threads) {
    if (!QueryPanels::suits(kernel_rows_of(coded.codec))) return;  // not at every level
    const std::size_t size = coded.rows.size();
    const Leaves leaves = Leaves::divide(coded.codec, coded.codes.data(), size, fan_out, {threads}).value();
    auto near = LeafNeighbours::create(coded.codec, coded.codes.data(), size, leaves, kept, {threads}, bytes).value();
    std::size_t wrong = 0;
    std::size_t slices = 0;
    std::size_t told = 0;
    for (std::size_t first = 0; first < size; ++slices) {
        const std::size_t last = near.slice_end(first);
        REQUIRE(last > first);
        REQUIRE(last <= size);
        near.look(first, last, {threads},
                  [&](std::size_t done, std::size_t of) { told = done == of ? told + 1 : told; });
        for (std::size_t row = first; row < last; ++row) {
            const auto whole = expected(coded, leaves, kept, static_cast<RowId>(row));
            const std::size_t most = row % 7 == 0 ? 5 : 10000;
            const auto found = near.of(static_cast<RowId>(row), most);
            const auto wanted = std::span(whole).first(std::min(most, whole.size()));
            wrong += std::ranges::equal(found, wanted) ? 0 : 1;
        }
        first = last;
    }
    CHECK(wrong == 0);
    CHECK(told == slices);
    CHECK((bytes < LeafNeighbours::most_bytes) == (slices > 1));
}

}  // namespace

TEST_CASE("leaf neighbours: those that comparing one by one finds, for each element and metric", "[graph][leaves]") {
    const Element element = GENERATE(Element::float32, Element::float16, Element::int8, Element::uint8);
    const MetricKind metric = GENERATE(MetricKind::l2, MetricKind::inner_product, MetricKind::cosine);
    CAPTURE(name(element), name(metric));
    const Coded coded(clustered_rows(element, 9, 2600, 8), metric);
    check(coded, {3, 2}, {20, 6}, LeafNeighbours::most_bytes, 2);
}

TEST_CASE("leaf neighbours: slices of any size hold the same", "[graph][leaves]") {
    const Coded coded(clustered_rows(Element::int8, 9, 2200, 8), MetricKind::l2);
    const std::size_t bytes = GENERATE(1UL, 100000UL, 300000UL);
    if (bytes == 1) {  // a row at a time
        const Coded few(clustered_rows(Element::int8, 9, 60, 8), MetricKind::l2);
        return check(few, {3, 2}, {20, 6}, bytes, 1);
    }
    check(coded, {3, 2}, {20, 6}, bytes, 3);
}

TEST_CASE("leaf neighbours: rows that are equally near come in the order of their numbers", "[graph][leaves]") {
    Rows rows(Element::uint8, 3, 2500);  // few places, many rows in each
    Random random(9);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        rows.set(i, std::vector<float>{static_cast<float>(random() % 3), static_cast<float>(random() % 4), 0});
    }
    check(Coded(std::move(rows), MetricKind::l2), {3, 2}, {11, 5}, LeafNeighbours::most_bytes, 2);
}

TEST_CASE("leaf neighbours: as many kept as a leaf has rows, one, and none to be found", "[graph][leaves]") {
    const Coded coded(clustered_rows(Element::float32, 5, 1500, 2), MetricKind::l2);
    check(coded, {2, 2}, {Leaves::most_rows + 5, 1}, LeafNeighbours::most_bytes, 1);
    check(coded, {2, 2}, {1, 1}, LeafNeighbours::most_bytes, 1);
    check(Coded(clustered_rows(Element::float32, 5, 1, 2), MetricKind::l2), {2, 2}, {4, 2}, LeafNeighbours::most_bytes,
          1);
}

TEST_CASE("leaf plan: whatever is asked for, kept rows fit a row's leaves, and more are never fewer",
          "[graph][leaves]") {
    std::size_t before = 0;
    for (const std::size_t rows : {16384UL, 100000UL, 10000000UL, 2000000000UL}) {
        const LeafPlan plan(rows, 200, 32);
        CHECK(plan.fan_out.first > before);
        before = plan.fan_out.first;
    }
    for (const std::size_t ef : {60UL, 200UL, 5000UL, 1000000UL}) {
        for (const std::size_t degree : {4UL, 32UL, 512UL}) {
            const LeafPlan plan(1000000, ef, degree);
            CAPTURE(ef, degree);
            CHECK(plan.fan_out.first * plan.fan_out.second <= 255);  // which of them is told by a byte
            CHECK(plan.kept.of_first >= plan.kept.of_other);
            CHECK(plan.kept.of_other >= 1);
            CHECK(plan.candidates >= degree);
        }
    }
    CHECK_FALSE(LeafPlan::pays(1000, 100000, 200));
    CHECK_FALSE(LeafPlan::pays(60000, 64, 200));
    CHECK_FALSE(LeafPlan::pays(1000000, 128, 10));
    CHECK(LeafPlan::pays(1000000, 128, 200));
}
