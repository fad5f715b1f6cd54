// The frame: its bytes as they are written, and every way to damage it or to lie in it.
#include <tonari/core/random.hpp>

#include "support/catch.hpp"
#include "unit/io/sample_file.hpp"

namespace {

using namespace tonari;
using test::header_of;
using test::open_image;
using test::row_of;
using test::set_header;
using test::set_row;
using Image = std::vector<std::byte>;

void expect(const Image& image, ErrorCode code, const std::string& words) {
    const Result<FileReader> reader = open_image(image);
    REQUIRE_FALSE(reader.ok());
    CHECK(reader.error().code == code);
    CHECK_THAT(reader.error().message, Catch::Matchers::Contains(words));
}

template <class Change>
void expect_header(Change change, ErrorCode code, const std::string& words) {
    Image image = test::sample_image();
    format::Header header = header_of(image);
    change(header);
    set_header(image, header);
    expect(image, code, words);
}

template <class Change>
void expect_row(std::size_t i, Change change, const std::string& words) {
    Image image = test::sample_image();
    format::SectionRow row = row_of(image, i);
    change(row);
    set_row(image, i, row);
    expect(image, ErrorCode::corrupt, words);
}

std::string hex(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte b : bytes) {
        constexpr char digits[] = "0123456789abcdef";
        text += digits[static_cast<unsigned>(b) >> 4];
        text += digits[static_cast<unsigned>(b) & 15];
    }
    return text;
}

}  // namespace

TEST_CASE("the frame's bytes never change") {
    test::SimulatedDisk disk;
    FileWriter writer = FileWriter::create("golden.tnr", {}, disk).value();
    const std::uint32_t answer = 42;
    REQUIRE(writer.sections().add_record("answer", 7, answer).ok());
    REQUIRE(writer.finish().ok());
    const Image image = disk.content("golden.tnr");
    REQUIRE(image.size() == 4100);
    CHECK(hex(std::span(image).first(48)) ==
          "544f4e415249890d0a1a0a00"  // TONARI and the bytes that text mode damages
          "01000000"
          "01000000"                                                    // format version, oldest reader
          "01000000"                                                    // one section
          "0000000000000000"                                            // flags
          "0410000000000000"                                            // 4100 bytes
          "8000000000000000");                                          // the table at 128
    CHECK(hex(std::span(image).subspan(48, 8)) == "161cf319d5401828");  // checksum of the table
    CHECK(hex(std::span(image).subspan(56, 64)) == std::string(128, '0'));
    CHECK(hex(std::span(image).subspan(120, 8)) == "0d9c4a596a2aeddc");  // checksum of the header
    CHECK(hex(std::span(image).subspan(128, 64)) ==
          "616e7377657200000000000000000000"
          "00000000000000000000000000000000"
          "07000000"
          "40000000"
          "0010000000000000"
          "0400000000000000"
          "5dada11448b63221");
    CHECK(hex(std::span(image).subspan(4096)) == "2a000000");
}

TEST_CASE("a whole file opens") {
    const Image image = test::sample_image();
    const FileReader reader = open_image(image, Check::all).value();
    REQUIRE(reader.frame().sections.size() == 5);
    CHECK(reader.frame().sections[2].name == "rows");
    CHECK(reader.frame().sections[2].offset % page_size == 0);
    for (const SectionInfo& info : reader.frame().sections) CHECK(info.offset % section_alignment == 0);
}

TEST_CASE("a file cut anywhere is refused") {
    const Image image = test::sample_image();
    std::vector<std::size_t> sizes;
    for (std::size_t n = 0; n < 600; ++n) sizes.push_back(n);
    for (std::size_t n = 600; n < image.size(); n += 997) sizes.push_back(n);
    sizes.push_back(image.size() - 1);
    for (const std::size_t n : sizes) {
        CAPTURE(n);
        const Result<FileReader> reader = open_image(std::span(image).first(n));
        REQUIRE_FALSE(reader.ok());
        CHECK(reader.error().code == ErrorCode::corrupt);
    }
    Image longer = image;
    longer.push_back(std::byte{0});
    expect(longer, ErrorCode::corrupt, "longer than it was written");
}

TEST_CASE("a flipped bit is refused at once in the frame, and by verifying anywhere") {
    const Image image = test::sample_image();
    const std::size_t frame = sizeof(format::Header) + 5 * sizeof(format::SectionRow);
    for (std::size_t bit = 0; bit < frame * 8; ++bit) {
        Image damaged = image;
        damaged[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        const Result<FileReader> reader = open_image(damaged);
        if (reader.ok()) FAIL("bit " << bit << " of the frame was flipped and nobody saw it");
    }
    Random random(5);
    for (int i = 0; i < 300; ++i) {
        Image damaged = image;
        const auto at = static_cast<std::size_t>(random.below(image.size()));
        damaged[at] ^= static_cast<std::byte>(1U << random.below(8));
        if (open_image(damaged, Check::all).ok()) FAIL("byte " << at << " was changed and nobody saw it");
    }
}

TEST_CASE("headers that lie, with right checksums") {
    const auto header = [](auto change, ErrorCode code, const char* words) { expect_header(change, code, words); };
    header(
        [](auto& h) {
            h.oldest_reader = 9;
            h.version = 12;
        },
        ErrorCode::unsupported, "format version 12 and asks for a reader of version 9");
    header([](auto& h) { h.version = 0; }, ErrorCode::unsupported, "version 0; this library reads 1 to 1");
    header([](auto& h) { h.flags = 4; }, ErrorCode::unsupported, "features that this library does not know");
    header([](auto& h) { h.file_size += 1; }, ErrorCode::corrupt, "file is cut: expected");
    header([](auto& h) { h.file_size = ~0ULL; }, ErrorCode::corrupt, "expected 18446744073709551615 bytes");
    header([](auto& h) { h.section_count = 0xffffffff; }, ErrorCode::corrupt, "at most 65536");
    header([](auto& h) { h.section_count = 60000; }, ErrorCode::corrupt, "inside the file");
    header([](auto& h) { h.section_count = 4; }, ErrorCode::corrupt, "expected the end of the file");
    header([](auto& h) { h.section_count = 6; }, ErrorCode::corrupt, "no proper name");
    header([](auto& h) { h.table_offset = 192; }, ErrorCode::corrupt, "section table");
    header([](auto& h) { h.table_offset = ~0ULL; }, ErrorCode::corrupt, "section table");
}

TEST_CASE("a newer file that older readers understand is read") {
    Image image = test::sample_image();
    format::Header header = header_of(image);
    header.version = 5;  // oldest_reader stays 1
    set_header(image, header);
    CHECK(open_image(image, Check::all).ok());
}

TEST_CASE("rows that lie, with right checksums") {
    const auto row = [](std::size_t i, auto change, const char* words) { expect_row(i, change, words); };
    row(2, [](auto& r) { r.size = ~0ULL; }, "section 'rows': expected 18446744073709551615 bytes");
    row(
        2,
        [](auto& r) {
            r.offset = ~0ULL - 4095;
            r.size = 4096;
        },
        "got a file of");
    row(2, [](auto& r) { r.offset = 0; }, "before the end of what stands before it");
    row(0, [](auto& r) { r.offset = 128; }, "before the end of what stands before it");
    row(2, [](auto& r) { r.offset += 64; }, "not a multiple of its alignment");
    row(2, [](auto& r) { r.size += 64; }, "before the end of what stands before it");
    row(2, [](auto& r) { r.alignment = 0; }, "alignment is 0");
    row(2, [](auto& r) { r.alignment = 3; }, "alignment is 3");
    row(2, [](auto& r) { r.alignment = 32; }, "alignment is 32");
    row(2, [](auto& r) { r.alignment = 1U << 31; }, "alignment is 2147483648");
    row(2, [](auto& r) { r.name = {}; }, "row 2 of the section table has no proper name");
    row(2, [](auto& r) { r.name[0] = '\n'; }, "no proper name");
    row(2, [](auto& r) { r.name[20] = 'x'; }, "no proper name");
    row(2, [](auto& r) { r.name.fill('x'); }, "no proper name");
    row(2, [](auto& r) { r.name = {'r', 'e', 'c', 'o', 'r', 'd'}; }, "section 'record' stands twice");
    row(4, [](auto& r) { r.offset += 64; }, "got a file of");
}

TEST_CASE("sections may not overlap, nor stand in another order") {
    Image image = test::sample_image();
    const format::SectionRow first = row_of(image, 0);
    const format::SectionRow second = row_of(image, 1);
    set_row(image, 0, second);
    set_row(image, 1, first);
    expect(image, ErrorCode::corrupt, "before the end of what stands before it");
}

TEST_CASE("noise in frame and rows never crashes") {
    const Image image = test::sample_image();
    Random random(11);
    for (int i = 0; i < 3000; ++i) {
        Image damaged = image;
        for (std::uint64_t n = random.below(4) + 1; n > 0; --n) {
            damaged[static_cast<std::size_t>(random.below(448))] = static_cast<std::byte>(random.below(256));
        }
        if (random.below(2) == 0) test::seal(damaged);
        Result<FileReader> reader = open_image(damaged);
        if (reader.ok()) (void)reader->verify().ok();
    }
    SUCCEED();
}

TEST_CASE("a file that went through text mode is told so") {
    Image image = test::sample_image();
    image[7] = std::byte{'\n'};
    expect(image, ErrorCode::corrupt, "copy the file as binary");
}

TEST_CASE("a file that was never finished starts with zeros") {
    expect(Image(8192), ErrorCode::corrupt, "never finished");
    expect({}, ErrorCode::corrupt, "file is empty");
}

TEST_CASE("section names") {
    CHECK(check_section_name("coarse/graph.links-0_A").ok());
    CHECK(check_section_name(std::string(31, 'x')).ok());
    for (const std::string& bad :
         {std::string(), std::string(32, 'x'), std::string("a b"), std::string("\xc3\xa4"), std::string(1, '\0')}) {
        CHECK_FALSE(check_section_name(bad).ok());
    }
}
