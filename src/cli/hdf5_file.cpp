#include "cli/hdf5_file.hpp"

#include "cli/failure.hpp"
#include "cli/text.hpp"

#if TONARI_HDF5
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <span>
#include <vector>

#include <hdf5.h>

#include <tonari/core/aligned.hpp>
#endif

namespace tonari::cli {

bool is_hdf5_path(const std::string& path) {
    const std::string extension = extension_of(path);
    return extension == "hdf5" || extension == "h5";
}

#if !TONARI_HDF5

namespace {

[[noreturn]] void without() {
    fail_arguments(
        "HDF5: expected a command built with libhdf5, got one without; install libhdf5-dev and build again, "
        "or convert the file to fbin");
}

}  // namespace

bool hdf5_available() noexcept { return false; }
bool hdf5_has(const std::string& /*path*/, const std::string& /*dataset*/) { without(); }
Matrix hdf5_matrix(const std::string& /*path*/, const std::string& /*dataset*/, std::size_t /*max_rows*/,
                   std::string* /*rounded*/) {
    without();
}
IdMatrix hdf5_ids(const std::string& /*path*/, const std::string& /*dataset*/) { without(); }
std::string hdf5_distance(const std::string& /*path*/) { without(); }

#else

namespace {

/// Closes what HDF5 opened.
class Handle {
public:
    using Close = herr_t (*)(hid_t);
    Handle(hid_t id, Close close) noexcept : id_(id), close_(close) {}
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() {
        if (id_ >= 0) close_(id_);
    }
    [[nodiscard]] hid_t id() const noexcept { return id_; }
    [[nodiscard]] bool ok() const noexcept { return id_ >= 0; }

private:
    hid_t id_;
    Close close_;
};

hid_t open_file(const std::string& path) {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // we say what went wrong, in one line
    const hid_t id = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    if (id < 0) fail_world(path + ": expected a readable HDF5 file, got none; check the path, or fetch the file again");
    return id;
}

/// An open data set of two dimensions.
class Table {
public:
    Table(const std::string& path, const std::string& dataset)
        : what_(path + ": data set '" + dataset + "'"),
          file_(open_file(path), H5Fclose),
          set_(H5Dopen2(file_.id(), dataset.c_str(), H5P_DEFAULT), H5Dclose) {
        if (!set_.ok()) fail_world(what_ + ": expected it in the file, got none; name another with --dataset");
        const Handle space(H5Dget_space(set_.id()), H5Sclose);
        hsize_t extent[2] = {0, 0};
        if (H5Sget_simple_extent_ndims(space.id()) != 2 ||
            H5Sget_simple_extent_dims(space.id(), extent, nullptr) != 2) {
            fail_world(what_ + ": expected two dimensions, got another shape; only dense sets can be read");
        }
        rows = static_cast<std::size_t>(extent[0]);
        columns = static_cast<std::size_t>(extent[1]);
        if (columns == 0 || columns > max_dim) {
            fail_world(what_ + ": expected 1 to " + std::to_string(max_dim) + " columns, got " +
                       std::to_string(columns) + "; only dense sets can be read");
        }
    }

    [[nodiscard]] hid_t id() const noexcept { return set_.id(); }

    /// Rows first ... first + count - 1; `type`: what the values become in memory.
    void read(hid_t type, std::size_t first, std::size_t count, void* into) const {
        const Handle from(H5Dget_space(set_.id()), H5Sclose);
        const hsize_t start[2] = {first, 0};
        const hsize_t size[2] = {count, columns};
        const Handle to(H5Screate_simple(2, size, nullptr), H5Sclose);
        if (H5Sselect_hyperslab(from.id(), H5S_SELECT_SET, start, nullptr, size, nullptr) < 0 ||
            H5Dread(set_.id(), type, to.id(), from.id(), H5P_DEFAULT, into) < 0) {
            fail_world(what_ + ": expected to read " + std::to_string(count) +
                       " rows, got an error; the file may be cut");
        }
    }

    std::size_t rows = 0;
    std::size_t columns = 0;

private:
    std::string what_;
    Handle file_;
    Handle set_;
};

AlignedBuffer memory(std::size_t rows, std::size_t row_size) {
    return require(AlignedBuffer::allocate(rows * row_size));
}

Matrix finish(AlignedBuffer values, std::size_t rows, std::size_t columns, Element element) {
    Matrix matrix;
    matrix.bytes = std::move(values).freeze();
    matrix.rows = rows;
    matrix.dim = static_cast<Dim>(columns);
    matrix.element = element;
    matrix.stride = row_bytes(element, matrix.dim);
    return matrix;
}

Matrix read_bits(const Table& table, hid_t type, std::size_t rows) {
    const std::size_t bytes = (table.columns + 7) / 8;
    std::vector<std::uint8_t> flags(rows * table.columns);
    table.read(type, 0, rows, flags.data());
    AlignedBuffer packed = memory(rows, bytes);
    const auto out = packed.as<std::uint8_t>();
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t i = 0; i < table.columns; ++i) {
            if (flags[row * table.columns + i] == 0) continue;
            std::uint8_t& byte = out[row * bytes + i / 8];
            byte = static_cast<std::uint8_t>(byte | (1U << (i % 8)));
        }
    }
    return finish(std::move(packed), rows, table.columns, Element::bits);
}

/// Whether every value of such numbers is one of float32's.
bool float32_holds(H5T_class_t kind, std::size_t size) noexcept {
    return kind == H5T_FLOAT ? size <= sizeof(float) : size <= 2;
}

/// Reads numbers that are wider than float32, some rows at a time, and says which is the first that was rounded.
std::string read_rounding(const Table& table, std::size_t rows, bool whole, std::span<float> into) {
    constexpr double last_whole = 9007199254740992;  // 2^53: HDF5 may have rounded whole numbers beyond it already
    const std::size_t step = std::max<std::size_t>(1, (std::size_t{1} << 20) / table.columns);
    std::vector<double> wide(step * table.columns);
    std::string note;
    for (std::size_t row = 0; row < rows; row += step) {
        const std::size_t count = std::min(step, rows - row);
        table.read(H5T_NATIVE_DOUBLE, row, count, wide.data());
        for (std::size_t i = 0; i < count * table.columns; ++i) {
            const double value = wide[i];
            const auto narrow = static_cast<float>(value);
            into[row * table.columns + i] = narrow;
            const bool same = std::isnan(value) || double{narrow} == value;
            const bool as_in_file = !whole || std::abs(value) < last_whole;
            if (!note.empty() || (same && as_in_file)) continue;
            char text[256];
            std::snprintf(text, sizeof text,
                          "expected values that float32 holds, got others, which were rounded: the first, %.17g at row "
                          "%zu, column %zu, became %.9g",
                          value, row + i / table.columns, i % table.columns, double{narrow});
            note = text;
        }
    }
    return note;
}

}  // namespace

bool hdf5_available() noexcept { return true; }

bool hdf5_has(const std::string& path, const std::string& dataset) {
    const Handle file(open_file(path), H5Fclose);
    return H5Lexists(file.id(), dataset.c_str(), H5P_DEFAULT) > 0;
}

Matrix hdf5_matrix(const std::string& path, const std::string& dataset, std::size_t max_rows, std::string* rounded) {
    const Table table(path, dataset);
    const std::size_t rows = std::min(table.rows, max_rows);
    const Handle type(H5Dget_type(table.id()), H5Tclose);
    const H5T_class_t kind = H5Tget_class(type.id());
    if (kind == H5T_ENUM) return read_bits(table, type.id(), rows);  // h5py writes booleans as an enumeration
    if (kind == H5T_INTEGER && H5Tget_size(type.id()) == 1) {
        const bool with_sign = H5Tget_sign(type.id()) == H5T_SGN_2;
        AlignedBuffer values = memory(rows, table.columns);
        table.read(with_sign ? H5T_NATIVE_INT8 : H5T_NATIVE_UINT8, 0, rows, values.data());
        return finish(std::move(values), rows, table.columns, with_sign ? Element::int8 : Element::uint8);
    }
    if (kind != H5T_FLOAT && kind != H5T_INTEGER) {
        fail_world(path + ": data set '" + dataset +
                   "': expected numbers, got another type; only dense sets can be read");
    }
    AlignedBuffer values = memory(rows, table.columns * sizeof(float));
    if (float32_holds(kind, H5Tget_size(type.id()))) {
        table.read(H5T_NATIVE_FLOAT, 0, rows, values.data());
    } else if (const std::string note = read_rounding(table, rows, kind == H5T_INTEGER, values.as<float>());
               !note.empty()) {
        if (rounded != nullptr) {
            *rounded = note;
        } else {
            std::fprintf(stderr, "note: %s: data set '%s': %s\n", path.c_str(), dataset.c_str(), note.c_str());
        }
    }
    return finish(std::move(values), rows, table.columns, Element::float32);
}

IdMatrix hdf5_ids(const std::string& path, const std::string& dataset) {
    const Table table(path, dataset);
    IdMatrix matrix;
    matrix.rows = table.rows;
    matrix.columns = table.columns;
    matrix.ids.resize(table.rows * table.columns);
    table.read(H5T_NATIVE_INT64, 0, table.rows, matrix.ids.data());
    return matrix;
}

std::string hdf5_distance(const std::string& path) {
    const Handle file(open_file(path), H5Fclose);
    if (H5Aexists(file.id(), "distance") <= 0) return {};
    const Handle attribute(H5Aopen(file.id(), "distance", H5P_DEFAULT), H5Aclose);
    const Handle type(H5Aget_type(attribute.id()), H5Tclose);
    if (H5Tget_class(type.id()) != H5T_STRING) return {};
    if (H5Tis_variable_str(type.id()) > 0) {
        char* word = nullptr;
        if (H5Aread(attribute.id(), type.id(), static_cast<void*>(&word)) < 0 || word == nullptr) return {};
        std::string copy = word;
        H5free_memory(word);
        return copy;
    }
    std::string word(H5Tget_size(type.id()), '\0');
    if (H5Aread(attribute.id(), type.id(), word.data()) < 0) return {};
    return word.substr(0, word.find('\0'));
}

#endif

}  // namespace tonari::cli
