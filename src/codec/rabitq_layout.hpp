// What stands behind the signs of a row (drawn in tonari/codec/rabitq.hpp).
#pragma once

#include <cstddef>

namespace tonari::detail {

/// Bytes of the planes of all bits but the highest.
inline std::size_t plane_bytes(std::size_t values, std::size_t bits) noexcept { return (bits - 1) * (values / 8); }
/// Planes, and the three factors behind them.
inline std::size_t tail_bytes(std::size_t values, std::size_t bits) noexcept {
    return plane_bytes(values, bits) + 3 * sizeof(float);
}

}  // namespace tonari::detail
