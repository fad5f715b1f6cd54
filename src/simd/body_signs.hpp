// Signs of a row as a code of a bit a value (drawn in tonari/simd/kernels.hpp), and the sums that make factors of it.
//
// Sums are of 16 lanes in float64, added up in their order: products of two float32 are exact there, so that fusing them with the
// addition changes nothing, and neither does the width of a machine's vectors.
#pragma once

#include <cstdint>
#include <cstring>

#include <tonari/simd/kernels.hpp>

#include "simd/layout.hpp"
#include "simd/unroll.hpp"
#include "simd/xsimd_shim.hpp"

namespace tonari::simd {
namespace {

// Widening is what xsimd has no portable word for.
using SignFloats = float __attribute__((vector_size(16)));
using SignWords = std::int32_t __attribute__((vector_size(16)));
using SignDoubles = double __attribute__((vector_size(32)));

template <class Machine>
SignSums put_signs(const float* values, const float* origin, std::size_t count, std::byte* block,
                   std::size_t place) noexcept {
    using F = typename Machine::F;
    constexpr std::size_t lanes = Machine::float_lanes;
    constexpr std::size_t vectors = 4;  // of 4 values
    const F zero(0.0F);
    SignDoubles square[vectors] = {};
    SignDoubles along[vectors] = {};
    SignDoubles by_origin[vectors] = {};
    SignDoubles products[vectors] = {};
    for (std::size_t i = 0; i < count; i += 16) {
        unsigned bits = 0;
        unroll<16 / lanes>([&](auto v) __attribute__((always_inline)) {
            bits |= Machine::below(zero, F::load_unaligned(values + i + v.value * lanes)) << (v.value * lanes);
        });
        set_sixteen_signs(block, place, i / 16, bits);
        unroll<vectors>([&](auto v) __attribute__((always_inline)) {
            SignFloats value;
            SignFloats of_origin;
            std::memcpy(&value, values + i + 4 * v.value, sizeof value);
            std::memcpy(&of_origin, origin + i + 4 * v.value, sizeof of_origin);
            const SignWords sign = ~(value > 0) & INT32_MIN;
            const auto length = reinterpret_cast<SignFloats>(reinterpret_cast<SignWords>(value) & INT32_MAX);
            const auto turned = reinterpret_cast<SignFloats>(reinterpret_cast<SignWords>(of_origin) ^ sign);
            const SignDoubles wide = __builtin_convertvector(length, SignDoubles);
            const SignDoubles wide_turned = __builtin_convertvector(turned, SignDoubles);
            square[v.value] += wide * wide;
            along[v.value] += wide;
            by_origin[v.value] += wide_turned;
            products[v.value] += wide * wide_turned;  // both are turned alike
        });
    }
    SignSums sums;
    for (std::size_t i = 0; i < 16; ++i) {
        sums.square += square[i / 4][i % 4];
        sums.along += along[i / 4][i % 4];
        sums.by_origin += by_origin[i / 4][i % 4];
        sums.origin += products[i / 4][i % 4];
    }
    return sums;
}

}  // namespace
}  // namespace tonari::simd
