// Lists whose rows stand in a second one, too: every row is answered once, and found by looking at fewer lists.
#include <algorithm>
#include <set>

#include <tonari/index/build.hpp>
#include <tonari/index/grow.hpp>
#include <tonari/index/ivf_index.hpp>
#include <tonari/index/registry.hpp>
#include <tonari/segment/segment.hpp>

#include "support/ask.hpp"
#include "support/catch.hpp"
#include "support/image.hpp"
#include "support/oracle.hpp"
#include "support/refused.hpp"
#include "support/rows.hpp"
#include "unit/io/temp_folder.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr Dim dim = 16;
using Plain = Flat<AnyMetric>;
using Ivf = IvfIndex<Plain, FlatCoarse<Plain>>;

constexpr const char* all_specs[] = {"IVF60_SOAR,Flat",
                                     "IVF60_HNSW8_SOAR,FP16",
                                     "IVF60_SOAR,SQ8",
                                     "IVF60_SOAR,RaBitQ",
                                     "IVF60_SOAR,PQ4x4fs",
                                     "IVF60_SOAR,RaBitQ4",
                                     "IVF60_SOAR,PQ4",
                                     "IVF60_SOAR,RaBitQ,RFlat",
                                     "IVF60_SOAR,SQ8,R(FP16)",
                                     "IVF60_HNSW8_SOAR,PQ4,RFlat",
                                     "IVF130_SOAR,RaBitQ3,R(SQ8)",
                                     "PCA12,IVF60_SOAR,RaBitQ,RFlat"};

std::set<Id> ids_of(const std::vector<Neighbor>& neighbors) {
    std::set<Id> ids;
    for (const Neighbor& neighbor : neighbors) ids.insert(neighbor.id);
    return ids;
}

}  // namespace

TEST_CASE("spilled lists: rows, ids and first lists are those of lists without", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 2000, 1);
    const auto ids = scattered_ids(rows.size());
    for (const MetricKind metric : {MetricKind::l2, MetricKind::cosine, MetricKind::inner_product}) {
        INFO(name(metric));
        const auto codec = Plain::create(Element::float32, dim, metric).value();
        const Ivf once = Ivf::build(codec, rows.view(), ids, {30}, {}).value();
        const Ivf twice = Ivf::build(codec, rows.view(), ids, {30, 0, true}, {}).value();
        CHECK(once.spill().empty());
        CHECK(twice.size() == once.size());
        REQUIRE(twice.spill().rows() == rows.size());
        CHECK(twice.rows().codes().size() == 2 * once.rows().codes().size());
        std::size_t moved = 0;
        for (std::size_t list = 0; list < 30; ++list) {
            CHECK(twice.partition().rows_of(list) == once.partition().rows_of(list));
            std::vector<Id> spilled;
            for (const RowId row : twice.spill().spilled_in(list)) {
                spilled.push_back(twice.ids().id(row));
                moved += twice.partition().list_of(row) == list ? 1 : 0;
            }
            CHECK(std::is_sorted(spilled.begin(), spilled.end()));
        }
        CHECK(moved == 0);
        // At both places of a row stands its code.
        VisitedSet met;
        met.reserve(rows.size());
        std::size_t wrong = 0;
        for (std::size_t list = 0; list < 30; ++list) {
            const ListPlaces places = twice.places_of(list);
            const PlacedRows placed = twice.spill().in_list(list, twice.partition(), met);
            for (std::size_t place = places.first; place < places.last; ++place) {
                const RowId row = placed.at(place);
                wrong += twice.ids().id(row) == once.ids().id(row) &&
                                 std::equal(twice.rows().code(place), twice.rows().code(place) + codec.code_size(),
                                            once.rows().code(row))
                             ? 0
                             : 1;
            }
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("spilled lists: every search, range and cursor answers each id once, and all of them when asked to",
          "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 1500, 2);
    const auto ids = scattered_ids(rows.size(), true);
    const std::set<Id> all(ids.begin(), ids.end());
    for (const char* spec : all_specs) {
        INFO(spec);
        const Index index = build(spec, MetricKind::l2, rows.view(), ids).value();
        CHECK(index.size() == rows.size());
        CHECK(index.spec() == spec);
        const auto lists = index.lists();
        REQUIRE(lists.has_value());
        CHECK(lists->rows == 2 * rows.size());
        const RowFilter few = index.prepare(Filter::predicate([](Id id) { return id % 5 == 0; })).value();
        const RowFilter fewest = index.prepare(Filter::ids(std::span(ids).first(3))).value();
        CHECK(fewest.passing == 3);
        for (std::size_t q = 0; q < 5; ++q) {
            for (const std::size_t k : {1U, 20U, 1500U, 4000U}) {
                for (const std::size_t nprobe : {1U, 7U, 1000U}) {
                    for (const float patience : {0.0F, 3.0F}) {
                        const Answer nearest =
                            ask(index, rows.row(q), {.k = k, .nprobe = nprobe, .patience = patience}).value();
                        REQUIRE(nearest.size() == std::min<std::size_t>(k, rows.size()));
                        REQUIRE(well_formed(nearest.neighbors));
                        REQUIRE(ids_of(nearest.neighbors).size() == nearest.size());
                    }
                    for (const RowFilter* filter : {&few, &fewest}) {
                        const Answer some =
                            ask(index, rows.row(q), {.k = k, .nprobe = nprobe, .filter = filter}).value();
                        CHECK(some.size() == std::min(k, filter->passing));
                        CHECK(ids_of(some.neighbors).size() == some.size());
                    }
                }
            }
            const Answer range = ask_range(index, rows.row(q), {.radius = 1e30F, .cap = 2000, .nprobe = 1000}).value();
            CHECK(range.size() == rows.size());
            CHECK_FALSE(range.outcome.truncated);
            CHECK(ids_of(range.neighbors) == all);
            const Answer cut = ask_range(index, rows.row(q), {.radius = 1e30F, .cap = 40, .nprobe = 9}).value();
            CHECK(cut.outcome.truncated);
            CHECK(ids_of(cut.neighbors).size() == 40);
            for (const RowFilter* filter : {static_cast<const RowFilter*>(nullptr), &few, &fewest}) {
                Cursor cursor = index.cursor(rows.row(q), {.ef = 20, .nprobe = 3, .filter = filter}).value();
                std::set<Id> come;
                std::size_t count = 0;
                for (int turn = 0; turn < 400 && !cursor.done(); ++turn) {
                    const Nearest batch = cursor.next(37).value();
                    count += batch.size();
                    for (const Neighbor& neighbor : batch) come.insert(neighbor.id);
                }
                CHECK(cursor.done());
                CHECK(count == come.size());
                CHECK(come.size() == (filter == nullptr ? rows.size() : filter->passing));
            }
        }
    }
}

TEST_CASE("spilled lists: all lists are exact, and as many rows are found in fewer lists", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 24, 8000, 3, 200);
    const Rows queries = clustered_rows(Element::float32, 24, 60, 4, 200);
    for (const MetricKind metric : {MetricKind::l2, MetricKind::cosine}) {
        const Index once = build("IVF100,Flat", metric, rows.view()).value();
        const Index twice = build("IVF100_SOAR,Flat", metric, rows.view()).value();
        double found[2] = {};
        std::size_t compared = 0;
        std::size_t hops = 0;
        for (std::size_t q = 0; q < queries.size(); ++q) {
            const auto truth = all_sorted(definition_of(metric), rows, {}, queries.values(q));
            const Answer every = ask(twice, queries.row(q), {.k = 10, .nprobe = 100}).value();
            CHECK(every.outcome.exact);
            CHECK(recall(every.neighbors, truth, 10, 1e-5F) == 1);
            found[0] += recall(ask(once, queries.row(q), {.k = 10, .nprobe = 4}).value().neighbors, truth, 10, 1e-5F);
            const Answer few = ask(twice, queries.row(q), {.k = 10, .nprobe = 4}).value();
            CHECK_FALSE(few.outcome.exact);
            found[1] += recall(few.neighbors, truth, 10, 1e-5F);
            hops += few.outcome.hops;
            const Answer patient = ask(twice, queries.row(q), {.k = 10, .nprobe = 100, .patience = 4}).value();
            CHECK_FALSE(patient.outcome.exact);
            compared += patient.outcome.distances;
        }
        CHECK(hops == 4 * queries.size());
        CHECK(found[1] > found[0]);
        CHECK(compared < queries.size() * rows.size());  // of twice as many
    }
}

TEST_CASE("spilled lists: few rows, equal rows, as many lists as rows", "[index]") {
    Rows rows = clustered_rows(Element::float32, dim, 60, 5);
    for (std::size_t i = 0; i < 30; ++i) rows.set(i, rows, 30 + i % 3);
    for (const char* spec : {"IVF2_SOAR,Flat", "IVF60_SOAR,Flat", "IVF20_HNSW4_SOAR,Flat", "IVF7_SOAR,RaBitQ,RFlat"}) {
        for (const MetricKind metric : {MetricKind::l2, MetricKind::cosine, MetricKind::inner_product}) {
            INFO(spec << ", " << name(metric));
            const Index index = build(spec, metric, rows.view()).value();
            for (std::size_t q = 0; q < 60; q += 7) {
                const Answer nearest = ask(index, rows.row(q), {.k = 60, .nprobe = 1}).value();
                CHECK(nearest.size() == 60);
                CHECK(ids_of(nearest.neighbors).size() == 60);
            }
        }
    }
}

TEST_CASE("spilled lists: from a file, from the disk, with a cache", "[index]") {
    const TempFolder folder;
    const Rows rows = clustered_rows(Element::float32, 64, 3000, 6);
    for (const char* spec : {"IVF40_SOAR,Flat", "IVF40_SOAR,RaBitQ4", "IVF40_SOAR,RaBitQ,RFlat"}) {
        INFO(spec);
        const Index index = build(spec, MetricKind::l2, rows.view()).value();
        const std::string path = folder.path("a.tnr");
        write_segment(path, index).value();
        for (const std::size_t cache : {std::size_t{0}, std::size_t{1} << 18, std::size_t{1} << 24}) {
            const Segment segment =
                Segment::open(path, cache == 0 ? OpenOptions{.residency = Residency::map}
                                               : OpenOptions{.residency = Residency::disk, .cache_bytes = cache})
                    .value();
            std::size_t different = 0;
            for (std::size_t q = 0; q < 100; ++q) {
                const auto expected = ask(index, rows.row(q % 20), {.k = 10, .nprobe = 3}).value().neighbors;
                const auto same = [](const Neighbor& a, const Neighbor& b) {
                    return a.id == b.id && a.distance == b.distance;
                };
                const auto found = ask(segment, rows.row(q % 20), {.k = 10, .nprobe = 3}).value().neighbors;
                different += std::ranges::equal(found, expected, same) ? 0 : 1;
            }
            CHECK(different == 0);
            if (cache == 0) continue;
            const auto stats = segment.index().cache_stats();
            REQUIRE(stats.has_value());
            CHECK((stats->refused || stats->hits > 0));
            CHECK(stats->bytes <= stats->budget);
        }
        CHECK(image_of(Segment::open(path).value().index()) == image_of(index));
    }
}

TEST_CASE("spilled lists: what does not go with them is refused, with what does", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 200, 7);
    refused("IVF1_SOAR,Flat", rows, "from 2 on also with _SOAR");
    refused("IVF8_SOAR_HNSW4,Flat", rows, "IVF<lists>_HNSW<M>");
    refused("IVF8_SOAR,HNSW4", rows, "leave out _SOAR");
    refused("IVF8_SOAR", rows, "'IVF8_SOAR,Flat'");
    refused("IVF201_SOAR,Flat", rows, "at least 201 rows");
    refused("HNSW8_SOAR", rows, "HNSW<M>");
    const auto l1 = build("IVF8_SOAR,Flat", MetricKind::l1, rows.view());
    REQUIRE_FALSE(l1.ok());
    CHECK(l1.error().code == ErrorCode::unsupported);
    CHECK(l1.error().message.find("got l1; 'IVF8,Flat' fits") != std::string::npos);
    const auto bits =
        build("IVF8_HNSW4_SOAR,Flat", MetricKind::hamming, clustered_rows(Element::bits, 64, 100, 8).view());
    REQUIRE_FALSE(bits.ok());
    CHECK(bits.error().message.find("'IVF8_HNSW4,Flat' fits") != std::string::npos);
    const auto grown = grow("IVF8_SOAR,SQ8", MetricKind::l2, rows.view());
    REQUIRE_FALSE(grown.ok());
    CHECK(grown.error().code == ErrorCode::unsupported);
    CHECK(grown.error().message.find("'IVF8,SQ8' does") != std::string::npos);
    const Index frozen = build("IVF8_SOAR,Flat", MetricKind::l2, rows.view()).value();
    CHECK(grow(frozen).error().message.find("'IVF8,Flat' does") != std::string::npos);
}

TEST_CASE("spilled lists: counts that do not agree are refused by name", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 300, 9);
    const auto image = image_of(build("IVF9_SOAR,Flat", MetricKind::l2, rows.view()).value());
    const auto with = [&](std::string_view name, std::size_t offset, std::uint32_t value) {
        auto changed = image;
        bool found = false;
        for (std::size_t i = 0; i < header_of(image).section_count; ++i) {
            const format::SectionRow row = row_of(image, i);
            if (name != row.name.data()) continue;
            std::memcpy(changed.data() + row.offset + offset, &value, 4);
            found = true;
        }
        REQUIRE(found);
        const auto index = index_of(changed);
        REQUIRE_FALSE(index.ok());
        CHECK(index.error().code == ErrorCode::corrupt);
        return index.error().message;
    };
    CHECK(with("spill/lists", 0, 8).find("spill/offsets") != std::string::npos);
    CHECK(with("spill/lists", 4, 299).find("spill/offsets") != std::string::npos);
    CHECK(with("spill/offsets", 4, 301).find("spill/offsets") != std::string::npos);
    CHECK(with("lists", 0, 8).find("offsets") != std::string::npos);
}
