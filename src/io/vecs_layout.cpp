#include "vecs_layout.hpp"

#include <array>
#include <cstring>

#include <tonari/io/format.hpp>

#include "text.hpp"

namespace tonari::vecs {
namespace {

struct Named {
    std::string_view extension;
    Kind kind;
};

constexpr std::array kinds = {
    Named{"fbin", {Frame::bin, Scalar::float32}},   Named{"f16bin", {Frame::bin, Scalar::float16}},
    Named{"hbin", {Frame::bin, Scalar::float16}},   Named{"bf16bin", {Frame::bin, Scalar::bfloat16}},
    Named{"u8bin", {Frame::bin, Scalar::uint8}},    Named{"i8bin", {Frame::bin, Scalar::int8}},
    Named{"b1bin", {Frame::bin, Scalar::bits}},     Named{"ibin", {Frame::bin, Scalar::int32}},
    Named{"fvecs", {Frame::rows, Scalar::float32}}, Named{"bvecs", {Frame::rows, Scalar::uint8}},
    Named{"ivecs", {Frame::rows, Scalar::int32}},   Named{"npy", {Frame::npy, Scalar::float32}},
};

Error corrupt(std::string message) { return {ErrorCode::corrupt, std::move(message)}; }

std::uint32_t word(std::span<const std::byte> head, std::size_t at) noexcept {
    std::uint32_t value = 0;
    std::memcpy(&value, head.data() + at, sizeof(value));
    return value;
}

Error bad_dim(std::uint32_t dim, std::span<const std::byte> head) {
    std::string message = say("header says ", dim, " dimensions; expected 1 to ", max_dim);
    if (dim > max_dim) message += say(" (the file is ", describe_content(head), ")");
    return corrupt(std::move(message));
}

Result<Layout> bin_layout(Kind kind, std::span<const std::byte> head, std::uint64_t file_size) {
    if (head.size() < 8) return corrupt(say("file is cut: expected a header of 8 bytes, got ", head.size()));
    const std::uint32_t rows = word(head, 0);
    const std::uint32_t dim = word(head, 4);
    if (dim == 0 || dim > max_dim) return bad_dim(dim, head);

    Layout layout{.kind = kind, .first = 8, .stride = row_bytes(kind.scalar, dim), .rows = rows, .dim = dim};
    if (holds_exactly(file_size, 8, rows, layout.stride)) return layout;
    if (kind.scalar == Scalar::int32 && holds_exactly(file_size, 8, rows, 2 * layout.stride)) {
        layout.distances = true;
        return layout;
    }
    const std::uint64_t expected = 8 + std::uint64_t{rows} * layout.stride;  // below 2^32 * 2^18
    return corrupt(say("header says ", rows, " rows of ", dim, ' ', name(kind.scalar), ", which is a file of ",
                       expected, " bytes; got ", file_size));
}

Result<Layout> rows_layout(Kind kind, std::span<const std::byte> head, std::uint64_t file_size) {
    if (head.size() < 4)
        return corrupt(say("file is cut: expected a dimension of 4 bytes, got ", head.size(), " bytes"));
    const std::uint32_t dim = word(head, 0);
    if (dim == 0 || dim > max_dim) return bad_dim(dim, head);
    const std::size_t stride = 4 + row_bytes(kind.scalar, dim);
    if (file_size % stride != 0) {
        return corrupt(say("first row has ", dim, " dimensions, which makes rows of ", stride, " bytes; the file of ",
                           file_size,
                           " bytes is not a whole number of them: it is cut, or its rows differ in dimension"));
    }
    const auto rows = static_cast<std::size_t>(file_size / stride);
    return Layout{.kind = kind, .first = 4, .stride = stride, .rows = rows, .dim = dim};
}

}  // namespace

std::string_view name(Scalar scalar) noexcept {
    switch (scalar) {
        case Scalar::float32: return "float32";
        case Scalar::float16: return "float16";
        case Scalar::bfloat16: return "bfloat16";
        case Scalar::int8: return "int8";
        case Scalar::uint8: return "uint8";
        case Scalar::bits: return "bits";
        case Scalar::int32: return "int32";
        case Scalar::int64: return "int64";
    }
    return "unknown";
}

std::size_t row_bytes(Scalar scalar, Dim dim) noexcept {
    switch (scalar) {
        case Scalar::int32: return std::size_t{dim} * 4;
        case Scalar::int64: return std::size_t{dim} * 8;
        default: return tonari::row_bytes(element(scalar), dim);
    }
}

bool is_element(Scalar scalar) noexcept { return scalar != Scalar::int32 && scalar != Scalar::int64; }

Element element(Scalar scalar) noexcept {
    switch (scalar) {
        case Scalar::float16: return Element::float16;
        case Scalar::bfloat16: return Element::bfloat16;
        case Scalar::int8: return Element::int8;
        case Scalar::uint8: return Element::uint8;
        case Scalar::bits: return Element::bits;
        default: return Element::float32;
    }
}

Scalar scalar(Element element) noexcept {
    switch (element) {
        case Element::float32: return Scalar::float32;
        case Element::float16: return Scalar::float16;
        case Element::bfloat16: return Scalar::bfloat16;
        case Element::int8: return Scalar::int8;
        case Element::uint8: return Scalar::uint8;
        case Element::bits: return Scalar::bits;
    }
    return Scalar::float32;
}

Result<Kind> kind_of(std::string_view extension) {
    if (extension.starts_with('.')) extension.remove_prefix(1);
    for (const Named& n : kinds) {
        if (n.extension == extension) return n.kind;
    }
    std::string all;
    for (const Named& n : kinds) all += say(all.empty() ? "" : ", ", n.extension);
    return Error{ErrorCode::unsupported, say("vector files end in one of ", all, "; got '", extension, "'")};
}

std::string_view extension_of(std::string_view path) noexcept {
    const std::string_view file = path.substr(path.rfind('/') + 1);
    const std::size_t dot = file.rfind('.');
    return dot == std::string_view::npos ? std::string_view{} : file.substr(dot + 1);
}

bool holds_exactly(std::uint64_t file_size, std::uint64_t first, std::uint64_t rows, std::uint64_t row_size) noexcept {
    if (file_size < first) return false;
    if (row_size == 0 || rows == 0) return file_size == first;
    return (file_size - first) % row_size == 0 && (file_size - first) / row_size == rows;
}

Result<Layout> layout_of(Kind kind, std::span<const std::byte> head, std::uint64_t file_size) {
    switch (kind.frame) {
        case Frame::bin: return bin_layout(kind, head, file_size);
        case Frame::rows: return rows_layout(kind, head, file_size);
        case Frame::npy: return npy_layout(head, file_size);
    }
    return Error{ErrorCode::unsupported, "unknown kind of vector file"};
}

}  // namespace tonari::vecs
