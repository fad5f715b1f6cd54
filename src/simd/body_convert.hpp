// Element conversions and the search for NaN and infinities. What is plain shifting and masking is a plain loop:
// compilers vectorise it with the flags of the level.
#pragma once

#include <bit>

#include "simd/body_rows.hpp"
#include "simd/half.hpp"
#include "simd/xsimd_shim.hpp"

namespace tonari::simd {
namespace {

template <class Machine>
void float32_to_float32(const float* in, void* out, std::size_t count) noexcept {
    __builtin_memcpy(out, in, count * 4);
}

template <class Machine>
void float32_from_float32(const void* in, float* out, std::size_t count) noexcept {
    __builtin_memcpy(out, in, count * 4);
}

template <class Machine>
void float32_to_float16(const float* in, void* out, std::size_t count) noexcept {
    using F = typename Machine::F;
    auto* to = static_cast<std::byte*>(out);
    std::size_t i = 0;
    for (; i + Machine::float_lanes <= count; i += Machine::float_lanes) {
        Machine::store_float16(F::load_unaligned(in + i), to + i * 2);
    }
    for (; i < count; ++i) {
        const std::uint16_t bits = float_to_half(in[i]);
        __builtin_memcpy(to + i * 2, &bits, 2);
    }
}

template <class Machine>
void float32_to_bfloat16(const float* in, void* out, std::size_t count) noexcept {
    auto* to = static_cast<std::byte*>(out);
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint16_t bits = float_to_bfloat(in[i]);
        __builtin_memcpy(to + i * 2, &bits, 2);
    }
}

template <class Machine>
void float32_from_float16(const void* in, float* out, std::size_t count) noexcept {
    using F = typename Machine::F;
    const auto* from = static_cast<const std::byte*>(in);
    std::size_t i = 0;
    for (; i + Machine::float_lanes <= count; i += Machine::float_lanes) {
        F values;
        Machine::template row<Element::float16>(from + i * 2, &values);
        values.store_unaligned(out + i);
    }
    for (; i < count; ++i) {
        std::uint16_t bits;
        __builtin_memcpy(&bits, from + i * 2, 2);
        out[i] = half_to_float(bits);
    }
}

template <class Machine>
void float32_from_bfloat16(const void* in, float* out, std::size_t count) noexcept {
    const auto* from = static_cast<const std::byte*>(in);
    for (std::size_t i = 0; i < count; ++i) {
        std::uint16_t bits;
        __builtin_memcpy(&bits, from + i * 2, 2);
        const std::uint32_t wide = std::uint32_t{bits} << 16;
        __builtin_memcpy(out + i, &wide, 4);
    }
}

template <class Machine, class Integer>
void float32_from_integers(const void* in, float* out, std::size_t count) noexcept {
    const auto* from = static_cast<const Integer*>(in);
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(from[i]);
}

/// No exponent is all ones. Pieces, so that a bad value early in a long array ends the search early.
template <class Machine, class Bits, Bits ExponentMask>
bool exponents_finite(const void* values, std::size_t count) noexcept {
    constexpr std::size_t piece = 1024;
    const auto* from = static_cast<const std::byte*>(values);
    for (std::size_t first = 0; first < count; first += piece) {
        const std::size_t last = count - first < piece ? count : first + piece;
        Bits bad = 0;
        for (std::size_t i = first; i < last; ++i) {
            Bits bits;
            __builtin_memcpy(&bits, from + i * sizeof(Bits), sizeof(Bits));
            bad = static_cast<Bits>(bad | static_cast<Bits>((bits & ExponentMask) == ExponentMask));
        }
        if (bad != 0) return false;
    }
    return true;
}

}  // namespace
}  // namespace tonari::simd
