// Every row is in leaves, none of which is large, among those that lie near it.
#include <tonari/graph/leaves.hpp>

#include <algorithm>
#include <limits>
#include <set>
#include <vector>

#include <tonari/codec/query_panels.hpp>

#include "support/catch.hpp"
#include "support/coded.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

/// Not at every level.
bool suits(const Coded& coded) { return QueryPanels::suits(kernel_rows_of(coded.codec)); }

bool equal(const Leaves& a, const Leaves& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (!std::ranges::equal(a[i], b[i])) return false;
    }
    return true;
}

/// Each row how often? Checks what holds for all leaves.
std::vector<std::size_t> memberships(const Leaves& leaves, std::size_t rows) {
    std::vector<std::size_t> of(rows);
    std::size_t wrong = 0;
    std::size_t members = 0;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        const auto leaf = leaves[i];
        wrong += leaf.empty() || leaf.size() > Leaves::most_rows ? 1 : 0;
        for (std::size_t j = 0; j < leaf.size(); ++j) {
            wrong += leaf[j] >= rows || (j > 0 && leaf[j] <= leaf[j - 1]) ? 1 : 0;
            ++of[leaf[j]];
        }
        members += leaf.size();
    }
    CHECK(wrong == 0);
    CHECK(members == leaves.members().size());
    return of;
}

}  // namespace

TEST_CASE("leaves: each row is in several, with what lies near it, the same for any number of threads",
          "[graph][leaves]") {
    const Element element = GENERATE(Element::float32, Element::float16, Element::int8);
    const MetricKind metric = GENERATE(MetricKind::l2, MetricKind::inner_product, MetricKind::cosine);
    const std::size_t size = GENERATE(1UL, 1024UL, 1025UL, 9000UL);
    CAPTURE(name(element), name(metric), size);
    const Coded coded(clustered_rows(element, 12, size, 5), metric);
    if (!suits(coded)) return;
    const FanOut fan_out{4, 2};
    const Leaves leaves = Leaves::divide(coded.codec, coded.codes.data(), size, fan_out, {1}).value();
    const auto of = memberships(leaves, size);
    CHECK(*std::min_element(of.begin(), of.end()) >= 1);
    CHECK(*std::max_element(of.begin(), of.end()) <= fan_out.first * fan_out.second);
    CHECK(equal(leaves, Leaves::divide(coded.codec, coded.codes.data(), size, fan_out, {3}).value()));
    if (size < 9000) return;
    CHECK(leaves.members().size() > 3 * size);
    // Under L2 and cosine most of the nearest ten are met in a leaf. (A product leads to the longest rows.)
    if (metric == MetricKind::inner_product) return;
    std::size_t met = 0;
    constexpr std::size_t asked = 50;
    for (RowId row = 0; row < asked; ++row) {
        std::set<RowId> others;
        for (std::size_t i = 0; i < leaves.size(); ++i) {
            if (std::ranges::binary_search(leaves[i], row)) others.insert(leaves[i].begin(), leaves[i].end());
        }
        for (const RowId near : coded.nearest(row, 10)) met += others.count(near);
    }
    CHECK(met >= 9 * asked);
}

TEST_CASE("leaves: rows in one place are divided as well as any, and so are rows too far apart for a number",
          "[graph][leaves]") {
    SECTION("all the same") {
        Rows rows(Element::int8, 4, 5000);
        const Coded coded(rows, MetricKind::l2);
        if (!suits(coded)) return;
        const Leaves leaves = Leaves::divide(coded.codec, coded.codes.data(), 5000, {6, 2}, {2}).value();
        const auto of = memberships(leaves, 5000);
        CHECK(*std::min_element(of.begin(), of.end()) >= 1);
    }
    SECTION("two places") {
        Rows rows(Element::float32, 4, 6000);
        for (std::size_t i = 0; i < rows.size(); ++i) rows.set(i, std::vector<float>(4, i % 3 == 0 ? 1.0F : 2.0F));
        const Coded coded(rows, MetricKind::l2);
        if (!suits(coded)) return;
        const Leaves leaves = Leaves::divide(coded.codec, coded.codes.data(), 6000, {3, 2}, {2}).value();
        const auto of = memberships(leaves, 6000);
        CHECK(*std::min_element(of.begin(), of.end()) >= 1);
    }
    SECTION("squares beyond float32") {
        Rows rows(Element::float32, 4, 3000);
        Random random(3);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            rows.set(i, std::vector<float>(4, (random() % 2 == 0 ? 1.0F : -1.0F) * 1.5e19F));
        }
        const Coded coded(rows, MetricKind::l2);
        if (!suits(coded)) return;
        const Leaves leaves = Leaves::divide(coded.codec, coded.codes.data(), 3000, {5, 2}, {2}).value();
        const auto of = memberships(leaves, 3000);
        CHECK(*std::min_element(of.begin(), of.end()) >= 1);
    }
}
