// Vector files: round trips of every kind, and what is said about files that are not what they say.
#include <tonari/io/vecs.hpp>

#include <cstring>
#include <limits>
#include <numeric>

#include <tonari/core/random.hpp>

#include "crash/simulated_disk.hpp"
#include "support/catch.hpp"
#include "unit/io/temp_folder.hpp"

namespace {

using namespace tonari;
using Catch::Matchers::Contains;

std::vector<std::byte> noise(std::size_t size, std::uint64_t seed) {
    std::vector<std::byte> bytes(size);
    Random random(seed);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random.below(256));
    return bytes;
}

bool same_rows(const MatrixView& a, const MatrixView& b) {
    if (a.rows() != b.rows() || a.dim() != b.dim() || a.element() != b.element()) return false;
    const std::size_t size = row_bytes(a.element(), a.dim());
    for (std::size_t i = 0; i < a.rows(); ++i) {
        if (std::memcmp(a.row_data(i), b.row_data(i), size) != 0) return false;
    }
    return true;
}

template <class T>
void put(std::vector<std::byte>& out, T value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    out.insert(out.end(), bytes.begin(), bytes.end());
}

Bytes owned(std::vector<std::byte> bytes) {
    auto owner = std::make_shared<std::vector<std::byte>>(std::move(bytes));
    return {owner, std::span<const std::byte>(*owner)};
}

/// uint32 n, uint32 d, and `size` bytes of values.
Bytes bin(std::uint32_t n, std::uint32_t d, std::size_t size) {
    std::vector<std::byte> bytes;
    put(bytes, n);
    put(bytes, d);
    bytes.resize(8 + size);
    return owned(std::move(bytes));
}

template <class R>
void expect(const Result<R>& result, ErrorCode code, const std::string& words) {
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code == code);
    CHECK_THAT(result.error().message, Contains(words));
}

}  // namespace

TEST_CASE("rows come back from every kind of file, loaded and mapped") {
    struct Case {
        const char* extension;
        Element element;
    };
    const auto kind =
        GENERATE(Case{"fbin", Element::float32}, Case{"f16bin", Element::float16}, Case{"hbin", Element::float16},
                 Case{"bf16bin", Element::bfloat16}, Case{"u8bin", Element::uint8}, Case{"i8bin", Element::int8},
                 Case{"b1bin", Element::bits}, Case{"fvecs", Element::float32}, Case{"bvecs", Element::uint8},
                 Case{"npy", Element::float32}, Case{"npy", Element::float16}, Case{"npy", Element::int8},
                 Case{"npy", Element::uint8});
    CAPTURE(kind.extension, name(kind.element));
    const test::TempFolder folder;
    const std::string path = folder.path(std::string("rows.") + kind.extension);
    CHECK(is_vecs_path(path));
    for (const Dim dim : {1U, 7U, 128U, 4099U}) {
        const std::size_t row = row_bytes(kind.element, dim);
        for (const std::size_t rows : {1UL, 3UL, 300UL}) {
            const auto values = noise(rows * (row + 4), dim);
            const MatrixView view(values.data(), rows, dim, kind.element, row + 4);  // with gaps
            REQUIRE(write_matrix(path, view).ok());

            const Matrix loaded = read_matrix(path).value();
            CHECK(same_rows(loaded.view(), view));
            CHECK(loaded.stride == row);
            const Matrix mapped = read_matrix(path, {.residency = Residency::map}).value();
            CHECK(same_rows(mapped.view(), view));
            for (const Residency residency : {Residency::load, Residency::map}) {
                const Matrix first = read_matrix(path, {.max_rows = 2, .residency = residency}).value();
                CHECK(same_rows(first.view(), view.slice(0, std::min<std::size_t>(2, rows))));
                CHECK(read_matrix(path, {.max_rows = 0, .residency = residency}).value().rows == 0);
            }
        }
    }
    CHECK(folder.names().size() == 1);
}

TEST_CASE("ids come back") {
    const test::TempFolder folder;
    std::vector<Id> ids(60);
    std::iota(ids.begin(), ids.end(), Id{-1});
    for (const char* name : {"gt.ibin", "gt.ivecs", "gt.npy"}) {
        CAPTURE(name);
        const std::string path = folder.path(name);
        REQUIRE(write_ids(path, ids, 20).ok());
        const IdMatrix read = read_ids(path).value();
        CHECK(read.rows == 3);
        CHECK(read.columns == 20);
        CHECK(read.ids == ids);
        CHECK(read.distances.empty());
        CHECK(read.row(2)[0] == 39);
        CHECK(read_ids(path, 1).value().ids.size() == 20);
        expect(read_matrix(path), ErrorCode::unsupported, "read_ids");
    }
    std::vector<float> distances(60, 0.5F);
    distances[59] = 9;
    REQUIRE(write_ids(folder.path("with.ibin"), ids, 20, distances).ok());
    const IdMatrix both = read_ids(folder.path("with.ibin")).value();
    CHECK(both.ids == ids);
    CHECK(both.distances == distances);
    CHECK(read_ids(folder.path("with.ibin"), 2).value().distances.size() == 40);

    ids[7] = std::int64_t{1} << 31;
    CHECK(write_ids(folder.path("big.ibin"), ids, 20).error().code == ErrorCode::unsupported);
    REQUIRE(write_ids(folder.path("big.npy"), ids, 20).ok());
    CHECK(read_ids(folder.path("big.npy")).value().ids[7] == ids[7]);
}

TEST_CASE("bytes as others write them are read") {
    std::vector<std::byte> fbin;
    put(fbin, std::uint32_t{2});
    put(fbin, std::uint32_t{3});
    for (int i = 0; i < 6; ++i) put(fbin, static_cast<float>(i));
    const Matrix matrix = parse_matrix(".fbin", owned(fbin)).value();
    CHECK(reinterpret_cast<const float*>(matrix.view().row_data(1))[2] == 5.0F);

    std::vector<std::byte> fvecs;
    for (int row = 0; row < 2; ++row) {
        put(fvecs, std::int32_t{1});
        put(fvecs, static_cast<float>(row) + 0.5F);
    }
    CHECK(reinterpret_cast<const float*>(parse_matrix("fvecs", owned(fvecs)).value().view().row_data(1))[0] == 1.5F);
}

TEST_CASE("sizes are checked before anything is allocated") {
    expect(parse_matrix("fbin", owned({})), ErrorCode::corrupt, "expected a header of 8 bytes, got 0");
    expect(parse_matrix("fbin", bin(1000, 128, 511'999)), ErrorCode::corrupt,
           "1000 rows of 128 float32, which is a file of 512008 bytes; got 512007");
    expect(parse_matrix("fbin", bin(1000, 128, 512'001)), ErrorCode::corrupt, "got 512009");
    expect(parse_matrix("fbin", bin(0xffffffff, 65536, 100)), ErrorCode::corrupt, "a file of 1125899906580488 bytes");
    expect(parse_matrix("fbin", bin(1, 0, 0)), ErrorCode::corrupt, "0 dimensions; expected 1 to 65536");
    expect(parse_matrix("u8bin", bin(1, 65537, 65537)), ErrorCode::corrupt, "65537 dimensions");
    expect(parse_matrix("fbin", bin(0x93, 0x4d554e, 64)), ErrorCode::corrupt, "dimensions");
    expect(parse_ids("ibin", bin(2, 3, 25)), ErrorCode::corrupt, "a file of 32 bytes; got 33");
    CHECK(parse_ids("ibin", bin(2, 3, 48)).value().distances.size() == 6);
    CHECK(parse_matrix("fbin", bin(0, 3, 0)).value().rows == 0);
    expect(parse_matrix("fbin", bin(0, 3, 4)), ErrorCode::corrupt, "0 rows");
    expect(parse_matrix("fvecs", owned({})), ErrorCode::corrupt, "expected a dimension");
    expect(parse_matrix("fvecs", bin(2, 0, 3)), ErrorCode::corrupt, "is cut, or its rows differ");
    expect(parse_matrix("fvecs", bin(0xffffffff, 0, 3)), ErrorCode::corrupt, "4294967295 dimensions");
    expect(parse_matrix("ibin", bin(2, 3, 24)), ErrorCode::unsupported, "read_ids");
    expect(parse_ids("fbin", bin(2, 3, 24)), ErrorCode::unsupported, "holds float32");
    expect(parse_matrix("csv", bin(2, 3, 24)), ErrorCode::unsupported, "fbin, f16bin");
    expect(parse_matrix("", bin(2, 3, 24)), ErrorCode::unsupported, "got ''");
    CHECK_FALSE(is_vecs_path("rows.hdf5"));
    CHECK_FALSE(is_vecs_path("fbin"));
    CHECK_FALSE(is_vecs_path("folder.fbin/rows"));
}

TEST_CASE("a file whose rows differ in dimension is refused by row") {
    const test::TempFolder folder;
    std::vector<std::byte> bytes;
    for (std::uint32_t row = 0; row < 10; ++row) {
        put(bytes, row == 7 ? std::uint32_t{2} : std::uint32_t{1});
        put(bytes, 0.0F);
    }
    const std::string path = folder.path("mixed.fvecs");
    test::write_bytes(path, bytes);
    for (const Residency residency : {Residency::load, Residency::map}) {
        expect(read_matrix(path, {.residency = residency}), ErrorCode::corrupt,
               "row 7 has 2 dimensions; expected 1 as in row 0");
        CHECK(read_matrix(path, {.max_rows = 7, .residency = residency}).ok());
    }
    expect(parse_ids("ivecs", owned(bytes)), ErrorCode::corrupt, "row 7");
}

TEST_CASE("a Git LFS pointer in place of data is named") {
    const std::string_view pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    const auto text = std::as_bytes(std::span(pointer));
    expect(parse_matrix("fbin", owned({text.begin(), text.end()})), ErrorCode::corrupt, "git lfs pull");
    expect(parse_matrix("npy", owned({text.begin(), text.end()})), ErrorCode::corrupt, "git lfs pull");
}

TEST_CASE("values at odd addresses are copied to even ones") {
    std::vector<std::byte> bytes(1);
    put(bytes, std::uint32_t{3});
    put(bytes, std::uint32_t{2});
    for (int i = 0; i < 6; ++i) put(bytes, static_cast<float>(i));
    const Bytes all = owned(std::move(bytes));
    const Matrix matrix = parse_matrix("fbin", all.slice(1, all.size() - 1), 2).value();
    CHECK(reinterpret_cast<std::uintptr_t>(matrix.bytes.data()) % 64 == 0);
    CHECK(matrix.rows == 2);
    CHECK(reinterpret_cast<const float*>(matrix.view().row_data(1))[1] == 3.0F);
}

TEST_CASE("files that cannot hold the rows are refused before the old one is touched") {
    const test::TempFolder folder;
    const std::vector<float> values(12);
    const MatrixView rows(values.data(), 3, 4);
    const std::string path = folder.path("x.u8bin");
    test::write_text(path, "old");
    for (const Status& s : {write_matrix(path, rows), write_matrix(folder.path("x.ibin"), rows),
                            write_matrix(folder.path("x.bvecs"), rows),
                            write_matrix(folder.path("x.npy"), MatrixView(values.data(), 3, 4, Element::bfloat16)),
                            write_matrix(folder.path("x.npy"), MatrixView(values.data(), 3, 4, Element::bits)),
                            write_matrix(folder.path("x.fvecs"), MatrixView(values.data(), 0, 4)),
                            write_matrix(folder.path("x"), rows), write_ids(folder.path("x.fbin"), {}, 3)}) {
        REQUIRE_FALSE(s.ok());
        CHECK(s.error().code == ErrorCode::unsupported);
    }
    const std::vector<Id> ids(7);
    CHECK(write_ids(folder.path("x.ibin"), ids, 2).error().code == ErrorCode::invalid_argument);
    CHECK(write_ids(folder.path("x.ibin"), ids, 0).error().code == ErrorCode::invalid_argument);
    CHECK(write_ids(folder.path("x.ibin"), ids, 7, std::vector<float>(3)).error().code == ErrorCode::invalid_argument);
    CHECK(folder.names() == std::vector<std::string>{"x.u8bin"});
    REQUIRE(write_matrix(folder.path("none.fbin"), MatrixView(values.data(), 0, 4)).ok());
    CHECK(read_matrix(folder.path("none.fbin")).value().dim == 4);
}

TEST_CASE("a full disk while writing rows is an error and leaves nothing") {
    test::SimulatedDisk disk;
    disk.set_fault(test::Fault::disk_full, 1);
    const std::vector<float> values(1 << 20);
    CHECK(write_matrix("x.fbin", MatrixView(values.data(), 1 << 10, 1 << 10), disk).error().code == ErrorCode::io);
    CHECK(disk.names().empty());
}
