// Lists that are graphs: what their cells are, that nothing is lost between them, and that one cell of all rows is the graph.
#include <algorithm>
#include <numeric>
#include <set>

#include <tonari/index/build.hpp>
#include <tonari/index/grow.hpp>
#include <tonari/index/ivf_hnsw_index.hpp>
#include <tonari/index/registry.hpp>

#include "support/ask.hpp"
#include "support/catch.hpp"
#include "support/image.hpp"
#include "support/oracle.hpp"
#include "support/refused.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr Dim dim = 12;
using Plain = Flat<AnyMetric>;
using Cellular = IvfHnswIndex<Plain, FlatCoarse<Plain>>;

Cellular cells_of(const Rows& rows, std::size_t lists, std::size_t links = 8, MetricKind metric = MetricKind::l2) {
    return Cellular::build(Plain::create(rows.element(), rows.dim(), metric).value(), rows.view(), {}, {lists}, links,
                           {.ef_construction = 60})
        .value();
}

/// Rows of a cell that the links of layer 0 lead to from its first, and links that leave the cell on any layer.
struct Looked {
    std::size_t reached = 0;
    std::size_t strays = 0;
};
Looked look_at(const Cellular& index, std::size_t cell) {
    Looked looked;
    const auto [first, last] = index.partition().rows_of(cell);
    const auto within = [&, begin = first, end = last](RowId row) { return row >= begin && row < end; };
    if (first == last) return looked;
    const LinkTable& links = index.layers().bottom();
    std::set<RowId> seen{static_cast<RowId>(first)};
    for (std::vector<RowId> queue{static_cast<RowId>(first)}; !queue.empty();) {
        const RowId* list = links.at(queue.back());
        queue.pop_back();
        for (std::size_t i = 0; i < links.degree() && list[i] != no_row; ++i) {
            if (!within(list[i])) ++looked.strays;
            if (within(list[i]) && seen.insert(list[i]).second) queue.push_back(list[i]);
        }
    }
    looked.reached = seen.size();
    for (const CellLayers::Upper& upper : index.layers().uppers()) {
        const auto [from, to] = upper.vertices.rows_of(cell);
        for (std::size_t at = from; at < to; ++at) {
            const RowId* list = upper.links.at(static_cast<RowId>(at));
            for (std::size_t i = 0; i < upper.links.degree() && list[i] != no_row; ++i) {
                if (list[i] < first || list[i] - first >= to - from) ++looked.strays;
            }
        }
    }
    return looked;
}

std::set<Id> ids_of(std::span<const Neighbor> neighbors) {
    std::set<Id> ids;
    for (const Neighbor& neighbor : neighbors) ids.insert(neighbor.id);
    return ids;
}

}  // namespace

TEST_CASE("ivf of graphs: links stay in their cell and reach all of it", "[index]") {
    Rows rows = clustered_rows(Element::float32, dim, 3000, 1);
    for (std::size_t i = 0; i < 300; ++i) rows.set(i * 7, rows, i % 11);
    for (const MetricKind metric : {MetricKind::l2, MetricKind::cosine, MetricKind::inner_product, MetricKind::l1}) {
        for (const std::size_t lists : {1U, 30U, 700U}) {
            INFO(name(metric) << ", " << lists << " lists");
            const Cellular index = cells_of(rows, lists, 4, metric);
            REQUIRE(index.partition().lists() == lists);
            REQUIRE(index.partition().rows() == index.rows().rows());
            CHECK(index.size() == rows.size());
            CHECK(index.rows().rows() < rows.size());  // equal rows once
            std::size_t reached = 0;
            std::size_t strays = 0;
            for (std::size_t cell = 0; cell < lists; ++cell) {
                const Looked looked = look_at(index, cell);
                reached += looked.reached;
                strays += looked.strays;
            }
            CHECK(reached == index.rows().rows());
            CHECK(strays == 0);
        }
    }
}

TEST_CASE("ivf of graphs: one cell is the graph of all rows", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 4000, 2);
    const Rows queries = clustered_rows(Element::float32, dim, 40, 3);
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product}) {
        const Index graph = build("HNSW8", metric, rows.view()).value();
        const Index cell = build("IVF1,HNSW8", metric, rows.view()).value();
        const RowFilter of_graph = graph.prepare(Filter::predicate([](Id id) { return id % 3 != 0; })).value();
        const RowFilter of_cell = cell.prepare(Filter::predicate([](Id id) { return id % 3 != 0; })).value();
        for (std::size_t q = 0; q < queries.size(); ++q) {
            for (const std::size_t ef : {1U, 10U, 64U}) {
                const Answer expected = ask(graph, queries.row(q), {.k = 10, .ef = ef}).value();
                const Answer found = ask(cell, queries.row(q), {.k = 10, .ef = ef, .nprobe = 1}).value();
                CHECK(identical(found.neighbors, expected.neighbors));
                CHECK(found.outcome.hops == expected.outcome.hops);
                CHECK(found.outcome.distances == expected.outcome.distances + 1);  // and the centroid
            }
            const Answer nearest = ask(graph, queries.row(q), {.k = 30}).value();
            const RangeOptions range{.radius = nearest[29].distance, .nprobe = 1};
            CHECK(identical(ask_range(cell, queries.row(q), range).value().neighbors,
                            ask_range(graph, queries.row(q), range).value().neighbors));
            const auto passing = ask(graph, queries.row(q), {.k = 10, .filter = &of_graph}).value();
            const auto truth =
                all_sorted(definition_of(metric), rows, {}, queries.values(q), [](Id id) { return id % 3 != 0; });
            const auto exact = ask(cell, queries.row(q), {.k = 10, .nprobe = 1, .filter = &of_cell}).value();
            CHECK(recall(exact.neighbors, truth, 10, 1e-4F) >= recall(passing.neighbors, truth, 10, 1e-4F));
        }
    }
}

TEST_CASE("ivf of graphs: more cells and wider walks find more, all of both everything", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 24, 6000, 4, 60, 20);
    const Rows queries = clustered_rows(Element::float32, 24, 50, 4, 60, 20);
    for (const char* spec : {"IVF8,HNSW8", "IVF8_HNSW8,HNSW8"}) {
        INFO(spec);
        const Index index = build(spec, MetricKind::l2, rows.view()).value();
        const auto ask_all = [&](std::size_t nprobe, std::size_t ef, std::size_t& distances, std::size_t& hops) {
            double found = 0;
            distances = hops = 0;
            for (std::size_t q = 0; q < queries.size(); ++q) {
                const auto truth = all_sorted(definition_of(MetricKind::l2), rows, {}, queries.values(q));
                const Answer nearest = ask(index, queries.row(q), {.k = 10, .ef = ef, .nprobe = nprobe}).value();
                found += recall(nearest.neighbors, truth, 10, 1e-5F);
                distances += nearest.outcome.distances;
                hops += nearest.outcome.hops;
                CHECK(nearest.size() == 10);
                CHECK(nearest.outcome.complete);
            }
            return found / static_cast<double>(queries.size());
        };
        std::size_t distances = 0;
        std::size_t hops = 0;
        double before = 0;
        std::size_t compared = 0;
        for (const std::size_t nprobe : {1U, 3U, 8U}) {
            const double found = ask_all(nprobe, 200, distances, hops);
            CHECK(found >= before);
            CHECK(distances > compared);
            before = found;
            compared = distances;
        }
        CHECK(before >= 0.99);
        const double narrow = ask_all(8, 10, distances, hops);
        std::size_t wider_distances = 0;
        std::size_t wider_hops = 0;
        const double wider = ask_all(8, 40, wider_distances, wider_hops);
        CHECK(narrow > 0.5);
        CHECK(narrow <= wider);
        CHECK(hops > queries.size() * 8 * 3);  // a walk in each
        CHECK(wider_hops > hops);
        CHECK(wider_distances > distances);
        CHECK(wider_distances < queries.size() * rows.size() / 2);
        CHECK(ask_all(8, 6000, distances, hops) == 1);
        CHECK(distances >= queries.size() * rows.size());
    }
}

TEST_CASE("ivf of graphs: where the cells hold too few rows, further ones are walked", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 1000, 5);
    for (const char* spec : {"IVF100,HNSW4", "IVF100_HNSW4,HNSW4"}) {
        const Index index = build(spec, MetricKind::l2, rows.view()).value();
        for (const std::size_t k : {1U, 50U, 500U, 999U, 1000U, 5000U}) {
            const Answer nearest = ask(index, rows.row(3), {.k = k, .ef = 1, .nprobe = 1}).value();
            CHECK(nearest.size() == std::min<std::size_t>(k, 1000));
            CHECK(well_formed(nearest.neighbors));
            CHECK(ids_of(nearest.neighbors).size() == nearest.size());
        }
        // Few rows pass, and they lie anywhere: compared one and all, or walked to.
        for (const Id share : {2, 11, 97}) {
            const RowFilter filter =
                index.prepare(Filter::predicate([share](Id id) { return id % share == 0; })).value();
            const Answer nearest = ask(index, rows.row(3), {.k = 1000, .nprobe = 1, .filter = &filter}).value();
            CHECK(nearest.size() == filter.passing);
            for (const Neighbor& neighbor : nearest) CHECK(neighbor.id % share == 0);
        }
        const Answer all = ask_range(index, rows.row(3), {.radius = 1e30F, .nprobe = 1}).value();
        CHECK(all.size() == 1000);
    }
}

TEST_CASE("ivf of graphs: a giant cell, empty cells, as many cells as rows, equal rows", "[index]") {
    // Under inner product and cosine the centroids have length 1: rows in one direction, of any length, have the same.
    Rows rows(Element::float32, dim, 3000);
    Random random(6);
    std::vector<float> values(dim);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto length = static_cast<float>(1 + unit(random()) * 100);
        for (Dim d = 0; d < dim; ++d) {
            values[d] = length + static_cast<float>(1e-3 * bell(random)) + (i < 10 && d == i ? 3000.0F : 0.0F);
        }
        rows.set(i, values);
    }
    const Cellular lopsided = cells_of(rows, 8, 8, MetricKind::cosine);
    std::size_t largest = 0;
    for (std::size_t cell = 0; cell < 8; ++cell) {
        const auto [first, last] = lopsided.partition().rows_of(cell);
        largest = std::max(largest, last - first);
    }
    CHECK(largest > 1200);  // of 8, and 375 would be an equal share
    const Index giant = make_index(Cellular(lopsided));
    std::size_t lost = 0;
    for (std::size_t i = 0; i < rows.size(); i += 20) {
        const auto truth = all_sorted(definition_of(MetricKind::cosine), rows, {}, rows.values(i));
        const Answer nearest = ask(giant, rows.row(i), {.k = 10, .ef = 128, .nprobe = 8}).value();
        REQUIRE(nearest.size() == 10);
        if (nearest[9].distance > truth[9].distance + 1e-5F) ++lost;
    }
    CHECK(lost <= 3);

    Rows few = clustered_rows(Element::float32, dim, 200, 8);
    for (const std::size_t lists : {1U, 7U, 200U}) {
        const Index index = make_index(cells_of(few, lists));
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < few.size(); ++i) {
            if (ask(index, few.row(i), {.k = 1, .nprobe = 3}).value()[0].distance != 0) ++wrong;
        }
        CHECK(wrong == 0);
    }
    std::vector<float> same(dim, 1.0F);
    for (std::size_t i = 0; i < few.size(); ++i) {
        same[0] = i < 190 ? 1.0F : 2.0F;
        few.set(i, same);
    }
    for (const MetricKind metric : {MetricKind::l2, MetricKind::cosine, MetricKind::inner_product}) {
        const Cellular cells = cells_of(few, 20, 8, metric);
        CHECK(cells.rows().rows() == 2);
        const Index index = make_index(Cellular(cells));
        const Answer all = ask(index, few.row(0), {.k = 200, .nprobe = 1}).value();
        CHECK(ids_of(all.neighbors).size() == 200);
        CHECK(ask(index, few.row(0), {.k = 7, .nprobe = 1}).value().size() == 7);
        const RowFilter late = index.prepare(Filter::predicate([](Id id) { return id >= 180; })).value();
        CHECK(ask(index, few.row(0), {.k = 15, .nprobe = 1, .filter = &late}).value().size() == 15);
        Cursor cursor = index.cursor(few.row(0), {.ef = 1, .nprobe = 1}).value();
        CHECK(ids_of(cursor.next(200).value().neighbors).size() == 200);
    }
}

TEST_CASE("ivf of graphs: what does not fit is refused", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 50, 9);
    refused("IVF51,HNSW4", rows, "expected at least 51 rows");
    refused("IVF8", rows, "HNSW<M>");
    refused("IVF8,HNSW1", rows, "HNSW<M> with M from 2 to 256");
    refused("IVF8,HNSW4,RaBitQ", rows, "one of Flat, FP16");
    refused("IVF8,HNSW4,PQ4", rows, "'PQ4' goes with IVF<lists> alone");
    refused("IVF8,HNSW4,SQ8,RFlat", rows, "nothing after 'SQ8'");
    refused("IVF8,HNSW4,HNSW4", rows, "one of Flat, FP16");
    const Index index = build("IVF8,HNSW4", MetricKind::l2, rows.view()).value();
    CHECK(ask(index, rows.row(0), {.nprobe = 0}).error().message.find("nprobe of at least 1") != std::string::npos);
    CHECK(ask(index, rows.row(0), {.ef = 0}).error().message.find("ef of at least 1") != std::string::npos);
    CHECK(ask_range(index, rows.row(0), {.radius = 1, .nprobe = 0}).error().message.find("nprobe") !=
          std::string::npos);
    CHECK(index.cursor(rows.row(0), {.nprobe = 0}).error().message.find("nprobe") != std::string::npos);
    CHECK(grow("IVF8,HNSW4", MetricKind::l2, Element::float32, dim).error().code == ErrorCode::unsupported);
    for (const char* spec : {"IVF8,HNSW4", "IVF8,HNSW4,FP16", "IVF8_HNSW4,HNSW2,BF16", "IVF8,HNSW4,SQ8"}) {
        CHECK(build(spec, MetricKind::l2, rows.view()).value().spec() == spec);
    }
}

TEST_CASE("ivf of graphs: its parts are what it takes", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 2000, 10);
    const Index index = build("IVF16,HNSW8", MetricKind::l2, rows.view()).value();
    std::set<std::string> names;
    std::size_t sum = 0;
    for (const IndexPart& part : index.parts()) {
        names.emplace(part.name);
        sum += part.bytes;
    }
    CHECK(names == std::set<std::string>{"rows", "ids", "links", "lists", "coarse"});
    CHECK(sum == index.bytes());
    const std::size_t image = image_of(index).size();
    CHECK(image > sum);
    CHECK(image < sum + sum / 10 + 16384);
}
