// Reading vector files. vecs_layout says where the rows are and has checked that the file is as large as that takes;
// what is left to check is that every row of a .fvecs has the first row's dimension.
#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include <tonari/core/aligned.hpp>
#include <tonari/io/vecs.hpp>

#include "text.hpp"
#include "vecs_layout.hpp"

namespace tonari {
namespace {

using vecs::Frame;
using vecs::Kind;
using vecs::Layout;

constexpr std::size_t chunk = std::size_t{4} << 20;

Error about(const std::string& path, Error error) {
    error.message = say("'", path, "': ", error.message);
    return error;
}

Error not_rows(const Layout& layout) {
    return {ErrorCode::unsupported,
            say("holds ", name(layout.kind.scalar), ", which are ids and not vectors: read it with read_ids")};
}

/// The dimension in front of a row; `values` is where its values start.
Status check_row_dim(const std::byte* values, std::size_t row, Dim expected) {
    std::uint32_t dim = 0;
    std::memcpy(&dim, values - sizeof(dim), sizeof(dim));
    if (dim == expected) return {};
    return Error{ErrorCode::corrupt,
                 say("row ", row, " has ", dim, " dimensions; expected ", expected, " as in row 0")};
}

Status check_row_dims(const Layout& layout, const std::byte* first_row, std::size_t rows) {
    if (layout.kind.frame != Frame::rows) return {};
    for (std::size_t i = 0; i < rows; ++i) {
        if (Status s = check_row_dim(first_row + i * layout.stride, i, layout.dim); !s) return s;
    }
    return {};
}

Result<Layout> layout_in_memory(std::string_view extension, const Bytes& bytes) {
    const Result<Kind> kind = vecs::kind_of(extension);
    if (!kind) return kind.error();
    return vecs::layout_of(*kind, bytes.span().first(std::min(bytes.size(), vecs::head_size)), bytes.size());
}

Result<Layout> layout_of_file(const std::string& path, const File& file, std::uint64_t size) {
    const Result<Kind> kind = vecs::kind_of(vecs::extension_of(path));
    if (!kind) return kind.error();
    std::vector<std::byte> head(static_cast<std::size_t>(std::min<std::uint64_t>(size, vecs::head_size)));
    if (const Status s = file.pread(0, head); !s) return s;
    return vecs::layout_of(*kind, head, size);
}

/// Rows that lie packed in the file already.
Status read_packed(const File& file, const Layout& layout, std::span<std::byte> out) {
    for (std::size_t at = 0; at < out.size(); at += chunk) {
        const std::size_t now = std::min(chunk, out.size() - at);
        if (Status s = file.pread(layout.first + at, out.subspan(at, now)); !s) return s;
    }
    return {};
}

/// Rows with their dimension in front.
Status read_and_pack(const File& file, const Layout& layout, std::size_t rows, std::byte* out) {
    const std::size_t at_once = std::max<std::size_t>(1, chunk / layout.stride);
    std::vector<std::byte> piece(std::min(rows, at_once) * layout.stride);
    for (std::size_t first = 0; first < rows; first += at_once) {
        const std::size_t now = std::min(at_once, rows - first);
        const std::uint64_t offset = layout.first - sizeof(std::uint32_t) + std::uint64_t{first} * layout.stride;
        if (Status s = file.pread(offset, std::span(piece).first(now * layout.stride)); !s) return s;
        for (std::size_t i = 0; i < now; ++i) {
            const std::byte* values = piece.data() + i * layout.stride + sizeof(std::uint32_t);
            if (Status s = check_row_dim(values, first + i, layout.dim); !s) return s;
            std::memcpy(out + (first + i) * layout.row_size(), values, layout.row_size());
        }
    }
    return {};
}

Result<Matrix> load_matrix(const std::string& path, const File& file, std::size_t limit) {
    const Result<std::uint64_t> size = file.size();
    if (!size) return size.error();
    const Result<Layout> layout = layout_of_file(path, file, *size);
    if (!layout) return layout.error();
    if (!is_element(layout->kind.scalar)) return not_rows(*layout);

    const std::size_t rows = std::min(layout->rows, limit);
    Result<AlignedBuffer> buffer = AlignedBuffer::allocate(rows * layout->row_size());
    if (!buffer) return std::move(buffer).error();
    const Status read = layout->kind.frame == Frame::rows ? read_and_pack(file, *layout, rows, buffer->data())
                                                          : read_packed(file, *layout, buffer->span());
    if (!read) return read;
    return Matrix{std::move(*buffer).freeze(), rows, layout->dim, element(layout->kind.scalar), layout->row_size()};
}

/// For values that stand where their type may not.
Result<Matrix> packed(const Matrix& matrix) {
    const std::size_t row = row_bytes(matrix.element, matrix.dim);
    Result<AlignedBuffer> buffer = AlignedBuffer::allocate(matrix.rows * row);
    if (!buffer) return std::move(buffer).error();
    for (std::size_t i = 0; i < matrix.rows; ++i) std::memcpy(buffer->data() + i * row, matrix.view().row_data(i), row);
    return Matrix{std::move(*buffer).freeze(), matrix.rows, matrix.dim, matrix.element, row};
}

bool misaligned(const Matrix& matrix) noexcept {
    const std::size_t unit = matrix.element == Element::float32                                          ? 4
                             : matrix.element == Element::float16 || matrix.element == Element::bfloat16 ? 2
                                                                                                         : 1;
    return reinterpret_cast<std::uintptr_t>(matrix.bytes.data()) % unit != 0 || matrix.stride % unit != 0;
}

template <class T>
void append_ids(std::vector<Id>& out, const std::byte* row, std::size_t columns) {
    for (std::size_t i = 0; i < columns; ++i) {
        T id = 0;
        std::memcpy(&id, row + i * sizeof(T), sizeof(T));  // at any address
        out.push_back(id);
    }
}

}  // namespace

bool is_vecs_path(std::string_view path) noexcept {
    try {
        return vecs::kind_of(vecs::extension_of(path)).ok();
    } catch (const std::bad_alloc&) {
        return false;
    }
}

Result<Matrix> parse_matrix(std::string_view extension, const Bytes& bytes, std::size_t limit) {
    const Result<Layout> layout = layout_in_memory(extension, bytes);
    if (!layout) return layout.error();
    if (!is_element(layout->kind.scalar)) return not_rows(*layout);
    const std::size_t rows = std::min(layout->rows, limit);
    if (const Status s = check_row_dims(*layout, bytes.data() + layout->first, rows); !s) return s;
    Matrix matrix{bytes.slice(static_cast<std::size_t>(layout->first), static_cast<std::size_t>(layout->extent(rows))),
                  rows, layout->dim, element(layout->kind.scalar), layout->stride};
    if (misaligned(matrix)) return packed(matrix);
    return matrix;
}

Result<Matrix> read_matrix(const std::string& path, const ReadOptions& options, FileSystem& files) {
    try {
        if (options.residency != Residency::load) {
            Result<Bytes> bytes = files.map(path);
            if (!bytes) return std::move(bytes).error();
            Result<Matrix> matrix = parse_matrix(vecs::extension_of(path), *bytes, options.max_rows);
            return matrix ? std::move(matrix) : about(path, std::move(matrix).error());
        }
        Result<std::unique_ptr<File>> file = files.open(path, OpenMode::read);
        if (!file) return std::move(file).error();
        Result<Matrix> matrix = load_matrix(path, **file, options.max_rows);
        return matrix ? std::move(matrix) : about(path, std::move(matrix).error());
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::out_of_memory, say("'", path, "': out of memory")};
    }
}

Result<IdMatrix> parse_ids(std::string_view extension, const Bytes& bytes, std::size_t limit) {
    const Result<Layout> layout = layout_in_memory(extension, bytes);
    if (!layout) return layout.error();
    if (is_element(layout->kind.scalar)) {
        return Error{ErrorCode::unsupported,
                     say("holds ", name(layout->kind.scalar), "; ids are int32 (ibin, ivecs, npy) or int64 (npy)")};
    }
    IdMatrix result;
    result.rows = std::min(layout->rows, limit);
    result.columns = layout->dim;
    const std::byte* first = bytes.data() + layout->first;
    if (const Status s = check_row_dims(*layout, first, result.rows); !s) return s;
    try {
        const std::size_t values = result.rows * result.columns;
        result.ids.reserve(values);
        for (std::size_t i = 0; i < result.rows; ++i) {
            const std::byte* row = first + i * layout->stride;
            if (layout->kind.scalar == vecs::Scalar::int32)
                append_ids<std::int32_t>(result.ids, row, result.columns);
            else
                append_ids<std::int64_t>(result.ids, row, result.columns);
        }
        if (layout->distances && values > 0) {
            result.distances.resize(values);
            std::memcpy(result.distances.data(), first + layout->rows * layout->stride, values * sizeof(float));
        }
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::out_of_memory,
                     say("out of memory for ", result.rows, " rows of ", result.columns, " ids")};
    }
    return result;
}

Result<IdMatrix> read_ids(const std::string& path, std::size_t limit, FileSystem& files) {
    const Result<Bytes> bytes = files.map(path);
    if (!bytes) return bytes.error();
    Result<IdMatrix> ids = parse_ids(vecs::extension_of(path), *bytes, limit);
    return ids ? std::move(ids) : about(path, std::move(ids).error());
}

}  // namespace tonari
