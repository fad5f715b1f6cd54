// Writing sections and reading them back, and what the writer and the reader refuse.
#include "support/catch.hpp"
#include "unit/io/sample_file.hpp"
#include "unit/io/temp_folder.hpp"

namespace {

using namespace tonari;
using Catch::Matchers::Contains;
using test::SimulatedDisk;

/// A class that saves itself, within a part of another.
struct Part {
    std::uint32_t value = 0;
    Status save(SectionWriter& writer) const { return writer.add_record("part", 1, value); }
    static Result<Part> open(const SectionReader& reader) {
        const Result<std::uint32_t> value = reader.record<std::uint32_t>("part", 1);
        if (!value) return value.error();
        return Part{*value};
    }
};
struct Whole {
    Part a;
    Part b;
    Status save(SectionWriter& writer) const {
        SectionWriter inside = writer.within("a").within("deep");
        if (Status s = a.save(inside); !s) return s;
        return b.save(writer);
    }
    static Result<Whole> open(const SectionReader& reader) {
        const Result<Part> a = Part::open(reader.within("a").within("deep"));
        if (!a) return a.error();
        const Result<Part> b = Part::open(reader);
        if (!b) return b.error();
        return Whole{*a, *b};
    }
};
static_assert(Stored<Part> && Stored<Whole>);

FileWriter writer_on(SimulatedDisk& disk, FileWriterOptions options = {}) {
    return FileWriter::create("file.tnr", options, disk).value();
}

void expect(const Status& status, ErrorCode code, const std::string& words) {
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == code);
    CHECK_THAT(status.error().message, Contains(words));
}

}  // namespace

TEST_CASE("sections come back as they were, loaded and mapped") {
    const test::TempFolder folder;
    const std::string path = folder.path("sample.tnr");
    test::write_bytes(path, test::sample_image());
    for (const Residency residency : {Residency::map, Residency::load, Residency::disk}) {
        Bytes rows;
        {
            const FileReader file = FileReader::open(path, residency).value();
            const SectionReader sections = file.sections();
            CHECK(sections.has("record"));
            CHECK_FALSE(sections.has("recor"));
            CHECK_FALSE(sections.has("odd"));
            CHECK(sections.has_within("coarse"));
            CHECK_FALSE(sections.has_within("coars"));
            CHECK_FALSE(sections.verified());
            const auto record = sections.record<test::SampleRecord>("record", 3).value();
            CHECK(record.radius == 1.5F);
            CHECK(record.seed == 77);
            const Bytes odd = sections.within("coarse").array<std::uint16_t>("odd", 3).value();
            CHECK(odd.as<std::uint16_t>()[2] == 3);
            rows = sections.array<float>("rows", record.rows).value();
            CHECK(sections.section("empty").value().empty());
            CHECK(sections.array<std::uint32_t>("stream", 1000).value().as<std::uint32_t>()[999] == 999);
        }
        // The bytes outlive the reader.
        const std::vector<float> expected = test::sample_rows();
        CHECK(std::equal(expected.begin(), expected.end(), rows.as<float>().begin()));
        CHECK(reinterpret_cast<std::uintptr_t>(rows.data()) %
                  (residency != Residency::load ? page_size : section_alignment) ==
              0);
    }
}

TEST_CASE("parts nest by their names") {
    SimulatedDisk disk;
    FileWriter writer = writer_on(disk);
    REQUIRE(Whole{{1}, {2}}.save(writer.sections()).ok());
    REQUIRE(writer.finish().ok());
    const FileReader reader = FileReader::open("file.tnr", Residency::load, disk, Check::all).value();
    CHECK(reader.sections().verified());
    CHECK(reader.sections().has("a/deep/part"));
    const Whole whole = Whole::open(reader.sections()).value();
    CHECK(whole.a.value == 1);
    CHECK(whole.b.value == 2);
    CHECK(reader.sections().within("a").within("deep").verified());
}

TEST_CASE("the reader says what it expected and what it got") {
    const FileReader file = test::open_image(test::sample_image()).value();
    const SectionReader sections = file.sections();
    expect(sections.section("rowz").status(), ErrorCode::corrupt, "section 'rowz': expected, but the file has none");
    expect(sections.within("coarse").section("rows").status(), ErrorCode::corrupt, "section 'coarse/rows'");
    expect(sections.section("record", 1, 2).status(), ErrorCode::unsupported,
           "has version 3; this library reads versions 1 to 2: update");
    expect(sections.section("record", 4).status(), ErrorCode::unsupported, "this library reads version 4: rebuild");
    expect(sections.array<float>("rows", 19'999).status(), ErrorCode::corrupt,
           "expected 19999 values of 4 bytes, got 80000 bytes");
    expect(sections.array<float>("rows", 0x4000000000004e20ULL).status(), ErrorCode::corrupt,
           "expected 4611686018427407904 values");
    expect(sections.array<std::uint64_t>("rows", ~0ULL).status(), ErrorCode::corrupt,
           "expected 18446744073709551615 values");
    expect(sections.array<std::uint32_t>("empty", 1).status(), ErrorCode::corrupt, "got 0 bytes");
    expect(sections.within("coarse").array<float>("odd", 1).status(), ErrorCode::corrupt, "got 6 bytes");
    expect(sections.record<std::uint64_t>("record", 3).status(), ErrorCode::corrupt,
           "expected 1 values of 8 bytes, got 16");
    expect(sections.version("nothing").status(), ErrorCode::not_found, "nothing");
    CHECK(sections.version("record").value() == 3);
    CHECK(sections.array<float>("empty", 0).ok());
}

TEST_CASE("the writer refuses what it cannot write, and then the whole file") {
    SimulatedDisk disk;
    const std::vector<std::byte> some(100);
    SECTION("the same name twice") {
        FileWriter writer = writer_on(disk);
        REQUIRE(writer.sections().add("a", 1, some).ok());
        expect(writer.sections().add("a", 1, some), ErrorCode::invalid_argument, "'a' is written twice");
        expect(writer.sections().add("b", 1, some), ErrorCode::invalid_argument, "'a' is written twice");
        expect(writer.finish(), ErrorCode::invalid_argument, "'a' is written twice");
    }
    SECTION("a bad name") {
        FileWriter writer = writer_on(disk);
        expect(writer.sections().within(std::string(30, 'x')).add("yy", 1, some), ErrorCode::invalid_argument,
               "got 33");
    }
    SECTION("a section inside a section") {
        FileWriter writer = writer_on(disk);
        REQUIRE(writer.sections().begin("a", 1).ok());
        expect(writer.sections().add("b", 1, some), ErrorCode::invalid_argument, "'b' begins while 'a' is open");
    }
    SECTION("a section left open") {
        FileWriter writer = writer_on(disk);
        REQUIRE(writer.sections().begin("a", 1).ok());
        expect(writer.finish(), ErrorCode::invalid_argument, "'a' is still open");
    }
    SECTION("bytes outside of sections") {
        FileWriter writer = writer_on(disk);
        expect(writer.sections().append(some), ErrorCode::invalid_argument, "no section is open");
    }
    SECTION("an alignment that is none") {
        FileWriter writer = writer_on(disk);
        expect(writer.sections().begin("a", 1, 96), ErrorCode::invalid_argument, "alignment is 96");
    }
    SECTION("more sections than there is room for") {
        FileWriter writer = writer_on(disk, {.max_sections = 2});
        REQUIRE(writer.sections().add("a", 1, some).ok());
        REQUIRE(writer.sections().add("b", 1, some).ok());
        expect(writer.sections().add("c", 1, some), ErrorCode::out_of_range, "room for");
    }
    SECTION("anything after the end") {
        FileWriter writer = writer_on(disk);
        REQUIRE(writer.finish().ok());
        expect(writer.finish(), ErrorCode::invalid_argument, "finished already");
        expect(writer.sections().add("a", 1, some), ErrorCode::invalid_argument, "finished");
        CHECK(disk.content("file.tnr").size() == page_size);  // a file without sections is a file
        CHECK(FileReader::open("file.tnr", Residency::map, disk, Check::all).ok());
        return;
    }
    CHECK(disk.names().empty());
}

TEST_CASE("a table of many sections takes more pages") {
    SimulatedDisk disk;
    FileWriter writer = writer_on(disk, {.max_sections = 1000});
    for (std::uint32_t i = 0; i < 1000; ++i) REQUIRE(writer.sections().add_record("s" + std::to_string(i), 1, i).ok());
    REQUIRE(writer.finish().ok());
    for (const Residency residency : {Residency::map, Residency::load, Residency::disk}) {
        const FileReader reader = FileReader::open("file.tnr", residency, disk, Check::all).value();
        CHECK(reader.frame().sections.front().offset % page_size == 0);
        CHECK(reader.sections().record<std::uint32_t>("s999").value() == 999);
    }
}

TEST_CASE("large sections and small pieces, in any mixture, give the same bytes") {
    const auto image = [](std::size_t piece) {
        SimulatedDisk disk;
        FileWriter writer = writer_on(disk);
        std::vector<std::uint64_t> words(500'000);
        for (std::size_t i = 0; i < words.size(); ++i) words[i] = mix64(i);
        auto rest = std::as_bytes(std::span(words));
        writer.sections().begin("words", 1).value();
        while (!rest.empty()) {
            const std::size_t n = std::min(piece, rest.size());
            writer.sections().append(rest.first(n)).value();
            rest = rest.subspan(n);
        }
        writer.sections().end().value();
        writer.finish().value();
        return disk.content("file.tnr");
    };
    const auto whole = image(std::size_t{1} << 30);
    CHECK(test::open_image(whole, Check::all).ok());
    for (const std::size_t piece :
         {std::size_t{1000}, (std::size_t{1} << 20) - 1, std::size_t{1} << 20, (std::size_t{1} << 20) + 1}) {
        CHECK(image(piece) == whole);
    }
}

TEST_CASE("verify tells how far it is, and stops when asked") {
    FileReader reader = test::open_image(test::sample_image()).value();
    std::uint64_t last = 0;
    REQUIRE(reader
                .verify([&](std::uint64_t done, std::uint64_t total) {
                    CHECK(done >= last);
                    CHECK(total == reader.bytes().size());
                    last = done;
                    return true;
                })
                .ok());
    CHECK(last == reader.bytes().size());
    CHECK(reader.sections().verified());

    FileReader other = test::open_image(test::sample_image()).value();
    expect(other.verify([](std::uint64_t, std::uint64_t) { return false; }), ErrorCode::invalid_argument, "stopped");
    CHECK_FALSE(other.sections().verified());
}

TEST_CASE("bytes at odd addresses are copied") {
    const auto image = test::sample_image();
    auto shifted = std::make_shared<std::vector<std::byte>>(image.size() + 1);
    std::copy(image.begin(), image.end(), shifted->begin() + 1);
    const FileReader reader =
        FileReader::from_bytes(Bytes(shifted, std::span<const std::byte>(*shifted).subspan(1)), Check::all).value();
    CHECK(reinterpret_cast<std::uintptr_t>(reader.bytes().data()) % section_alignment == 0);
}
