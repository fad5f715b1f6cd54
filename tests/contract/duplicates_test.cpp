// Thousands of equal rows must not break an index: every row can be found, k answers come, and every vertex of a graph
// can be reached from its entry.
#include <numeric>
#include <set>

#include <tonari/index/hnsw_index.hpp>

#include "contract/models.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr Dim dim = 16;

/// Vertices of layer 0 that a walk from vertex 0 can come to.
std::size_t reachable(const Layers& layers, std::size_t layer = 0) {
    std::vector<bool> seen(layers.count(layer), false);
    std::vector<RowId> queue{0};
    seen[0] = true;
    std::size_t count = 0;
    while (!queue.empty()) {
        const RowId at = queue.back();
        queue.pop_back();
        ++count;
        for (std::size_t i = 0; i < layers.links(layer).degree() && layers.links(layer).at(at)[i] != no_row; ++i) {
            const RowId to = layers.links(layer).at(at)[i];
            if (seen[to]) continue;
            seen[to] = true;
            queue.push_back(to);
        }
    }
    return count;
}

HnswIndex<Flat<>> graph(const Rows& rows, MetricKind metric, std::size_t links = 16) {
    return HnswIndex<Flat<>>::build(Flat<>::create(rows.element(), rows.dim(), metric).value(), rows.view(), {}, links,
                                    quick_build())
        .value();
}

/// 10,000 rows, 5,000 of them equal.
Rows half_equal(Element element) {
    Rows rows = clustered_rows(element, dim, 10'000, 90);
    for (std::size_t i = 0; i < rows.size(); i += 2) rows.set(i, rows, 4321);
    return rows;
}

}  // namespace

TEST_CASE("duplicates: half of the rows are equal", "[contract]") {
    for (const auto& [metric, element] : {std::pair{MetricKind::l2, Element::float32},
                                          {MetricKind::cosine, Element::float16},
                                          {MetricKind::inner_product, Element::int8},
                                          {MetricKind::hamming, Element::bits}}) {
        INFO(name(metric) << " " << name(element));
        const Rows rows = half_equal(element);
        const auto index = graph(rows, metric);
        CHECK(index.size() == rows.size());
        CHECK(reachable(index.layers()) == index.layers().vertices());
        const Index any = make_index(graph(rows, metric));
        Searcher search = any.searcher();
        // All copies of the row come, in the order of their ids, and as many as are asked for.
        for (const std::size_t k : {1U, 100U, 5000U}) {
            if (metric == MetricKind::inner_product) continue;
            const Nearest nearest = search(rows.row(4321), {.k = k, .ef = 64}).value();
            REQUIRE(nearest.size() == k);
            CHECK(well_formed(nearest.neighbors));
            CHECK(nearest[k - 1].distance == nearest[0].distance);
        }
        CHECK(search(rows.row(4321), {.k = rows.size()}).value().size() == rows.size());
        // The others are found among them.
        std::size_t found = 0;
        const Distance distance = definition_of(metric);
        for (std::size_t i = 1; i < rows.size(); i += 50) {
            const float own = distance(rows.values(i), rows.values(i));
            found += search(rows.row(i), {.k = 1}).value()[0].distance <= own + 1e-4F ? 1 : 0;
        }
        CHECK(found >= 199);
        // A filter that passes one copy of the 5,000 finds that one.
        const std::vector<Id> one = {8888};
        const RowFilter filter = any.prepare(Filter::ids(one)).value();
        const Nearest single = search(rows.row(1), {.k = 10, .filter = &filter}).value();
        REQUIRE(single.size() == 1);
        CHECK(single[0].id == 8888);
        // Range search brings them all, or as many as the cap allows.
        if (metric == MetricKind::l2) {
            CHECK(search.range(rows.row(4321), {.radius = 0}).value().size() == 5001);
            const Nearest capped = search.range(rows.row(4321), {.radius = 0, .cap = 777}).value();
            CHECK(capped.size() == 777);
            CHECK(capped.outcome.truncated);
        }
    }
}

TEST_CASE("duplicates: all rows are equal", "[contract]") {
    for (const Model& model : all_models()) {
        INFO(model.name);
        const std::size_t n = 3000;
        const Rows one = clustered_rows(model.element, dim, 1, 91);
        Rows rows(model.element, dim, n);
        for (std::size_t i = 0; i < n; ++i) rows.set(i, one, 0);
        const std::vector<Id> ids = scattered_ids(n);
        std::vector<Id> sorted = ids;
        std::sort(sorted.begin(), sorted.end());
        const Index index = model.built(rows, ids, quick_build());
        Searcher search = index.searcher();
        const Nearest all = search(one.row(0), {.k = n}).value();
        REQUIRE(all.size() == n);
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < n; ++i)
            TONARI_EXPECT(wrong, all[i].id == sorted[i] && all[i].distance == all[0].distance);
        CHECK(wrong == 0);
        const Nearest ten = search(one.row(0), {.k = 10}).value();
        REQUIRE(ten.size() == 10);
        CHECK(ten[9].id == sorted[9]);
        const auto passes = [](Id id) { return id % 7 == 0; };
        const RowFilter filter = index.prepare(Filter::predicate(passes)).value();
        const auto passing = static_cast<std::size_t>(std::count_if(ids.begin(), ids.end(), passes));
        CHECK(search(one.row(0), {.k = n, .filter = &filter}).value().size() == passing);
        CHECK(search.range(one.row(0), {.radius = 1e30F, .filter = &filter}).value().size() == passing);
    }
}

TEST_CASE("duplicates: ties at the k-th place go to the smaller ids, copies included", "[contract]") {
    // Two places at the same distance from the query, 20 copies each, ids mixed.
    for (const char* spec : {"Flat", "HNSW8"}) {
        INFO(spec);
        Rows rows(Element::float32, 2, 40);
        std::vector<Id> ids(40);
        for (std::size_t i = 0; i < 40; ++i) {
            rows.set(i, std::vector<float>{i % 2 == 0 ? 1.0F : -1.0F, 0});
            ids[i] = static_cast<Id>((i * 17) % 40);
        }
        const Index index = build(spec, MetricKind::l2, rows.view(), ids).value();
        const std::vector<float> middle = {0, 0};
        const RowFilter all = index.prepare(Filter::predicate([](Id) { return true; })).value();
        for (const std::size_t k : {1U, 2U, 3U, 7U, 20U, 39U, 40U}) {
            for (const RowFilter* filter : {static_cast<const RowFilter*>(nullptr), &all}) {
                const Answer nearest = ask(index, middle, {.k = k, .filter = filter}).value();
                REQUIRE(nearest.size() == k);
                std::size_t wrong = 0;
                for (std::size_t i = 0; i < k; ++i) TONARI_EXPECT(wrong, nearest[i].id == static_cast<Id>(i));
                CHECK(wrong == 0);
            }
            const Answer range = ask_range(index, middle, {.radius = 1, .cap = k}).value();
            CHECK(range.size() == k);
            CHECK(range.outcome.truncated == (k < 40));
            CHECK(range[k - 1].id == static_cast<Id>(k - 1));
        }
    }
}

TEST_CASE("duplicates: rows that differ in the signs of their zeros, or behind their last bit", "[contract]") {
    const std::size_t n = 6000;
    for (const Element element : {Element::float32, Element::float16, Element::bfloat16, Element::bits}) {
        INFO(name(element));
        // Five of six rows are one row in many forms.
        const Dim odd = element == Element::bits ? 20 : 12;
        Rows rows = clustered_rows(element, odd, n, 97);
        const std::size_t bytes = row_bytes(element, odd);
        const std::size_t word = element == Element::float32 ? 4 : 2;
        Random random(98);
        for (std::size_t i = 0; i < n; ++i) {
            if (i % 6 == 0) continue;
            auto* row = const_cast<std::byte*>(static_cast<const std::byte*>(rows.row(i).data()));
            std::memset(row, 0, bytes);
            if (element == Element::bits) {
                row[2] = static_cast<std::byte>(random() << 4U);  // bits 20 to 23 are nobody's
            } else {
                for (Dim d = 0; d < odd; ++d) row[d * word + word - 1] = static_cast<std::byte>(random() << 7U);
            }
        }
        const MetricKind metric = element == Element::bits ? MetricKind::hamming : MetricKind::l2;
        const auto index = graph(rows, metric);
        CHECK(index.layers().vertices() <= 1001);
        Searcher search = make_index(graph(rows, metric)).searcher();
        CHECK(search(rows.row(1), {.k = 5000}).value().size() == 5000);
        std::size_t found = 0;
        for (std::size_t i = 0; i < n; i += 60) found += search(rows.row(i), {.k = 1}).value()[0].distance == 0 ? 1 : 0;
        CHECK(found >= 99);
    }
}

TEST_CASE("duplicates: rows that rounding makes equal share a vertex", "[contract]") {
    // Half of the rows lie within a hundredth of a step of one place; under cosine they are also of any length.
    for (const MetricKind metric : vector_metrics) {
        INFO(name(metric));
        const std::size_t n = 4000;
        Rows rows = clustered_rows(Element::float32, dim, n, 99);
        Random random(100);
        std::vector<float> near(dim);
        const auto codec = Sq8<>::train(rows.view(), {metric}).value();
        const std::vector<float> place = rounded_row(codec, rows.row(1));
        for (std::size_t i = 0; i < n; i += 2) {
            const float length = metric == MetricKind::cosine ? 1 + static_cast<float>(i) : 1;
            for (std::size_t d = 0; d < dim; ++d)
                near[d] = length * (place[d] + static_cast<float>(1e-5 * unit(random())));
            rows.set(i, near);
        }
        const auto index = HnswIndex<Sq8<>>::build(codec, rows.view(), {}, 16, quick_build()).value();
        CHECK(index.layers().vertices() <= n / 2 + 1);
        CHECK(reachable(index.layers()) == index.layers().vertices());
        const Index any = make_index(HnswIndex<Sq8<>>::build(codec, rows.view(), {}, 16, quick_build()).value());
        Searcher search = any.searcher();
        CHECK(search(rows.row(2), {.k = n}).value().size() == n);
        if (metric == MetricKind::inner_product) continue;  // longer rows are nearer
        const Nearest nearest = search(rows.row(2), {.k = n / 2}).value();
        REQUIRE(nearest.size() == n / 2);
        CHECK(nearest[n / 2 - 1].distance == nearest[0].distance);
        CHECK(nearest[1].id <= 2);
    }
}

TEST_CASE("duplicates: scaled copies, equal under cosine alone", "[contract]") {
    // Different bytes, one direction: no two rows can be stored as one.
    const std::size_t n = 10'000;
    Rows rows = clustered_rows(Element::float32, dim, n, 92);
    std::vector<float> scaled(dim);
    for (std::size_t i = 0; i < n; i += 2) {
        for (std::size_t d = 0; d < dim; ++d)
            scaled[d] = rows.values(4321)[d] * (1.5F + static_cast<float>(i) / 1000.0F);
        rows.set(i, scaled);
    }
    const auto index = graph(rows, MetricKind::cosine);
    CHECK(index.layers().vertices() == n);
    CHECK(reachable(index.layers()) == n);
    Searcher search = make_index(graph(rows, MetricKind::cosine)).searcher();
    std::size_t found = 0;
    for (std::size_t i = 1; i < n; i += 50) found += search(rows.row(i), {.k = 1}).value()[0].distance <= 1e-6F ? 1 : 0;
    CHECK(found >= 195);
    for (const std::size_t k : {10U, 1000U, 5000U, 10'000U}) {
        const Nearest nearest = search(rows.row(2), {.k = k, .ef = 64}).value();
        CHECK(nearest.size() == k);
        CHECK(nearest[std::min<std::size_t>(k, 10) - 1].distance <= 1e-6F);
    }
}

TEST_CASE("duplicates: rows that differ by almost nothing", "[contract]") {
    // 3,000 rows within 1e-3 of one place, 3,000 elsewhere.
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product, MetricKind::l1}) {
        INFO(name(metric));
        const std::size_t n = 6000;
        Rows rows = clustered_rows(Element::float32, dim, n, 93);
        Random random(94);
        std::vector<float> near(dim);
        for (std::size_t i = 0; i < n; i += 2) {
            for (std::size_t d = 0; d < dim; ++d)
                near[d] = rows.values(1)[d] + static_cast<float>(1e-3 * unit(random()));
            rows.set(i, near);
        }
        const auto index = graph(rows, metric);
        CHECK(reachable(index.layers()) == n);
        Searcher search = make_index(graph(rows, metric)).searcher();
        std::size_t found = 0;
        const Distance distance = definition_of(metric);
        for (std::size_t i = 1; i < n; i += 50) {
            const float own = distance(rows.values(i), rows.values(i));
            found += search(rows.row(i), {.k = 1}).value()[0].distance <= own + 1e-4F ? 1 : 0;
        }
        CHECK(found >= 112);
        CHECK(search(rows.row(2), {.k = n}).value().size() == n);
    }
}

TEST_CASE("duplicates: every vertex is reachable, on every layer's first", "[contract]") {
    for (const std::size_t links : {2U, 4U, 16U}) {
        for (const Element element : {Element::float32, Element::uint8, Element::bits}) {
            const MetricKind metric = element == Element::bits ? MetricKind::hamming : MetricKind::l2;
            const auto index =
                graph(clustered_rows(element, 8, 3000, 95 + links), metric, links);  // 8 bits: mostly copies
            INFO(name(element) << ", M " << links);
            CHECK(reachable(index.layers()) == index.layers().vertices());
            std::size_t wrong = 0;
            for (std::size_t layer = 0; layer < index.layers().height(); ++layer) {
                const LinkTable& table = index.layers().links(layer);
                for (RowId v = 0; v < index.layers().count(layer); ++v) {
                    bool ended = false;
                    std::set<RowId> distinct;
                    for (std::size_t i = 0; i < table.degree(); ++i) {
                        const RowId to = table.at(v)[i];
                        ended = ended || to == no_row;
                        if (to == no_row) continue;
                        // Within the layer, not to itself, not twice, nothing behind the end.
                        TONARI_EXPECT(
                            wrong, !ended && to < index.layers().count(layer) && to != v && distinct.insert(to).second);
                    }
                }
            }
            CHECK(wrong == 0);
        }
    }
}
