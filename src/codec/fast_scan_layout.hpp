// How a prepared query of FastScan lies, and what its files have in common:
//
//     | head, filled up to 64 bytes | table: quads x 64 bytes | the query, float32 | RaBitQ: it rotated | room for entries, float32 |
#pragma once

#include <cstddef>

#include <tonari/core/types.hpp>
#include <tonari/simd/kernels.hpp>

namespace tonari::detail {

struct FastScanHead {
    float base = 0;
    float step = 0;
    float slack = 0;   ///< the standard deviation that rounding the table adds to a sum
    float square = 0;  ///< |query|^2
    float add = 0;     ///< of the codec's own middle, as `enter` needs them
    float away = 0;    ///< |query - middle|
};
inline constexpr std::size_t head_bytes = 64;
static_assert(sizeof(FastScanHead) <= head_bytes);

inline constexpr std::size_t points_a_part = 16;
inline constexpr std::size_t float32_kernels = static_cast<std::size_t>(Element::float32) - 1;

inline float squared_length(const float* values, Dim dim) noexcept {
    return simd::kernels().squared_norm[float32_kernels](values, dim);
}

}  // namespace tonari::detail
