// How a prepared query of FastScan lies:
//
//     | head, filled up to 64 bytes | table: quads x 64 bytes | the query, float32 | RaBitQ: it rotated | room for entries, float32 |
#pragma once

#include <cstddef>

#include "codec/relative.hpp"

namespace tonari::detail {

inline constexpr std::size_t points_a_part = 16;

}  // namespace tonari::detail
