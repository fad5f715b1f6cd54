// float16 and bfloat16, one value at a time: the conversions that the vector ones must agree with, bit for bit.
//
//     float32   s eeeeeeee mmmmmmmmmmmmmmmmmmmmmmm
//     float16   s    eeeee mmmmmmmmmm                 exponent bias 15 (float32: 127)
//     bfloat16  s eeeeeeee mmmmmmm                    the upper half of a float32
//
// Rounding is to nearest even, overflow goes to infinity, subnormals are exact, NaN stays NaN (quiet, upper payload
// bits kept, as the hardware does).
#pragma once

#include <bit>
#include <cstdint>

namespace tonari::simd {
namespace {

constexpr float half_to_float(std::uint16_t half) noexcept {
    const std::uint32_t sign = (half & 0x8000U) << 16;
    const std::uint32_t exponent = (half >> 10) & 0x1FU;
    const std::uint32_t mantissa = half & 0x3FFU;
    if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24, exact
        const float magnitude = static_cast<float>(mantissa) * 0x1.0p-24F;
        return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
    }
    if (exponent == 0x1F) {
        const std::uint32_t quiet = mantissa != 0 ? 0x400000U : 0U;
        return std::bit_cast<float>(sign | 0x7F800000U | quiet | mantissa << 13);
    }
    return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

constexpr std::uint16_t float_to_half(float value) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = bits >> 16 & 0x8000U;
    const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
    std::uint32_t out = 0;
    if (magnitude > 0x7F800000U) {  // NaN
        out = 0x7E00U | (magnitude >> 13 & 0x3FFU);
    } else if (magnitude >= 0x477FF000U) {  // rounds to 65536 or more
        out = 0x7C00U;
    } else if (magnitude < 0x38800000U) {
        // Below 2^-14: adding 0.5 lines the last half bit up with the last float bit, and the adder rounds.
        const float lined_up = std::bit_cast<float>(magnitude) + 0.5F;
        out = std::bit_cast<std::uint32_t>(lined_up) - 0x3F000000U;
    } else {
        const std::uint32_t odd = magnitude >> 13 & 1U;
        out = (magnitude - (112U << 23) + 0xFFFU + odd) >> 13;
    }
    return static_cast<std::uint16_t>(sign | out);
}

constexpr float bfloat_to_float(std::uint16_t value) noexcept {
    return std::bit_cast<float>(std::uint32_t{value} << 16);
}

constexpr std::uint16_t float_to_bfloat(float value) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<std::uint16_t>(bits >> 16 | 0x40U);
    return static_cast<std::uint16_t>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
}

}  // namespace
}  // namespace tonari::simd
