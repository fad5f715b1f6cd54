// Views of the caller's rows: they own nothing, copy nothing and know their element type.
#pragma once

#include <cassert>
#include <span>
#include <vector>

#include <tonari/core/types.hpp>

namespace tonari {

/// One typed row. What a user's own metric is called with.
template <class T>
using VectorView = std::span<const T>;

/// One row of any element type: a pointer, its element and its dimension.
class RowView {
public:
    constexpr RowView() noexcept = default;
    constexpr RowView(const void* data, Element element, Dim dim) noexcept
        : data_(data), element_(element), dim_(dim) {}
    template <class T>
    constexpr RowView(std::span<const T> row) noexcept  // NOLINT(google-explicit-constructor): a span is a row
        : data_(row.data()),
          element_(ElementOf<T>::value),
          dim_(static_cast<Dim>(row.size() * (ElementOf<T>::value == Element::bits ? 8 : 1))) {}
    template <class T, class A>
    RowView(const std::vector<T, A>& row) noexcept
        : RowView(std::span<const T>(row)) {}  // NOLINT(google-explicit-constructor)

    [[nodiscard]] constexpr const void* data() const noexcept { return data_; }
    [[nodiscard]] constexpr Element element() const noexcept { return element_; }
    [[nodiscard]] constexpr Dim dim() const noexcept { return dim_; }
    [[nodiscard]] constexpr std::size_t bytes() const noexcept { return row_bytes(element_, dim_); }

private:
    const void* data_ = nullptr;
    Element element_ = Element::float32;
    Dim dim_ = 0;
};

/// n rows of one element type, `stride` bytes apart.
class MatrixView {
public:
    constexpr MatrixView() noexcept = default;
    constexpr MatrixView(const void* data, std::size_t rows, Dim dim, Element element, std::size_t stride = 0) noexcept
        : data_(static_cast<const std::byte*>(data)),
          rows_(rows),
          dim_(dim),
          element_(element),
          stride_(stride != 0 ? stride : row_bytes(element, dim)) {}
    /// Rows that lie one behind another; `dim` counts dimensions (for bits: of 8 per element).
    template <class T>
    constexpr MatrixView(const T* data, std::size_t rows, Dim dim) noexcept
        : MatrixView(static_cast<const void*>(data), rows, dim, ElementOf<T>::value) {}

    [[nodiscard]] constexpr std::size_t rows() const noexcept { return rows_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return rows_ == 0; }
    [[nodiscard]] constexpr Dim dim() const noexcept { return dim_; }
    [[nodiscard]] constexpr Element element() const noexcept { return element_; }
    [[nodiscard]] constexpr std::size_t stride() const noexcept { return stride_; }
    [[nodiscard]] constexpr const std::byte* data() const noexcept { return data_; }
    [[nodiscard]] constexpr const std::byte* row_data(std::size_t i) const noexcept { return data_ + i * stride_; }
    [[nodiscard]] constexpr RowView row(std::size_t i) const noexcept { return {row_data(i), element_, dim_}; }
    [[nodiscard]] constexpr MatrixView slice(std::size_t first, std::size_t count) const noexcept {
        assert(first + count <= rows_);
        return {data_ + first * stride_, count, dim_, element_, stride_};
    }

private:
    const std::byte* data_ = nullptr;
    std::size_t rows_ = 0;
    Dim dim_ = 0;
    Element element_ = Element::float32;
    std::size_t stride_ = 0;
};

}  // namespace tonari
