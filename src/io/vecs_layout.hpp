// Where the rows of a vector file lie: proved from its first bytes and its size, before anything is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <tonari/core/result.hpp>
#include <tonari/core/types.hpp>

namespace tonari::vecs {

/// Which bytes stand around the values.
enum class Frame : std::uint8_t { bin, rows, npy };

enum class Scalar : std::uint8_t { float32, float16, bfloat16, int8, uint8, bits, int32, int64 };

std::string_view name(Scalar scalar) noexcept;
/// Bytes that `dim` of them take; `dim` is at most max_dim.
std::size_t row_bytes(Scalar scalar, Dim dim) noexcept;
bool is_element(Scalar scalar) noexcept;
Element element(Scalar scalar) noexcept;
Scalar scalar(Element element) noexcept;

struct Kind {
    Frame frame;
    Scalar scalar;  ///< npy says its own
};

/// From "fbin" or ".fbin".
Result<Kind> kind_of(std::string_view extension);
/// "a/b.fbin" -> "fbin"; "" without one.
std::string_view extension_of(std::string_view path) noexcept;

struct Layout {
    Kind kind = {};
    std::uint64_t first = 0;  ///< where the first row's values start
    std::size_t stride = 0;   ///< from row to row
    std::size_t rows = 0;
    Dim dim = 0;
    bool distances = false;  ///< ibin: a block of as many float32 follows

    [[nodiscard]] std::size_t row_size() const noexcept { return row_bytes(kind.scalar, dim); }
    /// Behind the last value of the first `count` rows, from `first`.
    [[nodiscard]] std::uint64_t extent(std::size_t count) const noexcept {
        return count == 0 ? 0 : std::uint64_t{count - 1} * stride + row_size();
    }
};

/// The most of a file's start that `layout_of` looks at.
inline constexpr std::size_t head_size = (std::size_t{1} << 16) + 64;

/// `head`: the first `min(head_size, file_size)` bytes.
Result<Layout> layout_of(Kind kind, std::span<const std::byte> head, std::uint64_t file_size);
/// The npy part of it: npy.cpp.
Result<Layout> npy_layout(std::span<const std::byte> head, std::uint64_t file_size);
/// The bytes before the values of an npy file.
std::string npy_header(Scalar scalar, std::size_t rows, std::size_t columns);

/// Whether `size` bytes from `first` on are exactly `rows` rows of `row_size` bytes. Cannot overflow.
bool holds_exactly(std::uint64_t file_size, std::uint64_t first, std::uint64_t rows, std::uint64_t row_size) noexcept;

}  // namespace tonari::vecs
