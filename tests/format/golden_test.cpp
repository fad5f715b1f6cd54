// Files of every kind, as earlier versions wrote them, open for ever and answer as they did.
//
// golden/<name>.tnr is a segment, golden/<name>.txt the answers it gave: a line for each query, "id:distance ...". A new kind
// of file or a new version of a section adds a file; what is there is never written again. To add one, extend `kinds`
// and run this test once with TONARI_WRITE_GOLDEN=1: it writes what is missing.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <sstream>

#include <tonari/index/build.hpp>
#include <tonari/segment/segment.hpp>

#include "support/ask.hpp"
#include "support/catch.hpp"
#include "support/image.hpp"
#include "support/oracle.hpp"
#include "unit/io/temp_folder.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

struct Kind {
    std::string name;
    std::string spec;
    MetricKind metric;
    Element element;
    bool shared;  ///< some rows several times
    bool wide;    ///< ids of eight bytes
    std::size_t rows = 120;
};
const std::vector<Kind> kinds = {
    {"flat-float32-v1", "Flat", MetricKind::l2, Element::float32, false, false},
    {"flat-uint8-v1", "Flat", MetricKind::inner_product, Element::uint8, false, true},
    {"flat-bits-v1", "Flat", MetricKind::hamming, Element::bits, false, false},
    {"flat-float16-v1", "Flat", MetricKind::cosine, Element::float16, false, false},
    {"hnsw-float32-v1", "HNSW4", MetricKind::l2, Element::float32, false, false},
    {"hnsw-float32-shared-v1", "HNSW4", MetricKind::cosine, Element::float32, true, true},
    {"hnsw-uint8-v1", "HNSW4", MetricKind::l1, Element::uint8, true, false},
    {"hnsw-bits-v1", "HNSW4", MetricKind::hamming, Element::bits, true, false},
    {"ivf-float32-v1", "IVF9,Flat", MetricKind::l2, Element::float32, false, true},
    {"ivf-rough-v1", "IVF130,Flat", MetricKind::l2, Element::float32, false, false, 400},
    {"ivf-hnsw-uint8-v1", "IVF9_HNSW4,Flat", MetricKind::inner_product, Element::uint8, true, false},
    {"ivf-graphs-v1", "IVF9,HNSW4", MetricKind::l2, Element::float32, true, true, 300},
    {"ivf-hnsw-graphs-sq8-v1", "IVF9_HNSW4,HNSW4,SQ8", MetricKind::inner_product, Element::float32, false, false},
    {"ivf-graphs-bits-v1", "IVF9,HNSW4", MetricKind::hamming, Element::bits, true, false},
    {"ivf-soar-v1", "IVF9_SOAR,Flat", MetricKind::l2, Element::float32, true, true},
    {"ivf-hnsw-soar-rabitq-v1", "IVF9_HNSW4_SOAR,RaBitQ,RFlat", MetricKind::inner_product, Element::uint8, false,
     false},
    {"ivf-bits-v1", "IVF9,Flat", MetricKind::hamming, Element::bits, false, false},
    {"flat-sq8-v1", "SQ8", MetricKind::l2, Element::float32, false, false},
    {"hnsw-sq8-v1", "HNSW4,SQ8", MetricKind::inner_product, Element::float32, true, true},
    {"hnsw-sq8-cosine-v1", "HNSW4,SQ8", MetricKind::cosine, Element::float32, false, false},
    {"ivf-sq8-v1", "IVF9,SQ8", MetricKind::l1, Element::float32, false, false},
    {"flat-sq8-refined-v1", "SQ8,RFlat", MetricKind::l1, Element::float32, false, false},
    {"hnsw-sq8-refined-v1", "HNSW4,SQ8,RFlat", MetricKind::l2, Element::float32, true, true},
    {"ivf-sq8-refined-v1", "IVF9,SQ8,R(FP16)", MetricKind::inner_product, Element::float32, false, false},
    {"ivf-hnsw-sq8-refined-v1", "IVF9_HNSW4,SQ8,R(BF16)", MetricKind::cosine, Element::float32, false, false},
    {"hnsw-fused-v1", "HNSW16,RaBitQ,RFlat", MetricKind::l2, Element::float32, true, true},
    {"hnsw-fused-cosine-v1", "HNSW16,RaBitQ,R(FP16)", MetricKind::cosine, Element::float32, false, false},
    {"flat-pq-v1", "PQ3x4fs,RFlat", MetricKind::l2, Element::float32, false, false},
    {"ivf-rabitq-v1", "IVF9,RaBitQ,RFlat", MetricKind::l2, Element::uint8, false, true},
    {"ivf-hnsw-rabitq-v1", "IVF9_HNSW4,RaBitQ,R(SQ8)", MetricKind::inner_product, Element::float32, true, false},
    {"ivf-rabitq-cosine-v1", "IVF9,RaBitQ,R(FP16)", MetricKind::cosine, Element::float32, false, false},
    {"flat-pq8-v1", "PQ3,RFlat", MetricKind::l2, Element::float32, false, false, 300},
    {"ivf-hnsw-pq8-v1", "IVF9_HNSW4,PQ4,R(SQ8)", MetricKind::inner_product, Element::float32, true, true, 300},
    {"hnsw-pq8-v1", "HNSW4,PQ4,RFlat", MetricKind::l2, Element::float32, true, false, 300},
    {"flat-sq4-v1", "SQ4,RFlat", MetricKind::l2, Element::float32, false, false},
    {"ivf-sq4-v1", "IVF9,SQ4,R(SQ8)", MetricKind::inner_product, Element::float32, true, true},
    {"hnsw-sq4-v1", "HNSW4,SQ4,R(FP16)", MetricKind::cosine, Element::float32, true, false},
    {"flat-rabitq2-v1", "RaBitQ2,R(SQ8)", MetricKind::cosine, Element::float32, false, true},
    {"ivf-rabitq4-v1", "IVF9,RaBitQ4,RFlat", MetricKind::l2, Element::float32, true, false},
    {"ivf-hnsw-rabitq8-v1", "IVF9_HNSW4,RaBitQ8,RFlat", MetricKind::inner_product, Element::uint8, false, false},
    {"flat-rotated-cosine-v1", "RR,Flat", MetricKind::cosine, Element::float32, false, true},
    {"hnsw-pca-cosine-v1", "PCA6,HNSW4", MetricKind::cosine, Element::uint8, true, false},
    {"hnsw-pcar-sq8-v1", "PCAR6,HNSW4,SQ8,R(FP16)", MetricKind::cosine, Element::float32, true, false},
    {"flat-pca-rabitq-v1", "PCA10,RaBitQ,RFlat", MetricKind::inner_product, Element::float32, false, false},
    {"ivf-opq-pq-v1", "OPQ3_6,IVF9,PQ3x4fs,RFlat", MetricKind::l2, Element::uint8, false, false},
};
constexpr Dim dim = 12;

Rows queries_for(Element element) { return integer_rows(element, dim, 8, 7, 9); }

/// The folder beside this file. The compiler may name this file relative to the folder it ran in.
std::filesystem::path golden_folder() {
    const std::filesystem::path here(__FILE__);
    for (auto from = std::filesystem::current_path();; from = from.parent_path()) {
        auto folder = (from / here).parent_path() / "golden";
        if (std::filesystem::is_directory(folder)) return folder;
        if (std::filesystem::is_directory(from / "tests/format/golden")) return from / "tests/format/golden";
        if (from == from.parent_path()) return {};
    }
}

void write_missing(const Kind& kind, const std::filesystem::path& folder) {
    const auto path = folder / (kind.name + ".tnr");
    if (std::filesystem::exists(path)) return;
    Rows rows = integer_rows(kind.element, dim, kind.rows, 5, 9);
    for (std::size_t i = 0; kind.shared && i < 30; ++i) rows.set(i, rows, 40 + i % 3);
    const Index index = build(kind.spec, kind.metric, rows.view(), scattered_ids(kind.rows, kind.wide)).value();
    write_segment(path, index).value();
    std::filesystem::remove(path.string() + ".lock");
    std::ofstream text(folder / (kind.name + ".txt"));
    const Rows queries = queries_for(kind.element);
    for (std::size_t q = 0; q < queries.size(); ++q) {
        const Answer nearest = ask(index, queries.row(q), {.k = 10, .ef = kind.rows}).value();
        for (std::size_t i = 0; i < nearest.size(); ++i) {
            text << (i > 0 ? " " : "") << nearest[i].id << ':' << std::setprecision(9) << nearest[i].distance;
        }
        text << '\n';
    }
}

std::vector<std::vector<Neighbor>> answers_in(const std::filesystem::path& path) {
    std::ifstream text(path);
    std::vector<std::vector<Neighbor>> all;
    for (std::string row; std::getline(text, row);) {
        std::istringstream words(row);
        all.emplace_back();
        Neighbor neighbor;
        for (char colon = 0; words >> neighbor.id >> colon >> neighbor.distance;) all.back().push_back(neighbor);
    }
    return all;
}

}  // namespace

TEST_CASE("golden: files of earlier versions open and answer as they did", "[format]") {
    const auto folder = golden_folder();
    REQUIRE_FALSE(folder.empty());
    for (const Kind& kind : kinds) {
        INFO(kind.name);
        if (std::getenv("TONARI_WRITE_GOLDEN") != nullptr) write_missing(kind, folder);
        // A copy, so that nothing is ever written beside the golden file.
        const TempFolder work;
        const std::string path = work.path("copy.tnr");
        REQUIRE(std::filesystem::exists(folder / (kind.name + ".tnr")));
        std::filesystem::copy_file(folder / (kind.name + ".tnr"), path);
        REQUIRE(verify_segment(path).ok());
        const auto expected = answers_in(folder / (kind.name + ".txt"));
        const Rows queries = queries_for(kind.element);
        REQUIRE(expected.size() == queries.size());
        for (const Residency residency : {Residency::map, Residency::load, Residency::disk}) {
            const Segment segment = Segment::open(path, residency).value();
            CHECK(segment.index().size() == kind.rows);
            CHECK(segment.index().spec() == (kind.element == Element::float16 ? "FP16" : kind.spec));
            CHECK(segment.index().metric() == kind.metric);
            for (std::size_t q = 0; q < queries.size(); ++q) {
                const Answer nearest = ask(segment, queries.row(q), {.k = 10, .ef = kind.rows}).value();
                REQUIRE(nearest.size() == expected[q].size());
                REQUIRE(nearest.size() == 10);
                std::size_t wrong = 0;
                for (std::size_t i = 0; i < 10; ++i) {
                    // Sums of whole numbers are exact at every level; cosines differ in their last bits.
                    const bool cosine = kind.metric == MetricKind::cosine;
                    if (std::abs(nearest[i].distance - expected[q][i].distance) > (cosine ? 2e-6F : 0)) ++wrong;
                    if (!cosine && nearest[i].id != expected[q][i].id) ++wrong;
                }
                CHECK(wrong == 0);
            }
            CHECK(image_of(segment.index()) == read_bytes(path));  // and saves as the same bytes
        }
    }
}

TEST_CASE("golden: every file in the folder is asked", "[format]") {
    const auto folder = golden_folder();
    REQUIRE_FALSE(folder.empty());
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".tnr") continue;
        ++files;
        INFO(entry.path().filename());
        CHECK(std::any_of(kinds.begin(), kinds.end(),
                          [&](const Kind& kind) { return kind.name == entry.path().stem(); }));
    }
    CHECK(files == kinds.size());
}
