// A row of float32 or half precision, looked at as float32 without memory for the row.
#pragma once

#include <algorithm>
#include <array>
#include <span>

#include <tonari/core/view.hpp>
#include <tonari/simd/kernels.hpp>

namespace tonari {

/// Calls `look(first, values)` with piece after piece of the row, `first` being where the piece begins: float32 rows in one.
template <class Look>
void look_widened(RowView row, const Look& look) noexcept {
    if (row.element() == Element::float32) {
        return look(Dim{0}, std::span(static_cast<const float*>(row.data()), row.dim()));
    }
    constexpr Dim piece = 256;
    std::array<float, piece> wide;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    const auto widen = simd::kernels().to_float32[static_cast<std::size_t>(row.element()) - 1];
    for (Dim first = 0; first < row.dim(); first += piece) {
        const Dim count = std::min(piece, row.dim() - first);
        widen(static_cast<const std::byte*>(row.data()) + row_bytes(row.element(), first), wide.data(), count);
        look(first, std::span<const float>(wide).first(count));
    }
}

}  // namespace tonari
