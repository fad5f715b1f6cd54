#include "cli/hdf5_file.hpp"

#include "cli/failure.hpp"
#include "support/catch.hpp"

#if TONARI_HDF5
#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <hdf5.h>

#include "cli/command.hpp"
#include "cli/dataset.hpp"

using namespace tonari;

namespace {

/// A file as ann-benchmarks writes them, gone at the end.
class HdfFile {
public:
    HdfFile() : path_(new_path()), id_(H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {
        REQUIRE(id_ >= 0);
    }
    HdfFile(const HdfFile&) = delete;
    HdfFile& operator=(const HdfFile&) = delete;
    ~HdfFile() {
        close();
        std::remove(path_.c_str());
    }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    void add(const char* name, hid_t type, hsize_t rows, hsize_t columns, const void* values) {
        const hsize_t extent[2] = {rows, columns};
        const hid_t space = H5Screate_simple(columns == 0 ? 1 : 2, extent, nullptr);
        const hid_t set = H5Dcreate2(id_, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        REQUIRE(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
        H5Dclose(set);
        H5Sclose(space);
    }
    void distance(const char* word, bool variable) {
        const hid_t type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, variable ? H5T_VARIABLE : std::string(word).size());
        const hid_t space = H5Screate(H5S_SCALAR);
        const hid_t attribute = H5Acreate2(id_, "distance", type, space, H5P_DEFAULT, H5P_DEFAULT);
        REQUIRE(H5Awrite(attribute, type, variable ? static_cast<const void*>(&word) : word) >= 0);
        H5Aclose(attribute);
        H5Sclose(space);
        H5Tclose(type);
    }
    void close() {
        if (id_ >= 0) H5Fclose(id_);
        id_ = -1;
    }

private:
    /// Of its own: tests run side by side.
    static std::string new_path() {
        const std::string name = "tonari_test_" + std::to_string(std::random_device{}()) + ".hdf5";
        return (std::filesystem::temp_directory_path() / name).string();
    }
    std::string path_;
    hid_t id_;
};

}  // namespace

TEST_CASE("an ann-benchmarks file is a data set") {
    HdfFile file;
    const std::vector<float> train{0, 0, 1, 0, 2, 0, 3, 0};
    const std::vector<double> test{1.1, 0};
    const std::vector<std::int32_t> neighbors{1, 2};
    file.add("train", H5T_NATIVE_FLOAT, 4, 2, train.data());
    file.add("test", H5T_NATIVE_DOUBLE, 1, 2, test.data());
    file.add("neighbors", H5T_NATIVE_INT32, 1, 2, neighbors.data());
    file.distance("angular", GENERATE(false, true));
    file.close();

    cli::DatasetRequest request;
    request.data = file.path();
    const cli::Dataset data = cli::open_dataset(request);
    CHECK(data.base.rows == 4);
    CHECK(data.base.dim == 2);
    CHECK(data.base.element == Element::float32);
    CHECK(data.base.bytes.as<float>()[4] == 2);
    CHECK(data.queries.bytes.as<float>()[0] == 1.1F);
    CHECK(data.metric == MetricKind::cosine);
    REQUIRE(data.truth.has_value());
    CHECK(data.truth->ids == std::vector<Id>{1, 2});

    request.metric = "l2";  // the file's neighbours are of another metric
    CHECK_FALSE(cli::open_dataset(request).truth.has_value());
    CHECK(cli::hdf5_matrix(file.path(), "train", 3).rows == 3);
}

TEST_CASE("HDF5 bytes stay bytes and booleans become bits") {
    HdfFile file;
    const std::vector<std::uint8_t> bytes{0, 255, 7};
    const std::vector<std::int8_t> with_sign{-128, 127, 1};
    const std::vector<std::uint8_t> flags{1, 0, 0, 0, 0, 0, 0, 1, 0, 1};
    file.add("bytes", H5T_NATIVE_UINT8, 1, 3, bytes.data());
    file.add("signed", H5T_NATIVE_INT8, 1, 3, with_sign.data());
    const hid_t boolean = H5Tenum_create(H5T_NATIVE_INT8);
    const std::int8_t no = 0;
    const std::int8_t yes = 1;
    H5Tenum_insert(boolean, "FALSE", &no);
    H5Tenum_insert(boolean, "TRUE", &yes);
    file.add("flags", boolean, 1, 10, flags.data());
    H5Tclose(boolean);
    file.close();
    CHECK(cli::hdf5_matrix(file.path(), "bytes", 9).element == Element::uint8);
    CHECK(cli::hdf5_matrix(file.path(), "signed", 9).bytes.as<std::int8_t>()[0] == -128);
    const Matrix bits = cli::hdf5_matrix(file.path(), "flags", 9);
    CHECK(bits.element == Element::bits);
    CHECK(bits.dim == 10);
    CHECK(bits.bytes.as<std::uint8_t>()[0] == 0x81);
    CHECK(bits.bytes.as<std::uint8_t>()[1] == 0x02);
}

TEST_CASE("HDF5 numbers that float32 does not hold are rounded, and the first is told") {
    HdfFile file;
    const std::size_t rows = 400'000;  // more than are read at once
    std::vector<double> doubles(rows * 3, 0.5);
    file.add("exact", H5T_NATIVE_DOUBLE, rows, 3, doubles.data());
    doubles[rows * 3 - 2] = 0.1;
    doubles[rows * 3 - 1] = 1e300;
    file.add("wide", H5T_NATIVE_DOUBLE, rows, 3, doubles.data());
    const std::vector<std::int32_t> whole{1, -(1 << 24), (1 << 24) + 1, 3};
    file.add("whole", H5T_NATIVE_INT32, 2, 2, whole.data());
    const std::vector<std::int64_t> long_whole{std::int64_t{1} << 60, (std::int64_t{1} << 60) + 1};
    file.add("long", H5T_NATIVE_INT64, 2, 1, long_whole.data());
    const std::vector<std::int16_t> small{-32768, 32767};
    file.add("small", H5T_NATIVE_INT16, 1, 2, small.data());
    file.close();

    std::string note;
    CHECK(cli::hdf5_matrix(file.path(), "exact", rows, &note).bytes.as<float>()[rows * 3 - 1] == 0.5F);
    CHECK(note.empty());
    const Matrix wide = cli::hdf5_matrix(file.path(), "wide", rows, &note);
    CHECK(wide.bytes.as<float>()[0] == 0.5F);
    CHECK(wide.bytes.as<float>()[rows * 3 - 2] == 0.1F);
    CHECK(note.find("0.10000000000000001 at row 399999, column 1, became 0.100000001") != std::string::npos);
    note.clear();
    (void)cli::hdf5_matrix(file.path(), "wide", rows - 1, &note);  // its rounded values are in the last row
    CHECK(note.empty());
    CHECK(cli::hdf5_matrix(file.path(), "whole", 9, &note).bytes.as<float>()[1] == -16777216.0F);
    CHECK(note.find("16777217 at row 1, column 0, became 16777216") != std::string::npos);
    note.clear();
    (void)cli::hdf5_matrix(file.path(), "long", 9, &note);
    CHECK_FALSE(note.empty());
    note.clear();
    CHECK(cli::hdf5_matrix(file.path(), "small", 9, &note).bytes.as<float>()[0] == -32768.0F);
    CHECK(note.empty());
}

TEST_CASE("convert rounds HDF5 numbers only when it is told to") {
    HdfFile file;
    const std::vector<double> values{0.1, 0.5};
    file.add("train", H5T_NATIVE_DOUBLE, 1, 2, values.data());
    file.close();
    const std::string out = file.path() + ".fbin";
    const std::array words = {"tonari", "convert", file.path().c_str(), out.c_str(), "--lossy"};
    CHECK(cli::run(4, words.data()) == static_cast<int>(cli::Exit::arguments));
    CHECK_FALSE(std::filesystem::exists(out));
    CHECK(cli::run(5, words.data()) == 0);
    CHECK(read_matrix(out).value().bytes.as<float>()[0] == 0.1F);
    std::filesystem::remove(out);
}

TEST_CASE("HDF5 files that are none are refused") {
    CHECK_THROWS_AS(cli::hdf5_matrix("nowhere.hdf5", "train", 1), cli::Failure);
    HdfFile file;
    const std::vector<float> line{1, 2};
    file.add("line", H5T_NATIVE_FLOAT, 2, 0, line.data());
    file.close();
    CHECK_THROWS_AS(cli::hdf5_matrix(file.path(), "line", 1), cli::Failure);
    CHECK_THROWS_AS(cli::hdf5_matrix(file.path(), "train", 1), cli::Failure);
    CHECK(cli::hdf5_distance(file.path()).empty());
    CHECK_FALSE(cli::hdf5_has(file.path(), "neighbors"));
}

#else

TEST_CASE("without HDF5 the command says so") {
    CHECK_FALSE(tonari::cli::hdf5_available());
    CHECK_THROWS_AS(tonari::cli::hdf5_distance("x.hdf5"), tonari::cli::Failure);
}

#endif
