// Files that are cut, flipped or lying, from opening through searching: an error or an answer, never a crash. Under
// AddressSanitizer a read beyond a section is a failure. The fuzzer (fuzz/fuzz_segment.cpp) goes on where this ends.
#include <cstring>

#include <tonari/index/build.hpp>
#include <tonari/segment/segment.hpp>

#include "support/ask.hpp"
#include "support/catch.hpp"
#include "support/image.hpp"
#include "support/rows.hpp"
#include "unit/io/temp_folder.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr std::size_t n = 260;
constexpr Dim dim = 12;

Index sample(const char* spec, bool shared) {
    Rows rows = clustered_rows(Element::float32, dim, n, 1);
    for (std::size_t i = 0; shared && i < 50; ++i) rows.set(i, rows, i % 5);
    return build(spec, MetricKind::l2, rows.view(), scattered_ids(n, true), {.ef_construction = 40}).value();
}

/// Opens and searches. False if it was refused.
bool survive(std::span<const std::byte> image) {
    const auto index = index_of(image);
    if (!index) return false;
    const Rows queries = clustered_rows(Element::float32, std::min<Dim>(index->dim(), 1000), 6, 2);
    Searcher search = index->searcher();
    for (std::size_t q = 0; q < 2; ++q) {
        (void)search(queries.row(q), {.k = 10, .ef = 30}).ok();
        (void)search(queries.row(q), {.k = 1000}).ok();
        (void)search.range(queries.row(q), {.radius = 1e30F, .cap = 50}).ok();
    }
    (void)index->search(queries.view()).ok();
    const auto filter = index->prepare(Filter::predicate([](Id id) { return id % 3 == 0; }));
    if (filter) (void)search(queries.row(0), {.k = 5, .ef = 5, .nprobe = 2, .filter = &*filter}).ok();
    auto cursor = index->cursor(queries.row(0), {.ef = 5, .nprobe = 2});
    for (int batches = 0; cursor && !cursor->done() && batches < 50; ++batches) (void)cursor->next(20).ok();
    return true;
}

struct Section {
    std::string name;
    std::size_t offset;
    std::size_t size;
};
std::vector<Section> sections_of(const std::vector<std::byte>& image) {
    std::vector<Section> all;
    for (std::size_t i = 0; i < header_of(image).section_count; ++i) {
        const format::SectionRow row = row_of(image, i);
        all.push_back({row.name.data(), static_cast<std::size_t>(row.offset), static_cast<std::size_t>(row.size)});
    }
    return all;
}

}  // namespace

TEST_CASE("segment: a file cut anywhere is refused", "[segment]") {
    const TempFolder folder;
    for (const char* spec : {"Flat", "HNSW4", "IVF9,Flat", "IVF130,Flat", "IVF9_HNSW4,Flat", "IVF9,HNSW4", "HNSW4,SQ8",
                             "HNSW4,SQ8,RFlat", "HNSW16,RaBitQ,RFlat", "IVF9,RaBitQ,RFlat", "IVF9_SOAR,Flat",
                             "IVF9,PQ3,RFlat", "IVF9,RaBitQ4", "PCA6,HNSW4"}) {
        const auto image = image_of(sample(spec, true));
        std::size_t opened = 0;
        for (std::size_t size = 0; size < image.size(); size += size < 5000 ? 61 : 997) {
            opened += index_of(std::span(image).first(size)).ok() ? 1 : 0;
        }
        CHECK(opened == 0);
        const std::string path = folder.path("cut.tnr");
        write_bytes(path, std::span(image).first(image.size() - 1));
        for (const Residency residency : {Residency::map, Residency::load, Residency::disk}) {
            const auto segment = Segment::open(path, residency);
            REQUIRE_FALSE(segment.ok());
            CHECK(segment.error().code == ErrorCode::corrupt);
            CHECK(segment.error().message.find(std::to_string(image.size())) != std::string::npos);
        }
    }
}

TEST_CASE("segment: verify finds every flipped bit", "[segment]") {
    const TempFolder folder;
    const auto image = image_of(sample("HNSW4", true));
    const std::string path = folder.path("flipped.tnr");
    write_bytes(path, image);
    std::size_t last = 0;
    CHECK(verify_segment(path, [&](std::size_t done, std::size_t total) {
              CHECK(done >= last);
              CHECK(done <= total);
              last = done;
          }).ok());
    CHECK(last > 0);
    std::size_t missed = 0;
    for (std::size_t at = 0; at < image.size(); at += 509) {
        auto changed = image;
        changed[at] ^= std::byte{1} << (at % 8);
        write_bytes(path, changed);
        missed += verify_segment(path).ok() ? 1 : 0;
    }
    CHECK(missed == 0);
}

TEST_CASE("segment: any byte of any section changed is refused or survived", "[segment]") {
    for (const auto& [spec, shared] : {std::pair{"Flat", false},
                                       {"HNSW4", false},
                                       {"HNSW4", true},
                                       {"IVF9,Flat", false},
                                       {"IVF130,Flat", false},
                                       {"IVF9_HNSW4,Flat", true},
                                       {"IVF9,HNSW4", true},
                                       {"IVF9,HNSW4", false},
                                       {"IVF9_HNSW4,HNSW4,SQ8", true},
                                       {"SQ8", false},
                                       {"HNSW4,SQ8", true},
                                       {"IVF9,SQ8", false},
                                       {"IVF9_SOAR,Flat", true},
                                       {"IVF9_HNSW4_SOAR,RaBitQ4", false},
                                       {"IVF9_SOAR,RaBitQ,RFlat", false},
                                       {"HNSW4,SQ8,RFlat", true},
                                       {"HNSW16,RaBitQ,RFlat", true},
                                       {"IVF9,SQ8,R(FP16)", false},
                                       {"RaBitQ", false},
                                       {"RaBitQ3", false},
                                       {"IVF9,RaBitQ8,RFlat", false},
                                       {"PQ3x4fs,R(FP16)", true},
                                       {"IVF9_HNSW4,RaBitQ,RFlat", true},
                                       {"PQ3", true},
                                       {"HNSW4,PQ4", true},
                                       {"IVF9,PQ4,RFlat", false},
                                       {"PCA6,Flat", false},
                                       {"OPQ3,IVF9,PQ3x4fs,RFlat", false}}) {
        const auto image = image_of(sample(spec, shared));
        for (const Section& section : sections_of(image)) {
            INFO(spec << ", section " << section.name << " of " << section.size << " bytes");
            CHECK(section.size > 0);
            const std::size_t step = section.size <= 256 ? 1 : section.size / 150 | 1;
            std::size_t survived = 0;
            for (std::size_t at = 0; at < section.size; at += step) {
                for (const unsigned value : {0x00U, 0x7fU, 0x80U, 0xffU}) {
                    auto changed = image;
                    changed[section.offset + at] = static_cast<std::byte>(value);
                    survived += survive(changed) ? 1 : 0;
                }
            }
            if (section.name == "codes" || section.name == "ids") CHECK(survived > 0);  // any value is a value
        }
    }
}

TEST_CASE("segment: sections full of lies are survived", "[segment]") {
    for (const auto& [spec, shared] : {std::pair{"HNSW4", false},
                                       {"HNSW4", true},
                                       {"IVF9,Flat", false},
                                       {"IVF130,Flat", false},
                                       {"IVF9_HNSW4,Flat", false},
                                       {"IVF9,HNSW4", true},
                                       {"IVF9_HNSW4,HNSW4,SQ8", false},
                                       {"HNSW4,SQ8", false},
                                       {"HNSW4,SQ8,RFlat", true},
                                       {"IVF9,RaBitQ,R(SQ8)", false},
                                       {"IVF9_SOAR,Flat", false},
                                       {"IVF9_SOAR,PQ3,RFlat", false},
                                       {"PQ3x4fs,RFlat", false},
                                       {"IVF9,PQ3", false},
                                       {"IVF9,RaBitQ4", false},
                                       {"IVF9,SQ4", true},
                                       {"HNSW4,SQ4,RFlat", false},
                                       {"PCA6,HNSW4", false},
                                       {"OPQ3_6,IVF9,RaBitQ,RFlat", false}}) {
        const auto image = image_of(sample(spec, shared));
        for (const Section& section : sections_of(image)) {
            if (section.name == "index" || section.name.ends_with("codec") || section.name.ends_with("sq8") ||
                section.name.ends_with("fast_scan") || section.name == "pq" || section.name == "rabitq" ||
                section.name == "sq4" || section.name == "transform" || section.name == "transform/map") {
                continue;
            }
            INFO("section " << section.name);
            for (const std::uint32_t value : {0U, 1U, 77U, static_cast<std::uint32_t>(n - 1),
                                              static_cast<std::uint32_t>(n), 0x7fffffffU, 0xfffffffeU, 0xffffffffU}) {
                auto changed = image;
                for (std::size_t at = 0; at + 4 <= section.size; at += 4)
                    std::memcpy(changed.data() + section.offset + at, &value, 4);
                const bool survived = survive(changed);
                // Links and rows that stand twice are checked where they are followed.
                if (section.name.starts_with("links") || section.name == "spill/rows") CHECK(survived);
            }
            // Noise.
            for (std::uint64_t seed = 0; seed < 20; ++seed) {
                auto changed = image;
                Random random(seed);
                for (std::size_t at = 0; at < section.size; ++at)
                    changed[section.offset + at] = static_cast<std::byte>(random());
                (void)survive(changed);
            }
        }
    }
}

TEST_CASE("segment: links that lie lead to fewer answers at worst, all of them rows", "[segment]") {
    for (const char* spec : {"HNSW4", "IVF3,HNSW4"}) {
        INFO(spec);
        const auto image = image_of(sample(spec, false));
        for (const Section& section : sections_of(image)) {
            if (!section.name.starts_with("links")) continue;
            auto changed = image;
            Random random(3);
            for (std::size_t at = 0; at + 4 <= section.size; at += 4) {
                const auto link = static_cast<std::uint32_t>(random() % (2 * n));
                std::memcpy(changed.data() + section.offset + at, &link, 4);
            }
            const Index index = index_of(changed).value();
            const Rows queries = clustered_rows(Element::float32, dim, 20, 4);
            const auto ids = scattered_ids(n, true);
            for (std::size_t q = 0; q < queries.size(); ++q) {
                const auto nearest = ask(index, queries.row(q), {.k = 10}).value();
                std::vector<Id> seen;
                for (const Neighbor& neighbor : nearest) {
                    CHECK(std::find(ids.begin(), ids.end(), neighbor.id) != ids.end());
                    CHECK(std::find(seen.begin(), seen.end(), neighbor.id) == seen.end());
                    seen.push_back(neighbor.id);
                }
            }
        }
    }
}

TEST_CASE("segment: second places that lie never answer an id twice, nor another's", "[segment]") {
    const auto ids = scattered_ids(n, true);
    for (const char* spec : {"IVF9_SOAR,Flat", "IVF9_SOAR,RaBitQ,RFlat", "IVF9_SOAR,RaBitQ4"}) {
        INFO(spec);
        auto image = image_of(sample(spec, false));
        for (const Section& section : sections_of(image)) {
            if (section.name != "spill/rows") continue;
            Random random(5);
            for (std::size_t at = 0; at + 4 <= section.size; at += 4) {
                const auto row = static_cast<std::uint32_t>(random() % (2 * n));
                std::memcpy(image.data() + section.offset + at, &row, 4);
            }
        }
        const Index index = index_of(image).value();
        const RowFilter most = index.prepare(Filter::predicate([](Id id) { return id % 7 != 0; })).value();
        const Rows queries = clustered_rows(Element::float32, dim, 20, 4);
        for (std::size_t q = 0; q < queries.size(); ++q) {
            for (const RowFilter* filter : {static_cast<const RowFilter*>(nullptr), &most}) {
                const auto nearest = ask(index, queries.row(q), {.k = 200, .nprobe = 4, .filter = filter}).value();
                std::vector<Id> seen;
                for (const Neighbor& neighbor : nearest) seen.push_back(neighbor.id);
                std::sort(seen.begin(), seen.end());
                CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
                CHECK(std::all_of(seen.begin(), seen.end(), [&](Id id) {
                    return std::find(ids.begin(), ids.end(), id) != ids.end() && (filter == nullptr || id % 7 != 0);
                }));
                CHECK(nearest.size() == 200);
            }
        }
    }
}

TEST_CASE("segment: rows of Flat that share ids are refused", "[segment]") {
    auto image = image_of(sample("HNSW4", true));  // equal rows are stored once
    for (const Section& section : sections_of(image)) {
        if (section.name == "index") image[section.offset] = static_cast<std::byte>(IndexKind::flat);
    }
    const auto index = index_of(image);
    REQUIRE_FALSE(index.ok());
    CHECK(index.error().code == ErrorCode::corrupt);
    CHECK(index.error().message.find(
              "expected one id for each row of Flat, got offsets that share 260 ids among 215") != std::string::npos);
}

TEST_CASE("segment: counts that do not agree are refused by name", "[segment]") {
    const auto image = image_of(sample("HNSW4", false));
    const auto with = [&](std::string_view name, std::size_t offset, std::uint64_t value, std::size_t width) {
        auto changed = image;
        for (const Section& section : sections_of(image)) {
            if (section.name == name) std::memcpy(changed.data() + section.offset + offset, &value, width);
        }
        const auto index = index_of(changed);
        REQUIRE_FALSE(index.ok());
        return index.error();
    };
    CHECK(with("index", 0, 9, 1).code == ErrorCode::unsupported);
    CHECK(with("index", 0, 9, 1).message.find("kind 9") != std::string::npos);
    CHECK(with("codec", 0, dim + 1, 4).message.find("codes") != std::string::npos);
    CHECK(with("codec", 4, 5, 1).message.find("codes") != std::string::npos);  // uint8
    CHECK(with("id_map", 0, n - 1, 8).code == ErrorCode::corrupt);
    CHECK(with("id_map", 16, 4, 1).message.find("ids") != std::string::npos);
    CHECK(with("layers", 4, 9, 4).message.find("links/0") != std::string::npos);
    CHECK(with("counts", 0, n - 1, 8).code == ErrorCode::corrupt);
}

TEST_CASE("segment: cells that do not agree are refused by name", "[segment]") {
    const auto image = image_of(sample("IVF9,HNSW4", false));
    const auto refused = [&](std::string_view name, std::size_t offset, std::uint64_t value, std::size_t width,
                             std::string_view word) {
        auto changed = image;
        bool found = false;
        for (const Section& section : sections_of(image)) {
            if (section.name != name) continue;
            if (offset == ~std::size_t{0}) offset = section.size - width;
            std::memcpy(changed.data() + section.offset + offset, &value, width);
            found = true;
        }
        const auto index = index_of(changed);
        REQUIRE((found && !index.ok()));
        INFO(index.error().message);
        return index.error().code == ErrorCode::corrupt && index.error().message.find(word) != std::string::npos;
    };
    CHECK(refused("cells", 0, 0, 4, "1 to 40 layers"));
    CHECK(refused("cells", 0, 41, 4, "1 to 40 layers"));
    CHECK(refused("cells", 4, 9, 4, "twice as many"));
    CHECK(refused("cells", 4, 0x20000000800000, 8, "twice as many"));
    CHECK(refused("cells", 4, 0x400000010, 8, "twice as many"));
    CHECK(refused("cells", 4, 0x800000010, 8, "links/0"));
    CHECK(refused("cells/lists", 0, 8, 4, "offsets"));
    CHECK(refused("cells/lists", 4, n - 1, 4, "offsets"));
    CHECK(refused("upper/1/lists", 0, 8, 4, "offsets"));
    CHECK(refused("upper/1/offsets", 4, 0x7fffffff, 4, "offsets"));
    CHECK(refused("upper/1/offsets", 4, 0x10000, 4, "offsets"));
    // Cells of the right number whose first has more vertices above than below.
    auto changed = image;
    std::size_t above = 0;
    for (const Section& section : sections_of(image)) {
        if (section.name == "upper/1/lists") std::memcpy(&above, image.data() + section.offset + 4, 4);
    }
    REQUIRE(above > 8);
    CHECK(refused("upper/1/offsets", 4, above << 32U | above, 8, "expected"));
}

TEST_CASE("segment: lies about rounded rows are refused by name", "[segment]") {
    const auto image = image_of(sample("HNSW4,SQ8", false));
    const auto refused = [&](std::string_view name, std::size_t offset, std::uint64_t value, std::size_t width,
                             ErrorCode code, std::string_view word) {
        auto changed = image;
        for (const Section& section : sections_of(image)) {
            if (section.name == name) std::memcpy(changed.data() + section.offset + offset, &value, width);
        }
        const auto index = index_of(changed);
        return !index.ok() && index.error().code == code && index.error().message.find(word) != std::string::npos;
    };
    constexpr std::uint32_t infinity = 0x7f800000;
    constexpr std::uint32_t not_a_number = 0x7fc00000;
    CHECK(refused("sq8", 0, dim + 1, 4, ErrorCode::corrupt, "sq8/middle"));
    CHECK(refused("sq8", 4, 5, 1, ErrorCode::unsupported, "metric"));
    CHECK(refused("sq8", 4, 3, 1, ErrorCode::corrupt, "scale of 1"));  // cosine
    CHECK(refused("sq8", 8, 0, 4, ErrorCode::corrupt, "scale"));
    CHECK(refused("sq8", 8, infinity, 4, ErrorCode::corrupt, "scale"));
    CHECK(refused("sq8/middle", 8, infinity, 4, ErrorCode::corrupt, "finite"));
    CHECK(refused("sq8/middle", 8, not_a_number, 4, ErrorCode::corrupt, "finite"));
    // A file that holds neither codec says which section it misses.
    auto nameless = image;
    const std::string name = "sq8";
    for (std::size_t i = 0; i < header_of(image).section_count; ++i) {
        format::SectionRow row = row_of(image, i);
        if (row.name.data() != name) continue;
        row.name[0] = 'z';
        set_row(nameless, i, row);
    }
    const auto index = index_of(nameless);
    REQUIRE_FALSE(index.ok());
    CHECK(index.error().message.find("'codec'") != std::string::npos);
}

TEST_CASE("segment: lies about transforms are refused by name", "[segment]") {
    constexpr std::uint32_t infinity = 0x7f800000;
    constexpr std::uint32_t not_a_number = 0x7fc00000;
    constexpr std::uint32_t huge = 0x7f000000;
    for (const char* spec : {"PCA6,Flat", "OPQ3_6,IVF9,RaBitQ,RFlat"}) {
        INFO(spec);
        const auto image = image_of(sample(spec, false));
        const auto refused = [&](std::string_view name, std::size_t offset, std::uint64_t value, std::size_t width,
                                 ErrorCode code, std::string_view word) {
            auto changed = image;
            bool found = false;
            for (const Section& section : sections_of(image)) {
                if (section.name != name) continue;
                std::memcpy(changed.data() + section.offset + offset, &value, width);
                found = true;
            }
            const auto index = index_of(changed);
            REQUIRE((found && !index.ok()));
            INFO(index.error().message);
            return index.error().code == code && index.error().message.find(word) != std::string::npos;
        };
        // An index that forgets its transform would compare mapped rows with rows.
        CHECK(
            refused("index", 0, std::string_view(spec).starts_with("PCA") ? 1 : 4, 1, ErrorCode::corrupt, "transform"));
        CHECK(refused("transform", 0, 9, 1, ErrorCode::unsupported, "kind"));
        if (std::string_view(spec).starts_with("OPQ"))
            CHECK(refused("transform", 0, 1, 1, ErrorCode::corrupt, "parts"));
        CHECK(refused("transform", 1, 4, 1, ErrorCode::corrupt, "metric"));
        CHECK(refused("transform", 1, 2, 1, ErrorCode::corrupt, "middle"));
        CHECK(refused("transform", 2, 6, 1, ErrorCode::corrupt, "element"));
        CHECK(refused("transform", 4, 5, 4, ErrorCode::corrupt, "parts"));
        CHECK(refused("transform", 8, not_a_number, 4, ErrorCode::corrupt, "finite"));
        CHECK(refused("transform", 12, infinity, 4, ErrorCode::corrupt, "finite"));
        CHECK(refused("transform/map", 0, dim + 1, 4, ErrorCode::corrupt, "matrix"));
        CHECK(refused("transform/map", 0, 1U << 20, 4, ErrorCode::corrupt, "8192"));
        CHECK(refused("transform/map", 4, 7, 4, ErrorCode::corrupt, "matrix"));
        CHECK(refused("transform/map", 4, dim + 1, 4, ErrorCode::corrupt, "at most as many"));
        CHECK(refused("transform/map", 8, 2, 1, ErrorCode::corrupt, "map"));
        CHECK(refused("transform/matrix", 20, infinity, 4, ErrorCode::corrupt, "length 1"));
        CHECK(refused("transform/matrix", 20, not_a_number, 4, ErrorCode::corrupt, "length 1"));
        CHECK(refused("transform/matrix", 20, 0x40000000, 4, ErrorCode::corrupt, "length 1"));  // 2
        CHECK(refused("transform/middle", 0, not_a_number, 4, ErrorCode::corrupt, "middle"));
        CHECK(refused("transform/middle", 0, huge, 4, ErrorCode::corrupt, "middle"));
    }
}
