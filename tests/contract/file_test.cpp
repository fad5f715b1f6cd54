// The contract of files, for every model: what is saved and opened, mapped or loaded, answers bit for bit as before,
// and saves again as the same bytes.
#include <tonari/segment/segment.hpp>

#include "contract/models.hpp"
#include "unit/io/temp_folder.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {
constexpr Dim dim = 20;

struct Other : Chebyshev {
    static constexpr std::string_view name = "other";
};

Result<Index> open_with(const Model& model, const std::string& path, const OpenOptions& how) {
    auto file = FileReader::open(path, how.residency);
    if (!file) return std::move(file).error();
    return model.open(file->sections(how.cache_bytes));
}

/// Inverted lists from disk also with a cache that holds a few of them.
std::vector<OpenOptions> ways_to_open(const Index& index) {
    std::vector<OpenOptions> ways{{Residency::map, 0}, {Residency::load, 0}, {Residency::disk, 0}};
    const bool lists = index.spec().find("IVF") != std::string::npos;
    const bool scanned = index.model().kind() != IndexKind::ivf_hnsw && index.spec().find(",HNSW") == std::string::npos;
    if (lists && scanned) ways.push_back({Residency::disk, 3 * KeptPages::page_bytes()});
    return ways;
}
}  // namespace

TEST_CASE("file: opened indexes answer as the one that was saved", "[contract]") {
    const TempFolder folder;
    for (const Model& model : all_models()) {
        for (const int ids_kind : {0, 1, 2}) {  // 0, 1, 2 ...; four bytes; eight bytes
            INFO(model.name << ", ids " << ids_kind);
            Rows rows = clustered_rows(model.element, dim, 500, 80);
            for (std::size_t i = 0; i < 40; ++i) rows.set(100 + i, rows, i % 3);  // some rows twice and more
            const Rows queries = clustered_rows(model.element, dim, 25, 81);
            const std::vector<Id> ids = ids_kind == 0 ? std::vector<Id>{} : scattered_ids(rows.size(), ids_kind == 2);
            const Index index = model.built(rows, ids, quick_build());
            const std::string path = folder.path("index.tnr");
            REQUIRE(write_segment(path, index).ok());
            CHECK(verify_segment(path).ok());
            const auto image = read_bytes(path);
            CHECK(image == image_of(index));

            const Answers before = index.search(queries.view(), {.k = 20}).value();
            const RangeOptions range{.radius = before.distances[5], .cap = 30};
            const RangeAnswers before_range = index.range_search(queries.view(), range).value();
            const RowFilter filter = index.prepare(Filter::predicate([](Id id) { return id % 3 != 0; })).value();
            const Answers before_filter = index.search(queries.view(), {.filter = &filter}).value();
            for (const OpenOptions& how : ways_to_open(index)) {
                const Index opened = open_with(model, path, how).value();
                CHECK(opened.size() == index.size());
                CHECK(opened.dim() == index.dim());
                CHECK(opened.spec() == index.spec());
                CHECK(opened.metric() == index.metric());
                CHECK(opened.element() == index.element());
                CHECK((opened.bytes() == index.bytes() || model.grows));  // what is written is the frozen graph
                const Answers after = opened.search(queries.view(), {.k = 20}).value();
                CHECK(after.ids == before.ids);
                CHECK(after.distances == before.distances);
                if (how.cache_bytes > 0) {
                    CHECK(opened.search(queries.view(), {.k = 20})->ids ==
                          before.ids);  // a batch may ask for a list once
                    const HotCacheStats stats = opened.cache_stats().value();
                    CHECK(stats.hits > 0);
                    CHECK(stats.misses > 0);
                    CHECK(stats.bytes <= how.cache_bytes);
                } else {
                    CHECK_FALSE(opened.cache_stats().has_value());
                }
                const RangeAnswers after_range = opened.range_search(queries.view(), range).value();
                CHECK(after_range.ids == before_range.ids);
                CHECK(after_range.distances == before_range.distances);
                CHECK(after_range.offsets == before_range.offsets);
                const RowFilter again = opened.prepare(Filter::predicate([](Id id) { return id % 3 != 0; })).value();
                const Answers after_filter = opened.search(queries.view(), {.filter = &again}).value();
                CHECK(after_filter.ids == before_filter.ids);
                CHECK(image_of(opened) == image);
            }
        }
    }
}

TEST_CASE("file: a user's metric is asked for by its name", "[contract]") {
    const TempFolder folder;
    const std::string path = folder.path("chebyshev.tnr");
    const Rows rows = clustered_rows(Element::float32, dim, 100, 82);
    for (const char* spec : {"Flat", "HNSW8"}) {
        const Index index = build(spec, Chebyshev{}, rows.view()).value();
        REQUIRE(write_segment(path, index).ok());
        const Segment same = Segment::open(path, Chebyshev{}).value();
        CHECK(same.index().metric() == MetricKind::user);
        CHECK(identical(ask(same, rows.row(3)).value().neighbors, ask(index, rows.row(3)).value().neighbors));

        const auto other = Flat<Other>::open(FileReader::open(path).value().sections(), Other{});
        REQUIRE_FALSE(other.ok());
        CHECK(other.error().message.find("chebyshev") != std::string::npos);
        CHECK(other.error().message.find("other") != std::string::npos);
        const auto built_in = Segment::open(path);
        REQUIRE_FALSE(built_in.ok());
        CHECK(built_in.error().code == ErrorCode::unsupported);
        CHECK(built_in.error().message.find("chebyshev") != std::string::npos);
    }
    const Index plain = build("Flat", L2{}, rows.view()).value();
    REQUIRE(write_segment(path, plain).ok());
    const auto as_user = Segment::open(path, Chebyshev{});
    REQUIRE_FALSE(as_user.ok());
    CHECK(as_user.error().message.find("l2") != std::string::npos);
}

TEST_CASE("file: an opened index outlives its file's handle and its Segment", "[contract]") {
    const TempFolder folder;
    const std::string path = folder.path("index.tnr");
    const Rows rows = clustered_rows(Element::float32, dim, 200, 83);
    REQUIRE(write_segment(path, build("HNSW8", MetricKind::l2, rows.view()).value()).ok());
    for (const Residency residency : {Residency::map, Residency::load, Residency::disk}) {
        Searcher search = [&] { return Segment::open(path, residency).value().searcher(); }();
        CHECK(search(rows.row(5), {.k = 1}).value()[0].id == 5);
    }
}
