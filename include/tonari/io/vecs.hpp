// The files in which vectors travel: fbin and its kin, fvecs and its kin, npy. The kind is told by the extension:
//
//     .fbin .f16bin .bf16bin .u8bin .i8bin .ibin   uint32 rows, uint32 dim, then the rows       (.hbin = .f16bin)
//     .b1bin                                       the same; dim counts bits, a row takes (dim + 7) / 8 bytes
//     .fvecs .bvecs .ivecs                         each row: int32 dim, then its values
//     .npy                                         NumPy's own, versions 1 to 3, two dimensions, C order
//
// ibin, ivecs and integer npy are ids: ground truth. An ibin may have a block of float32 distances behind its ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tonari/core/bytes.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/types.hpp>
#include <tonari/core/view.hpp>
#include <tonari/io/file_system.hpp>
#include <tonari/io/residency.hpp>

namespace tonari {

/// Rows that own their memory, be it heap or map.
struct Matrix {
    Bytes bytes;  ///< starts with the first row's first value
    std::size_t rows = 0;
    Dim dim = 0;
    Element element = Element::float32;
    std::size_t stride = 0;  ///< bytes from row to row

    [[nodiscard]] MatrixView view() const noexcept { return {bytes.data(), rows, dim, element, stride}; }
};

/// Ids, row by row, and where the file has them the distances that belong to them.
struct IdMatrix {
    std::vector<Id> ids;           ///< rows * columns
    std::vector<float> distances;  ///< as many, or none
    std::size_t rows = 0;
    std::size_t columns = 0;

    [[nodiscard]] std::span<const Id> row(std::size_t i) const noexcept {
        return std::span(ids).subspan(i * columns, columns);
    }
};

struct ReadOptions {
    /// Rows behind these are not read.
    std::size_t max_rows = std::numeric_limits<std::size_t>::max();
    /// `load` packs the rows into memory of their own; `map` leaves them in the file, and may leave gaps between
    /// them (`stride`).
    Residency residency = Residency::load;
};

/// Whether `path` has one of the extensions above.
TONARI_API bool is_vecs_path(std::string_view path) noexcept;

/// The rows of a file. Sizes are checked against the file's before anything is allocated.
TONARI_API Result<Matrix> read_matrix(const std::string& path, const ReadOptions& options = {},
                                      FileSystem& files = FileSystem::local());
/// The same of a file's bytes in memory; `extension` says its kind ("fbin"). Copies only values that would stand at odd
/// addresses. Rows behind `limit` are left out.
TONARI_API Result<Matrix> parse_matrix(std::string_view extension, const Bytes& bytes,
                                       std::size_t limit = std::numeric_limits<std::size_t>::max());

TONARI_API Result<IdMatrix> read_ids(const std::string& path,
                                     std::size_t limit = std::numeric_limits<std::size_t>::max(),
                                     FileSystem& files = FileSystem::local());
TONARI_API Result<IdMatrix> parse_ids(std::string_view extension, const Bytes& bytes,
                                      std::size_t limit = std::numeric_limits<std::size_t>::max());

/// Writes whole or not at all. `unsupported` if the extension cannot hold the rows' element type.
TONARI_API Status write_matrix(const std::string& path, MatrixView rows, FileSystem& files = FileSystem::local());

/// `ids` are rows of `columns`; .ibin and .ivecs take int32, .npy int64. `distances`: as many, or none; .ibin only.
TONARI_API Status write_ids(const std::string& path, std::span<const Id> ids, std::size_t columns,
                            std::span<const float> distances = {}, FileSystem& files = FileSystem::local());

}  // namespace tonari
