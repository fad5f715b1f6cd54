// What half precision keeps of a float32 row, looked at without memory for the row.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include <tonari/core/types.hpp>
#include <tonari/simd/kernels.hpp>

namespace tonari {

/// Calls `look(first, halves)` with piece after piece of `values` narrowed to `store` (float16, bfloat16), `first` being
/// where the piece begins, until it returns false. True if it never did.
template <class Look>
bool look_narrowed(std::span<const float> values, Element store, const Look& look) noexcept {
    constexpr std::size_t piece = 256;
    std::array<std::uint16_t, piece> halves;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    const auto narrow = simd::kernels().from_float32[static_cast<std::size_t>(store) - 1];
    for (std::size_t first = 0; first < values.size(); first += piece) {
        const std::size_t count = std::min(piece, values.size() - first);
        narrow(values.data() + first, halves.data(), count);
        if (!look(first, std::span<const std::uint16_t>(halves).first(count))) return false;
    }
    return true;
}

}  // namespace tonari
