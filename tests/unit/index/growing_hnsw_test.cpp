// The growing graph, one thread at a time: its books, its links, its memory, its way to the frozen graph and back.
#include <map>
#include <set>
#include <stdexcept>
#include <vector>

#include <tonari/index/grow.hpp>
#include <tonari/index/growing_compact.hpp>

#include "support/catch.hpp"
#include "support/oracle.hpp"
#include "support/rows.hpp"
#include "unit/index/growing_changes.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr Dim dim = 12;
using Growing = GrowingHnsw<Flat<AnyMetric>>;

Flat<AnyMetric> codec_of(MetricKind metric, Element element = Element::float32) {
    return Flat<AnyMetric>::create(element, dim, metric).value();
}

/// What `named` says is what the links say, on every layer; nobody links to a place that is free, to itself or twice.
std::size_t wrong_links(const Growing& index) {
    const GrowingGraph& graph = index.graph();
    std::size_t wrong = 0;
    std::array<RowId, max_batch> links;
    std::map<std::pair<std::size_t, RowId>, std::uint32_t> named;
    for (std::size_t i = 0; i < graph.vertices(); ++i) {
        const auto vertex = static_cast<RowId>(i);
        for (std::size_t layer = 0; layer < graph.height(vertex); ++layer) {
            const std::size_t count = graph.read(layer, vertex, links.data());
            const std::set<RowId> distinct(links.begin(), links.begin() + static_cast<std::ptrdiff_t>(count));
            wrong += distinct.size() == count && distinct.count(vertex) == 0 ? 0 : 1;
            for (const RowId to : distinct) {
                ++named[{layer, to}];
                wrong += graph.height(to) > layer ? 0 : 1;
            }
        }
    }
    for (std::size_t i = 0; i < graph.vertices(); ++i) {
        const auto vertex = static_cast<RowId>(i);
        for (std::size_t layer = 0; layer < graph.height(vertex); ++layer) {
            wrong += graph.named(layer, vertex).load() == named[{layer, vertex}] ? 0 : 1;
        }
    }
    return wrong;
}

/// Who has a parent is in its list, of a higher rank, and comes to the root that way; who is alive has one or is the root.
std::size_t wrong_parents(const Growing& index) {
    const GrowingGraph& graph = index.graph();
    const SpanningTree& tree = index.tree();
    std::size_t wrong = 0;
    std::array<RowId, max_batch> links;
    for (std::size_t i = 0; i < graph.vertices(); ++i) {
        const auto vertex = static_cast<RowId>(i);
        const bool alive = graph.height(vertex) > 0 && graph.record(vertex).died.load() == never;
        if (!alive) continue;
        RowId at = vertex;
        for (RowId parent = tree.parent(at); parent != no_row; at = parent, parent = tree.parent(at)) {
            const std::size_t count = graph.read(0, parent, links.data());
            wrong += std::count(links.begin(), links.begin() + static_cast<std::ptrdiff_t>(count), at) == 1 ? 0 : 1;
            wrong += tree.is_before(parent, at) ? 0 : 1;
        }
        wrong += at == tree.root() ? 0 : 1;
    }
    wrong += index.size() == 0 || tree.root() == graph.entry().vertex ? 0 : 1;
    return wrong;
}

std::vector<Neighbor> ask(const Growing& index, RowView query, const SearchOptions& options) {
    SearchScratch scratch;
    GrowingSearch(index, scratch).nearest(query, options);
    return scratch.neighbors;
}

}  // namespace

TEST_CASE("growing graph: any order of changes leaves ids, links and places whole", "[index]") {
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product, MetricKind::cosine}) {
        for (const std::uint64_t seed : {1U, 2U}) {
            INFO(name(metric) << ", seed " << seed);
            const Rows rows = integer_rows(Element::float32, dim, 600, seed, 6);
            Growing index(codec_of(metric), 6, {.ef_construction = 40});
            const auto ask_all = [&](RowView query) { return ask(index, query, {.k = 1000}); };
            const auto unreached = [&](int step) -> std::size_t {
                return step % 10 == 0 ? wrong_parents(index) + index.health().value().unreachable : 0;
            };
            const auto [truth, wrong] = change_at_random(index, rows, metric, seed, 4000, ask_all, unreached);
            CHECK(wrong == 0);
            CHECK(index.tidy());
            CHECK(wrong_links(index) == 0);
            const GrowingHealth health = index.health().value();
            CHECK(health.ids == truth.size());
            CHECK(health.waiting == 0);
            CHECK(health.vertices + health.free == index.vertices());
            CHECK(health.unreachable == 0);
        }
    }
}

TEST_CASE("growing graph: places are used again, so that turnovers take no more memory", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 2000, 3);
    Growing index(codec_of(MetricKind::l2), 8, {.ef_construction = 40});
    for (std::size_t i = 0; i < rows.size(); ++i)
        REQUIRE(index.put(rows.row(i), static_cast<Id>(i), PutMode::add).ok());
    const std::size_t before = index.row_bytes() + index.link_bytes() + index.id_bytes();
    for (int turn = 0; turn < 5; ++turn) {
        for (std::size_t i = 0; i < rows.size(); ++i) {
            REQUIRE(index.remove(static_cast<Id>(i)).ok());
            REQUIRE(index.put(rows.row(i), static_cast<Id>(i), PutMode::add).ok());
        }
    }
    const std::size_t after = index.row_bytes() + index.link_bytes() + index.id_bytes();
    CHECK(static_cast<double>(after) <= 1.1 * static_cast<double>(before));
    CHECK(index.tidy());
    CHECK(index.health().value().unreachable == 0);
}

TEST_CASE("growing graph: compacted, it has as many places as rows and answers as before", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 3000, 11);
    Growing index(codec_of(MetricKind::l2), 8, {.ef_construction = 60});
    for (std::size_t i = 0; i < rows.size(); ++i)
        REQUIRE(index.put(rows.row(i), static_cast<Id>(i), PutMode::add).ok());
    for (Id id = 5000; id < 5200; ++id) REQUIRE(index.put(rows.row(2991), id, PutMode::add).ok());  // they move, too
    std::vector<Id> kept;
    for (Id id = 0; id < 3000; ++id) {
        if (id % 10 == 1) {
            kept.push_back(id);
        } else {
            REQUIRE(index.remove(id).ok());
        }
    }
    REQUIRE(index.tidy());
    CHECK(index.vertices() >= 3000);
    std::size_t calls = 0;
    std::size_t last = 0;
    const auto progress = [&](std::size_t done, std::size_t total) {
        ++calls;
        last = done;
        CHECK(done <= total);
    };
    {
        SearchScratch scratch;
        const GrowingSearch reader(index, scratch);  // looks at what was there
        CHECK_FALSE(index.compact({}).value());
    }
    CHECK(index.compact(progress).value());
    CHECK(calls >= last);
    CHECK(index.vertices() == 300);
    CHECK(index.row_bytes() == std::size_t{300} * dim * sizeof(float));
    CHECK(index.size() == 500);
    CHECK(wrong_links(index) == 0);
    const GrowingHealth health = index.health().value();
    CHECK(health.ids == 500);
    CHECK(health.free + health.waiting + health.unreachable == 0);
    std::size_t found = 0;
    for (const Id id : kept) found += ask(index, rows.row(static_cast<std::size_t>(id)), {.k = 1})[0].id == id ? 1 : 0;
    CHECK(found == kept.size());
    CHECK(ask(index, rows.row(2991), {.k = 201}).back().distance == 0);
    // It grows again over the places that it gave back.
    for (std::size_t i = 0; i < rows.size(); ++i) {
        REQUIRE(index.put(rows.row(i), static_cast<Id>(i), PutMode::replace).ok());
    }
    REQUIRE(index.tidy());
    CHECK(wrong_links(index) == 0);
    CHECK(index.health().value().unreachable == 0);
    found = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) found += ask(index, rows.row(i), {.k = 1})[0].distance == 0 ? 1 : 0;
    CHECK(found > 2990);
    CHECK(index.compact({}).value());  // nothing to do
    CHECK(index.size() == 3200);
}

TEST_CASE("growing graph: compact has nothing to do, or says that it is not done", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 800, 15);
    Growing index(codec_of(MetricKind::l2), 8, {.ef_construction = 40});
    for (std::size_t i = 0; i < rows.size(); ++i)
        REQUIRE(index.put(rows.row(i), static_cast<Id>(i), PutMode::add).ok());
    REQUIRE(index.tidy());
    SearchScratch scratch;
    {
        const GrowingSearch reader(index, scratch);
        CHECK(index.compact({}).value());  // it has taken nothing away that somebody might look at
        CHECK(index.tidy());
    }
    for (Id id = 0; id < 700; ++id) REQUIRE(index.remove(id).ok());
    ErrorCode refused{};
    const auto from_within = [&](std::size_t, std::size_t) {
        const auto inner = index.compact({});
        if (!inner) refused = inner.error().code;
    };
    CHECK(index.compact(from_within).value());
    CHECK(refused == ErrorCode::busy);
    CHECK(index.vertices() == 100);
    // A progress that throws leaves it whole, and the next call ends the work.
    for (Id id = 700; id < 750; ++id) REQUIRE(index.remove(id).ok());
    CHECK_THROWS_AS(index.compact([](std::size_t, std::size_t) { throw std::runtime_error("enough"); }),
                    std::runtime_error);
    CHECK(index.size() == 50);
    CHECK(index.compact({}).value());
    CHECK(index.vertices() == 50);
    CHECK(index.health().value().free == 0);
}

TEST_CASE("growing graph: equal rows that come together while it is compacted free a place each", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 600, 16);
    Growing index(codec_of(MetricKind::l2), 8, {.ef_construction = 60});
    Id next = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) REQUIRE(index.put(rows.row(i), next++, PutMode::add).ok());
    for (int copy = 0; copy < 3000; ++copy) REQUIRE(index.put(rows.row(599), next++, PutMode::add).ok());
    for (Id id = 0; id < 500; ++id) REQUIRE(index.remove(id).ok());
    REQUIRE(index.compact({}).value());
    CHECK(index.vertices() == 100);
    CHECK(index.size() == 3100);
    CHECK(wrong_links(index) == 0);
    CHECK(ask(index, rows.row(599), {.k = 3001}).back().distance == 0);
    for (Id id = 600; id < 3600; ++id) REQUIRE(index.remove(id).ok());
    CHECK(index.compact({}).value());
    CHECK(index.size() == 100);
}

TEST_CASE("growing graph: compacted to nothing, it is as new", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 1500, 12);
    Growing index(codec_of(MetricKind::l2), 8, {.ef_construction = 40});
    CHECK(index.compact({}).value());
    for (int round = 0; round < 3; ++round) {
        for (std::size_t i = 0; i < rows.size(); ++i)
            REQUIRE(index.put(rows.row(i), static_cast<Id>(i), PutMode::add).ok());
        for (std::size_t i = 0; i < rows.size(); ++i) REQUIRE(index.remove(static_cast<Id>(i)).ok());
        CHECK(index.compact({}).value());
        CHECK(index.vertices() == 0);
        CHECK(ask(index, rows.row(0), {.k = 3}).empty());
    }
}

#if defined(__linux__)
TEST_CASE("growing graph: compacted, it gives memory back to the system", "[index]") {
    constexpr Dim wide = 1024;
    const auto codec = Flat<AnyMetric>::create(Element::float32, wide, MetricKind::l2).value();
    Growing index(codec, 4, {.ef_construction = 8});
    std::vector<float> row(wide, 0.0F);
    Random random(13);
    for (Id id = 0; id < 6000; ++id) {
        for (std::size_t i = 0; i < 4; ++i) row[i] = static_cast<float>(unit(random()));
        REQUIRE(index.put(std::span<const float>(row), id, PutMode::add).ok());
    }
    for (Id id = 0; id < 6000; ++id) {
        if (id % 8 != 0) REQUIRE(index.remove(id).ok());
    }
    REQUIRE(index.tidy());
    const std::size_t before = resident_bytes();
    REQUIRE(index.compact({}).value());
    const std::size_t after = resident_bytes();
    // 5,250 of 6,000 rows of 4 KiB are gone: 21 MB.
    CHECK(after + 16'000'000 < before);
    CHECK(index.size() == 750);
}
#endif

TEST_CASE("growing graph: emptied, it is as new", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 300, 4);
    Growing index(codec_of(MetricKind::l2), 8, {.ef_construction = 40});
    for (int round = 0; round < 3; ++round) {
        for (std::size_t i = 0; i < rows.size(); ++i)
            REQUIRE(index.put(rows.row(i), static_cast<Id>(i), PutMode::add).ok());
        CHECK(ask(index, rows.row(7), {.k = 1}).at(0).id == 7);
        for (std::size_t i = 0; i < rows.size(); ++i) REQUIRE(index.remove(static_cast<Id>(i)).ok());
        CHECK(index.size() == 0);
        CHECK(ask(index, rows.row(7), {.k = 5}).empty());
        CHECK(index.tidy());
        CHECK(index.vertices() <= rows.size() + 40);
        CHECK(wrong_links(index) == 0);
    }
    CHECK(freeze(index).error().code == ErrorCode::not_found);
}

TEST_CASE("growing graph: thousands of equal rows share a vertex and come and go one by one", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 400, 5);
    Growing index(codec_of(MetricKind::cosine), 8, {.ef_construction = 40});
    Id next = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        REQUIRE(index.put(rows.row(i), next++, PutMode::add).ok());
        for (int copies = 0; copies < 10; ++copies) REQUIRE(index.put(rows.row(42), next++, PutMode::add).ok());
    }
    CHECK(index.health().value().vertices <= rows.size() + 11);  // those that came before row 42 share one of their own
    CHECK(index.size() == rows.size() * 11);
    const auto all = ask(index, rows.row(42), {.k = rows.size() * 11});
    CHECK(all.size() == rows.size() * 11);
    CHECK(well_formed(all));
    for (Id id = 0; id < next; ++id) {
        if (id % 11 != 0) REQUIRE(index.remove(id).ok());
    }
    CHECK(index.tidy());
    CHECK(index.size() == rows.size());
    CHECK(index.health().value().vertices == rows.size());
    CHECK(index.health().value().unreachable == 0);
    CHECK(ask(index, rows.row(42), {.k = 1}).at(0).id == Id{42} * 11);
}

TEST_CASE("growing graph: thousands of rows at one distance from everything stay within reach", "[index]") {
    Growing index(codec_of(MetricKind::cosine), 4, {.ef_construction = 20});
    std::vector<float> row(dim);
    Random random(7);
    constexpr Id rows = 3000;
    for (Id id = 0; id < rows; ++id) {  // one direction, lengths that rounding keeps from being equal
        for (std::size_t i = 0; i < dim; ++i) row[i] = static_cast<float>(i + 1) * (1 + static_cast<float>(id) * 1e-3F);
        REQUIRE(index.put(std::span<const float>(row), id, PutMode::add).ok());
    }
    for (int change = 0; change < 3000; ++change) {
        const auto id = static_cast<Id>(random.below(rows));
        for (std::size_t i = 0; i < dim; ++i)
            row[i] = static_cast<float>(i + 1) * static_cast<float>(1 + unit(random()));
        REQUIRE(index.put(std::span<const float>(row), id, PutMode::update).ok());
    }
    CHECK(index.health().value().vertices > 10);  // they are not all equal
    CHECK(index.health().value().unreachable == 0);
    CHECK(wrong_parents(index) == 0);
    CHECK(ask(index, RowView(std::span<const float>(row)), {.k = 3000}).size() == 3000);
}

TEST_CASE("growing graph: rows that differ in the signs of their zeros share a vertex", "[index]") {
    Growing index(codec_of(MetricKind::l2), 8, {.ef_construction = 40});
    std::vector<float> row(dim);
    Random random(14);
    for (Id id = 0; id < 500; ++id) {
        for (float& value : row) value = random.below(2) == 0 ? 0.0F : -0.0F;
        REQUIRE(index.put(std::span<const float>(row), id, PutMode::add).ok());
    }
    CHECK(index.health().value().vertices == 1);
    CHECK(ask(index, std::span<const float>(row), {.k = 500}).size() == 500);
}

TEST_CASE("growing graph: while a search looks on, what it sees stays", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 500, 6);
    Growing index(codec_of(MetricKind::l2), 8, {.ef_construction = 40});
    for (std::size_t i = 0; i < rows.size(); ++i)
        REQUIRE(index.put(rows.row(i), static_cast<Id>(i), PutMode::add).ok());
    const auto expected = ask(index, rows.row(1), {.k = 500});
    SearchScratch scratch;
    {
        GrowingSearch search(index, scratch);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            REQUIRE((i % 2 == 0 ? index.remove(static_cast<Id>(i))
                                : index.put(rows.row(0), static_cast<Id>(i), PutMode::update))
                        .ok());
        }
        CHECK(!index.tidy());  // the search holds the dead back
        search.nearest(rows.row(1), {.k = 500, .ef = 600});
        CHECK(identical(scratch.neighbors, expected));
    }
    CHECK(index.tidy());
    const auto later = ask(index, rows.row(1), {.k = 500});
    CHECK(later.size() == 250);
    for (const Neighbor& neighbor : later) CHECK(neighbor.id % 2 == 1);
}

TEST_CASE("growing graph: frozen and thawed it answers as before", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 1500, 7);
    const Rows queries = clustered_rows(Element::float32, dim, 40, 8);
    GrowingIndex index = grow("HNSW8", MetricKind::l2, Element::float32, dim, {.ef_construction = 60}).value();
    std::vector<Id> ids = scattered_ids(rows.size(), true);
    index.add(rows.view(), ids).value();
    index.add(rows.view().slice(0, 200)).value();  // equal rows, numbered
    index.remove(std::span(ids).first(300)).value();
    const Index frozen = index.freeze().value();
    CHECK(frozen.size() == index.size());
    CHECK(frozen.spec() == "HNSW8");
    GrowingIndex again = grow(frozen, {.ef_construction = 60}).value();
    CHECK(again.size() == index.size());
    CHECK(again.health().value().unreachable == 0);
    std::size_t wrong = 0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        const SearchOptions everything{.k = 2000};
        Searcher of_growing = index.searcher();
        Searcher of_frozen = frozen.searcher();
        Searcher of_thawed = again.searcher();
        const auto expected = of_growing(queries.row(q), everything).value();
        wrong += expected.size() == 1400 ? 0 : 1;
        wrong += identical(of_frozen(queries.row(q), everything).value().neighbors, expected.neighbors) ? 0 : 1;
        wrong += identical(of_thawed(queries.row(q), everything).value().neighbors, expected.neighbors) ? 0 : 1;
    }
    CHECK(wrong == 0);
    again.add(rows.view().slice(0, 300), std::span(ids).first(300)).value();
    CHECK(again.size() == index.size() + 300);
    CHECK(again.remove(std::span(ids).first(300)).ok());
    CHECK(again.add(rows.view().slice(5, 1)).value() > ids[rows.size() / 2]);  // numbering goes on above the largest
}

TEST_CASE("growing index: what does not fit is refused, and by name", "[index]") {
    const auto code_of = [](const auto& result) { return result.error().code; };
    CHECK(code_of(grow("Flat", MetricKind::l2, Element::float32, dim)) == ErrorCode::unsupported);
    CHECK(code_of(grow("HNSW8", MetricKind::hamming, Element::float32, dim)) == ErrorCode::unsupported);
    CHECK(code_of(grow("HNSW8", MetricKind::l2, Element::float32, 0)) == ErrorCode::invalid_argument);
    CHECK(code_of(grow("HNSW8", MetricKind::l2, Element::float32, dim, {.ef_construction = 0})) ==
          ErrorCode::invalid_argument);
    CHECK(code_of(grow("HNSW8,FP16", MetricKind::l2, Element::uint8, dim)) == ErrorCode::unsupported);

    GrowingIndex index = grow("HNSW8", MetricKind::l2, Element::float32, dim).value();
    const Rows rows = clustered_rows(Element::float32, dim, 10, 9);
    const std::vector<Id> ids{3, 1, 4, 15, 9, 2, 6, 5, 35, 8};
    CHECK(code_of(index.add(rows.view(), std::span(ids).first(9))) == ErrorCode::invalid_argument);
    CHECK(code_of(index.add(clustered_rows(Element::float32, dim + 1, 1, 1).view())) == ErrorCode::invalid_argument);
    CHECK(code_of(index.add(clustered_rows(Element::uint8, dim, 1, 1).view())) == ErrorCode::invalid_argument);
    const std::vector<Id> twice{3, 1, 4, 15, 9, 2, 6, 5, 3, 8};
    CHECK(!index.add(rows.view(), twice).ok());
    const std::vector<Id> negative{3, 1, 4, 15, 9, 2, 6, -5, 35, 8};
    CHECK(!index.add(rows.view(), negative).ok());
    std::vector<float> bad(dim, 1.0F);
    bad[3] = std::numeric_limits<float>::quiet_NaN();
    CHECK(!index.add(MatrixView(bad.data(), 1, dim)).ok());
    CHECK(index.size() == 0);

    REQUIRE(index.add(rows.view(), ids).ok());
    const Status again = index.add(rows.view().slice(3, 1), std::span(ids).subspan(3, 1));
    CHECK(code_of(again) == ErrorCode::already_exists);
    CHECK(again.error().message.find("15") != std::string::npos);
    CHECK(index.add(rows.view().slice(4, 1), std::span(ids).subspan(3, 1), {.replace = true}).ok());
    const std::vector<Id> missing{9, 77};
    const Status gone = index.remove(missing);
    CHECK(code_of(gone) == ErrorCode::not_found);
    CHECK(gone.error().message.find("77") != std::string::npos);
    CHECK(index.contains(9));
    CHECK(code_of(index.update(rows.view().slice(0, 2), missing)) == ErrorCode::not_found);
    CHECK(code_of(index.update(rows.view().slice(0, 1), std::span(ids).first(1), {.replace = true})) ==
          ErrorCode::invalid_argument);
    CHECK(code_of(index.add(rows.view().slice(0, 1), {.replace = true})) == ErrorCode::invalid_argument);
    CHECK(index.size() == 10);
    const Id largest = std::numeric_limits<Id>::max();
    REQUIRE(index.add(rows.view().slice(0, 1), std::span(&largest, 1)).ok());
    CHECK(code_of(index.add(rows.view().slice(1, 1))) == ErrorCode::out_of_range);
    CHECK(code_of(grow(index.index())) == ErrorCode::unsupported);
}

TEST_CASE("growing index: a filter prepared earlier knows its ids, also those that came or moved since", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 800, 10);
    GrowingIndex index = grow("HNSW8", MetricKind::l2, rows.view().slice(0, 600), {}, {.ef_construction = 60}).value();
    std::vector<Id> listed;
    for (Id id = 0; id < 800; id += 4) listed.push_back(id);
    const RowFilter filter = index.prepare(Filter::ids(listed)).value();
    const RowFilter even = index.prepare(Filter::predicate([](Id id) { return id % 2 == 0; })).value();
    std::vector<Id> later(200);
    for (std::size_t i = 0; i < later.size(); ++i) later[i] = static_cast<Id>(600 + i);
    index.add(rows.view().slice(600, 200), later).value();
    const std::vector<Id> moved{0, 4, 8, 1};
    index.update(rows.view().slice(100, 4), moved).value();
    const std::vector<Id> gone{12, 16};
    index.remove(gone).value();
    Searcher search = index.searcher();
    const auto answer = search(rows.row(5), {.k = 800, .filter = &filter}).value();
    CHECK(answer.size() == listed.size() - gone.size());
    for (const Neighbor& neighbor : answer) CHECK(neighbor.id % 4 == 0);
    const auto evens = search(rows.row(5), {.k = 800, .filter = &even}).value();
    CHECK(evens.size() == 300 - gone.size());
    for (const Neighbor& neighbor : evens) CHECK((neighbor.id % 2 == 0 && neighbor.id < 600));
}
