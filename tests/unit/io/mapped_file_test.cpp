// Maps: shared, instant, and nothing is read that was not asked for.
#include <tonari/io/mapped_file.hpp>

#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

#include <tonari/io/file_reader.hpp>

#include "support/catch.hpp"
#include "unit/io/sample_file.hpp"
#include "unit/io/temp_folder.hpp"

namespace {

using namespace tonari;

constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30;

/// A tonari file of 1 GiB: frame and one section that is a hole in the file. The checksum of the rows is not right,
/// which opening must not notice.
void make_sparse(const std::string& path) {
    test::SimulatedDisk disk;
    FileWriter writer = FileWriter::create("x", {}, disk).value();
    writer.sections().add("rows", 1, std::vector<std::byte>(section_page_from)).value();
    writer.finish().value();
    std::vector<std::byte> image = disk.content("x");
    image.resize(page_size);
    format::Header header = test::header_of(image);
    header.file_size = page_size + gibibyte;
    format::SectionRow row = test::row_of(image, 0);
    row.size = gibibyte;
    test::set_row(image, 0, row);
    test::set_header(image, header);
    test::write_bytes(path, image);
    std::filesystem::resize_file(path, page_size + gibibyte);
}

}  // namespace

TEST_CASE("opening a mapped file of 1 GiB reads the frame and no page beyond it") {
    const test::TempFolder folder;
    const std::string path = folder.path("large.tnr");
    make_sparse(path);

    // From the cache to the disk, so that residency means "was read by us".
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(descriptor >= 0);
    CHECK(::fsync(descriptor) == 0);
    CHECK(::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0);
    ::close(descriptor);

    double best = 1e9;
    for (int round = 0; round < 5; ++round) {  // the best of a few: the machine may be busy
        const auto start = std::chrono::steady_clock::now();
        const Result<FileReader> reader = FileReader::open(path, Residency::map);
        const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
        REQUIRE(reader.ok());
        best = std::min(best, taken.count());
        const Bytes rows = reader->sections().section("rows").value();
        CHECK(rows.size() == gibibyte);
        CHECK(resident_pages(rows).value().resident == 0);
        CHECK(resident_pages(reader->bytes()).value().resident == 1);
    }
    CHECK(best < 5.0);
}

TEST_CASE("a file larger than memory: of codes a page is read that is touched, and none around it") {
    const test::TempFolder folder;
    const std::string path = folder.path("file.tnr");
    constexpr std::size_t size = std::size_t{8} << 20;
    {
        FileWriter writer = FileWriter::create(path).value();
        for (const char* name : {"codes", "rows"}) {
            REQUIRE(writer.sections().add(name, 1, std::vector<std::byte>(size)).ok());
        }
        REQUIRE(writer.finish().ok());
    }
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(descriptor >= 0);
    CHECK(::fsync(descriptor) == 0);
    CHECK(::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0);
    ::close(descriptor);
    const FileReader reader = FileReader::open(path, Residency::disk).value();
    const Bytes codes = reader.sections().section("codes").value();
    CHECK(codes.on_disk());
    CHECK(codes.slice(100, 100).on_disk());
    if (resident_pages(codes).value().resident != 0) TONARI_SKIP("the file system keeps its pages");
    const auto* touched = reinterpret_cast<const volatile std::byte*>(codes.data() + size / 2);
    CHECK(*touched == std::byte{0});
    CHECK(resident_pages(codes).value().resident == 1);
    fetch(codes.span().subspan(0, 3 * page_size));  // from now on, in the background
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(*reinterpret_cast<const volatile std::byte*>(codes.data() + i * page_size) == std::byte{0});
    }
    CHECK(resident_pages(codes).value().resident == 4);
    CHECK_FALSE(FileReader::open(path, Residency::map).value().bytes().on_disk());
}

TEST_CASE("a page that is touched becomes resident, and warming touches all") {
    const test::TempFolder folder;
    const std::string path = folder.path("file");
    test::write_bytes(path, std::vector<std::byte>(64 * page_size + 100, std::byte{7}));
    const Bytes bytes = map_file(path).value();
    REQUIRE(bytes.size() == 64 * page_size + 100);
    for (const Advice a : {Advice::random, Advice::sequential, Advice::will_need, Advice::normal})
        CHECK(advise(bytes, a).ok());
    warm(bytes);
    const PageResidency all = resident_pages(bytes).value();
    CHECK(all.pages == 65);
    CHECK(all.resident == 65);
    CHECK(resident_pages(bytes.slice(page_size - 1, 2)).value().pages == 2);
}

TEST_CASE("advice and residency of bytes that are not mapped do no harm") {
    AlignedBuffer small = AlignedBuffer::allocate(1000).value();
    AlignedBuffer large = AlignedBuffer::allocate(std::size_t{4} << 20).value();
    small.data()[999] = std::byte{3};
    large.data()[12345] = std::byte{4};
    for (const Bytes& bytes : {std::move(small).freeze(), std::move(large).freeze(), Bytes{}}) {
        for (const Advice a : {Advice::random, Advice::sequential, Advice::will_need, Advice::normal})
            CHECK(advise(bytes, a).ok());
        warm(bytes);
        CHECK(resident_pages(bytes).ok());
        if (bytes.size() == 1000) CHECK(bytes.data()[999] == std::byte{3});
        if (bytes.size() > 1000) CHECK(bytes.data()[12345] == std::byte{4});
    }
}

TEST_CASE("an empty file maps to no bytes") {
    const test::TempFolder folder;
    test::write_text(folder.path("empty"), "");
    CHECK(map_file(folder.path("empty")).value().empty());
}

TEST_CASE("a mapping outlives the name of its file") {
    const test::TempFolder folder;
    const std::string path = folder.path("sample.tnr");
    test::write_bytes(path, test::sample_image());
    FileReader reader = FileReader::open(path).value();
    std::filesystem::remove(path);
    CHECK(reader.verify().ok());
}
