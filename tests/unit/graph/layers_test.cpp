// The sections of a graph: through a file and back, and what a file may not say.
#include <tonari/graph/layers.hpp>

#include <vector>

#include "support/catch.hpp"
#include "unit/io/sample_file.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

struct Parts {
    std::uint32_t height = 2;
    std::uint32_t degree0 = 4;
    std::uint32_t degree = 2;
    std::vector<std::uint64_t> counts = {5, 2};
    std::vector<std::size_t> links = {20, 4};  // how many each table holds
};

Result<Layers> opened(const Parts& parts) {
    SimulatedDisk disk;
    FileWriter writer = FileWriter::create("graph.tnr", {}, disk).value();
    SectionWriter& sections = writer.sections();
    sections
        .add_array<std::uint32_t>("layers", 1, std::vector<std::uint32_t>{parts.height, parts.degree0, parts.degree, 0})
        .value();
    sections.add_array<std::uint64_t>("counts", 1, parts.counts).value();
    for (std::size_t l = 0; l < parts.links.size(); ++l) {
        sections.add_array<RowId>("links/" + std::to_string(l), 1, std::vector<RowId>(parts.links[l], RowId{1}))
            .value();
    }
    writer.finish().value();
    return Layers::open(open_image(disk.content("graph.tnr")).value().sections());
}

void refused(const Parts& parts, const std::string& word) {
    const auto layers = opened(parts);
    REQUIRE_FALSE(layers.ok());
    INFO(layers.error().message);
    CHECK(layers.error().code == ErrorCode::corrupt);
    CHECK(layers.error().message.find(word) != std::string::npos);
}

}  // namespace

TEST_CASE("layers: through a file and back", "[graph]") {
    std::vector<RowId> zero(20, no_row);
    std::vector<RowId> one = {1, no_row, 0, no_row};
    zero[3] = 4;
    const Layers layers({LinkTable(Bytes({}, std::as_bytes(std::span(zero))), 4),
                         LinkTable(Bytes({}, std::as_bytes(std::span(one))), 2)},
                        {5, 2});
    SimulatedDisk disk;
    FileWriter writer = FileWriter::create("graph.tnr", {}, disk).value();
    REQUIRE(layers.save(writer.sections()).ok());
    REQUIRE(writer.finish().ok());
    const Layers same = Layers::open(open_image(disk.content("graph.tnr")).value().sections()).value();
    CHECK(same.height() == 2);
    CHECK(same.vertices() == 5);
    CHECK(same.count(1) == 2);
    CHECK(same.links(0).degree() == 4);
    CHECK(same.links(1).degree() == 2);
    CHECK(std::equal(zero.begin(), zero.end(), same.links(0).at(0)));
    CHECK(std::equal(one.begin(), one.end(), same.links(1).at(0)));
    CHECK(same.bytes() == 24 * sizeof(RowId));
}

TEST_CASE("layers: what a file may not say", "[graph]") {
    CHECK(opened({}).ok());
    refused({.height = 0}, "layers");
    refused({.height = 41}, "41");
    refused({.height = ~0U}, "layers");
    refused({.height = 3}, "counts");
    refused({.degree0 = 0}, "links");
    refused({.degree0 = 513}, "513");
    refused({.degree = 0}, "links");
    refused({.degree = ~0U}, "links");
    refused({.counts = {5, 6}, .links = {20, 12}}, "counts");  // more above than below
    refused({.counts = {5, 0}, .links = {20, 0}}, "counts");
    refused({.counts = {0, 0}, .links = {0, 0}}, "counts");
    refused({.counts = {~0ULL, 2}}, "counts");
    refused({.counts = {1ULL << 62, 2}}, "counts");
    refused({.counts = {6, 2}}, "links/0");
    refused({.links = {19, 4}}, "links/0");
    refused({.links = {20, 5}}, "links/1");
    refused({.links = {20}}, "links/1");
}
