// Values as whole numbers of 8 bits (train/rounding.hpp): halves go away from 0, and the bytes are the same at every level.
#pragma once

#include <cstdint>

#include <tonari/simd/kernels.hpp>

#include "simd/xsimd_shim.hpp"

namespace tonari::simd {
namespace {

inline constexpr float most_rounded = 127;

inline std::int8_t round_value(float away, float scale) noexcept {
    float scaled = away * scale;
    scaled = scaled < -most_rounded ? -most_rounded : scaled > most_rounded ? most_rounded : scaled;
    return static_cast<std::int8_t>(scaled < 0 ? scaled - 0.5F : scaled + 0.5F);
}

template <class Machine>
void round_int8(const float* values, const float* middle, float scale, std::size_t count, std::int8_t* out) noexcept {
    using F = typename Machine::F;
    constexpr std::size_t lanes = Machine::float_lanes;
    const F by(scale);
    const F most(most_rounded);
    const F least(-most_rounded);
    const F half(0.5F);
    const F zero(0.0F);
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        F away = F::load_unaligned(values + i);
        if (middle != nullptr) away = away - F::load_unaligned(middle + i);
        const F scaled = at_least(at_most(away * by, most), least);
        Machine::store_signed_bytes(scaled + choose(scaled < zero, -half, half), out + i);
    }
    for (; i < count; ++i) out[i] = round_value(middle == nullptr ? values[i] : values[i] - middle[i], scale);
}

}  // namespace
}  // namespace tonari::simd
