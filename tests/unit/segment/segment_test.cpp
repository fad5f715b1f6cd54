// Writing a segment: whole or not at all, and the old file stays whole.
#include <tonari/segment/segment.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <sys/resource.h>

#include <tonari/index/build.hpp>

#include "support/catch.hpp"
#include "support/chebyshev.hpp"
#include "support/image.hpp"
#include "support/rows.hpp"
#include "unit/io/temp_folder.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

Index sample(std::uint64_t seed, std::size_t rows = 300) {
    return build("HNSW8", MetricKind::l2, clustered_rows(Element::float32, 16, rows, seed).view(), {},
                 {.ef_construction = 40})
        .value();
}

/// No file of this process may grow beyond `bytes`: what a full disk does to a writer.
class FileSizeLimit {
public:
    explicit FileSizeLimit(std::size_t bytes) {
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;
    ~FileSizeLimit() {
        setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

private:
    rlimit before_{};
    void (*handler_)(int) = nullptr;
};

}  // namespace

TEST_CASE("segment: a new one takes the place of the old", "[segment]") {
    const TempFolder folder;
    const std::string path = folder.path("index.tnr");
    const Index first = sample(1);
    const Index second = sample(2);
    REQUIRE(write_segment(path, first).ok());
    const Segment reader = Segment::open(path).value();  // maps the first
    REQUIRE(write_segment(path, second).ok());
    CHECK(read_bytes(path) == image_of(second));
    // Who has the first open still sees it.
    CHECK(image_of(reader.index()) == image_of(first));
    CHECK(image_of(Segment::open(path).value().index()) == image_of(second));
}

TEST_CASE("segment: what cannot be written is an error, and nothing is left behind", "[segment]") {
    const TempFolder folder;
    const Index index = sample(3);
    const Status nowhere = write_segment(folder.path("no/such/folder/index.tnr"), index);
    REQUIRE_FALSE(nowhere.ok());
    CHECK(nowhere.error().message.find("no/such/folder/index.tnr'") != std::string::npos);
    CHECK(nowhere.error().message.find("expected its folder to be there") != std::string::npos);
    std::filesystem::create_directory(folder.path("taken"));
    CHECK_FALSE(write_segment(folder.path("taken"), index).ok());
    CHECK(std::filesystem::is_directory(folder.path("taken")));
    CHECK_FALSE(write_segment("", index).ok());
}

TEST_CASE("segment: a disk that fills up leaves the old file whole", "[segment]") {
    const TempFolder folder;
    const std::string path = folder.path("index.tnr");
    REQUIRE(write_segment(path, sample(4)).ok());
    const auto before = read_bytes(path);
    const Index larger = sample(5, 3000);
    const std::size_t size = image_of(larger).size();
    for (const std::size_t room : {std::size_t{0}, std::size_t{100}, std::size_t{4096}, size / 2, size - 1}) {
        INFO("room for " << room << " of " << size << " bytes");
        {
            const FileSizeLimit full(room);
            const Status written = write_segment(path, larger);
            REQUIRE_FALSE(written.ok());
            CHECK(written.error().code == ErrorCode::io);
        }
        CHECK(read_bytes(path) == before);
        CHECK(Segment::open(path).ok());
        for (const std::string& name : folder.names()) CHECK(name.find(".tmp") == std::string::npos);
    }
    REQUIRE(write_segment(path, larger).ok());
    CHECK(read_bytes(path) == image_of(larger));
}

TEST_CASE("segment: a second writer is told to wait", "[segment]") {
    const TempFolder folder;
    const std::string path = folder.path("index.tnr");
    const Index index = sample(6);
    {
        const auto lock = FileSystem::local().lock(path).value();
        const Status second = write_segment(path, index);
        REQUIRE_FALSE(second.ok());
        CHECK(second.error().code == ErrorCode::busy);
    }
    CHECK(write_segment(path, index).ok());
}

TEST_CASE("segment: files that are none", "[segment]") {
    const TempFolder folder;
    const std::string path = folder.path("index.tnr");
    const auto refused = [&](Residency residency) {
        const auto segment = Segment::open(path, residency);
        REQUIRE_FALSE(segment.ok());
        CHECK_FALSE(segment.error().message.empty());
        return segment.error().code;
    };
    for (const Residency residency : {Residency::map, Residency::load, Residency::disk}) {
        std::filesystem::remove(path);
        CHECK((refused(residency) == ErrorCode::not_found));
        write_text(path, "");
        CHECK((refused(residency) == ErrorCode::corrupt));
        write_text(path, "version https://git-lfs.github.com/spec/v1\n");
        CHECK((refused(residency) == ErrorCode::corrupt));
        write_text(path, std::string(10'000, 'x'));
        CHECK((refused(residency) == ErrorCode::corrupt));
        std::filesystem::remove(path);
        std::filesystem::create_directory(path);
        (void)refused(residency);
    }
}

TEST_CASE("segment: every way to open one says that TONARI_SIMD is a wrong word", "[segment]") {
    const TempFolder folder;
    const Rows rows = clustered_rows(Element::float32, 8, 50, 7);
    const std::string plain = folder.path("plain.tnr");
    const std::string own = folder.path("own.tnr");
    REQUIRE(write_segment(plain, build("Flat", MetricKind::l2, rows.view()).value()).ok());
    REQUIRE(write_segment(own, build("Flat", Chebyshev{}, rows.view()).value()).ok());
    REQUIRE(Segment::open(own, Chebyshev{}).ok());
    const char* before = std::getenv("TONARI_SIMD");
    const std::string kept = before != nullptr ? before : "";
    ::setenv("TONARI_SIMD", "avx9000", 1);
    const auto typed = Segment::open(own, Chebyshev{});
    const auto untyped = Segment::open(plain);
    if (before != nullptr) {
        ::setenv("TONARI_SIMD", kept.c_str(), 1);
    } else {
        ::unsetenv("TONARI_SIMD");
    }
    for (const auto* opened : {&typed, &untyped}) {
        REQUIRE_FALSE(opened->ok());
        CHECK(opened->error().message.find("avx9000") != std::string::npos);
    }
}

TEST_CASE("segment: a cache is for lists on the disk, and refused elsewhere") {
    const TempFolder folder;
    const std::string path = folder.path("lists.tnr");
    const Rows rows = clustered_rows(Element::float32, 16, 600, 5);
    REQUIRE(write_segment(path, build("IVF8,Flat", MetricKind::l2, rows.view()).value()).ok());
    for (const Residency residency : {Residency::map, Residency::load}) {
        const auto opened = Segment::open(path, {.residency = residency, .cache_bytes = 1 << 20});
        REQUIRE_FALSE(opened.ok());
        CHECK(opened.error().code == ErrorCode::invalid_argument);
        CHECK(opened.error().message.find("expected residency 'disk'") != std::string::npos);
    }
    const Segment cached = Segment::open(path, {.residency = Residency::disk, .cache_bytes = 1 << 20}).value();
    Searcher search = cached.index().searcher();
    for (std::size_t i = 0; i < 2 * rows.size(); ++i) {
        CHECK(search(rows.row(i % rows.size()), {.k = 1, .nprobe = 8}).ok());
    }
    const HotCacheStats stats = cached.index().cache_stats().value();
    CHECK(stats.hits + stats.misses == 2 * 600 * 8);
    CHECK(stats.lists == 8);
    CHECK(stats.misses ==
          8 * 8 - 7 * 8 / 2);  // one list a search is kept, so that each of the first eight misses one less

    const Segment together = Segment::open(path, {.residency = Residency::disk, .cache_bytes = 1 << 20}).value();
    for (int round = 0; round < 3; ++round) CHECK(together.search(rows.view(), {.k = 1, .nprobe = 8}).ok());
    const HotCacheStats of_batches = together.index().cache_stats().value();
    CHECK(of_batches.misses == 8);  // a batch asks once for a list
    CHECK(of_batches.hits == 2 * 8);
    CHECK(of_batches.lists == 8);

    const Segment walked = Segment::open(path, {.residency = Residency::disk, .cache_bytes = 1 << 20}).value();
    for (int round = 0; round < 20; ++round) {
        Cursor cursor = walked.index().cursor(rows.row(0), {.nprobe = 8}).value();
        CHECK(cursor.next(600).value().size() == 600);
    }
    CHECK(walked.index().cache_stats()->lists == 8);  // cursors ask as searches do

    REQUIRE(write_segment(path, sample(3)).ok());
    const auto graph = Segment::open(path, {.residency = Residency::disk, .cache_bytes = 1 << 20});
    REQUIRE_FALSE(graph.ok());
    CHECK(graph.error().code == ErrorCode::unsupported);
    CHECK(graph.error().message.find("'HNSW8'") != std::string::npos);
}
