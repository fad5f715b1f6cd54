// People mix up files; the message names the one that they have in hand.
#include <array>
#include <cstring>
#include <string>

#include <tonari/io/file_reader.hpp>

#include "support/catch.hpp"
#include "unit/io/temp_folder.hpp"

namespace {

std::string describe(std::string_view start) { return tonari::describe_content(std::as_bytes(std::span(start))); }

}  // namespace

TEST_CASE("other people's files are named") {
    using Catch::Matchers::Contains;
    using namespace std::string_literals;
    CHECK_THAT(describe("version https://git-lfs.github.com/spec/v1\noid sha256:1"), Contains("git lfs pull"));
    CHECK_THAT(describe("\x93NUMPY\x01"), Contains("NumPy"));
    CHECK_THAT(describe("\x89HDF\r\n\x1a\n"), Contains("HDF5"));
    CHECK_THAT(describe("PK\x03\x04"), Contains("zip"));
    CHECK_THAT(describe("IxF2\x80\0\0\0"s), Contains("faiss index (IxF2)"));
    CHECK_THAT(describe("IHNf"), Contains("faiss index (IHNf)"));
    CHECK_THAT(describe("<!DOCTYPE html>"), Contains("web page"));
    CHECK_THAT(describe("hello, world"), Contains("\"hello, world\""));
    CHECK_THAT(describe("\x10\x27\0\0\x80\0\0\0"s), Contains("as fbin: 10000 rows of 128 dimensions"));
    CHECK_THAT(describe("\xff\xfe\xfd"), Contains("ff fe fd"));
    CHECK(describe("") == "empty");
    CHECK(describe("x").find("78") == std::string::npos);
}

TEST_CASE("an hnswlib index is known by sizes that fit each other") {
    std::array<std::uint64_t, 12> head = {};
    head[1] = 1000;           // max_elements
    head[2] = 900;            // cur_count
    head[5] = 32 * 4 + 4;     // offset_data
    head[4] = head[5] + 512;  // label_offset
    head[3] = head[4] + 8;    // size_per_element
    head[7] = 16;             // maxM
    head[8] = 32;             // maxM0
    head[9] = 16;             // M
    CHECK(tonari::describe_content(std::as_bytes(std::span(head))) == "an hnswlib index");
}

TEST_CASE("opening says it with the path") {
    const tonari::test::TempFolder folder;
    const std::string path = folder.path("base.fbin");
    tonari::test::write_text(path, std::string("\x10\x27\0\0\x80\0\0\0", 8) + std::string(500, 'x'));
    for (const tonari::Residency residency : {tonari::Residency::map, tonari::Residency::load}) {
        const auto reader = tonari::FileReader::open(path, residency);
        REQUIRE_FALSE(reader.ok());
        CHECK(reader.error().code == tonari::ErrorCode::corrupt);
        CHECK_THAT(reader.error().message,
                   Catch::Matchers::Contains(path) && Catch::Matchers::Contains("not a tonari file"));
    }
}
