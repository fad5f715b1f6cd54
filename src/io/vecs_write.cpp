// Writing vector files, whole or not at all (atomic_file.hpp).
#include <array>
#include <cstring>
#include <limits>
#include <string>

#include <tonari/io/atomic_file.hpp>
#include <tonari/io/vecs.hpp>

#include "text.hpp"
#include "vecs_layout.hpp"

namespace tonari {
namespace {

using vecs::Frame;
using vecs::Kind;
using vecs::Scalar;

std::span<const std::byte> bytes_of(std::string_view text) noexcept { return std::as_bytes(std::span(text)); }

Error cannot_hold(const std::string& path, std::string_view what) {
    return {ErrorCode::unsupported, say("'", path, "': this kind of file cannot hold ", what)};
}

/// What stands before the first row.
Status write_head(AtomicFile& file, const std::string& path, Frame frame, Scalar scalar, std::size_t rows,
                  std::size_t columns) {
    if (frame == Frame::npy) return file.append(bytes_of(vecs::npy_header(scalar, rows, columns)));
    if (rows > std::numeric_limits<std::uint32_t>::max()) return cannot_hold(path, say(rows, " rows; npy can"));
    if (frame == Frame::rows) return {};
    const std::array head = {static_cast<std::uint32_t>(rows), static_cast<std::uint32_t>(columns)};
    return file.append(std::as_bytes(std::span(head)));
}

Status write_row_head(AtomicFile& file, Frame frame, std::size_t columns) {
    if (frame != Frame::rows) return {};
    const auto dim = static_cast<std::uint32_t>(columns);
    return file.append(std::as_bytes(std::span(&dim, 1)));
}

Status check_columns(const std::string& path, std::size_t columns) {
    if (columns >= 1 && columns <= max_dim) return {};
    return Error{ErrorCode::invalid_argument,
                 say("'", path, "': expected rows of 1 to ", max_dim, " values, got ", columns)};
}

Status write_int32(AtomicFile& file, const std::string& path, std::span<const Id> row) {
    for (const Id id : row) {
        if (id < std::numeric_limits<std::int32_t>::min() || id > std::numeric_limits<std::int32_t>::max()) {
            return cannot_hold(path, say("id ", id, ", which is no int32; npy can"));
        }
        const auto narrow = static_cast<std::int32_t>(id);
        if (Status s = file.append(std::as_bytes(std::span(&narrow, 1))); !s) return s;
    }
    return {};
}

}  // namespace

Status write_matrix(const std::string& path, MatrixView rows, FileSystem& files) {
    const Result<Kind> kind = vecs::kind_of(vecs::extension_of(path));
    if (!kind) return kind.error();
    const Scalar scalar = vecs::scalar(rows.element());
    const bool fits = kind->frame == Frame::npy ? !vecs::npy_header(scalar, 0, 0).empty() : kind->scalar == scalar;
    if (!fits) return cannot_hold(path, say(name(rows.element()), " rows"));
    if (Status s = check_columns(path, rows.dim()); !s) return s;
    if (kind->frame == Frame::rows && rows.empty())
        return cannot_hold(path, "no rows at all: their dimension would be lost");

    Result<AtomicFile> file = AtomicFile::create(path, true, files);
    if (!file) return file.status();
    if (Status s = write_head(*file, path, kind->frame, scalar, rows.rows(), rows.dim()); !s) return s;
    const std::size_t row = row_bytes(rows.element(), rows.dim());
    for (std::size_t i = 0; i < rows.rows(); ++i) {
        if (Status s = write_row_head(*file, kind->frame, rows.dim()); !s) return s;
        if (Status s = file->append({rows.row_data(i), row}); !s) return s;
    }
    return file->commit();
}

Status write_ids(const std::string& path, std::span<const Id> ids, std::size_t columns,
                 std::span<const float> distances, FileSystem& files) {
    const Result<Kind> kind = vecs::kind_of(vecs::extension_of(path));
    if (!kind) return kind.error();
    const bool npy = kind->frame == Frame::npy;
    if (!npy && kind->scalar != Scalar::int32) return cannot_hold(path, "ids: use ibin, ivecs or npy");
    if (!distances.empty() && kind->frame != Frame::bin)
        return cannot_hold(path, "distances beside ids: use ibin, or a file of their own");
    if (Status s = check_columns(path, columns); !s) return s;
    if (ids.size() % columns != 0 || (!distances.empty() && distances.size() != ids.size())) {
        return Error{ErrorCode::invalid_argument,
                     say("'", path, "': expected whole rows of ", columns, " ids and as many distances or none, got ",
                         ids.size(), " ids and ", distances.size(), " distances")};
    }
    const std::size_t rows = ids.size() / columns;
    if (kind->frame == Frame::rows && rows == 0) return cannot_hold(path, "no rows at all: their length would be lost");

    Result<AtomicFile> file = AtomicFile::create(path, true, files);
    if (!file) return file.status();
    if (Status s = write_head(*file, path, kind->frame, npy ? Scalar::int64 : Scalar::int32, rows, columns); !s)
        return s;
    for (std::size_t i = 0; i < rows; ++i) {
        const auto row = ids.subspan(i * columns, columns);
        if (Status s = write_row_head(*file, kind->frame, columns); !s) return s;
        if (Status s = npy ? file->append(std::as_bytes(row)) : write_int32(*file, path, row); !s) return s;
    }
    if (Status s = file->append(std::as_bytes(distances)); !s) return s;
    return file->commit();
}

}  // namespace tonari
