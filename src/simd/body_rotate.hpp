// A random rotation in place (drawn in tonari/simd/kernels.hpp). Every value is a sum or a difference of two, or one times a
// factor, in an order that is the same for all machines: so are the bits.
#pragma once

#include <array>
#include <bit>
#include <cmath>

#include <tonari/simd/kernels.hpp>

#include "simd/unroll.hpp"
#include "simd/xsimd_shim.hpp"

namespace tonari::simd {
namespace {

/// 1, or -1 for the lanes that are the second of a butterfly of this step.
template <std::size_t Lanes, std::size_t Step>
struct ButterflySigns {
    static constexpr std::array<float, Lanes> make() noexcept {
        std::array<float, Lanes> signs{};
        for (std::size_t i = 0; i < Lanes; ++i) signs[i] = (i & Step) == 0 ? 1.0F : -1.0F;
        return signs;
    }
    alignas(64) static constexpr std::array<float, Lanes> values = make();
};

/// Butterflies between the lanes of a vector. Products with 1 and -1 are exact: one rounding, whether fused or not.
template <class Machine, std::size_t Step = 1>
TONARI_INLINE typename Machine::F transform_lanes(typename Machine::F values) noexcept {
    using F = typename Machine::F;
    constexpr std::size_t lanes = Machine::float_lanes;
    if constexpr (Step < lanes) {
        const F signs = F::load_aligned(ButterflySigns<lanes, Step>::values.data());
        return transform_lanes<Machine, 2 * Step>(multiply_add(values, signs, Machine::template partner<Step>(values)));
    } else {
        return values;
    }
}

/// The Walsh-Hadamard transform of a power of two of values, at least a vector, times `scale`.
template <class Machine>
TONARI_INLINE void transform(float* values, std::size_t count, float scale) noexcept {
    using F = typename Machine::F;
    constexpr std::size_t lanes = Machine::float_lanes;
    const F factor(scale);
    for (std::size_t i = 0; i < count; i += lanes) {
        transform_lanes<Machine>(F::load_unaligned(values + i)).store_unaligned(values + i);
    }
    std::size_t half = lanes;
    for (; 4 * half <= count; half *= 4) {  // two steps at once: half as many loads and stores
        for (std::size_t i = 0; i < count; i += 4 * half) {
            for (float* at = values + i; at < values + i + half; at += lanes) {
                const F a = F::load_unaligned(at);
                const F b = F::load_unaligned(at + half);
                const F c = F::load_unaligned(at + 2 * half);
                const F d = F::load_unaligned(at + 3 * half);
                const F ab = a + b;
                const F less_b = a - b;
                const F cd = c + d;
                const F less_d = c - d;
                (ab + cd).store_unaligned(at);
                (less_b + less_d).store_unaligned(at + half);
                (ab - cd).store_unaligned(at + 2 * half);
                (less_b - less_d).store_unaligned(at + 3 * half);
            }
        }
    }
    if (half < count) {  // one is left
        for (float* at = values; at < values + half; at += lanes) {
            const F a = F::load_unaligned(at);
            const F b = F::load_unaligned(at + half);
            ((a + b) * factor).store_unaligned(at);
            ((a - b) * factor).store_unaligned(at + half);
        }
        return;
    }
    for (std::size_t i = 0; i < count; i += lanes) {
        (F::load_unaligned(values + i) * factor).store_unaligned(values + i);
    }
}

template <class Machine>
void rotate(float* values, std::size_t size, const std::uint64_t* signs) noexcept {
    using F = typename Machine::F;
    constexpr std::size_t lanes = Machine::float_lanes;
    const std::size_t mixed = std::bit_floor(size);
    const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(mixed)));
    const std::size_t half = size / 2;
    for (unsigned round = 0; round < rotation_rounds; ++round, signs += (size + 63) / 64) {
        for (std::size_t i = 0; i < size; i += lanes) {
            const auto bits = static_cast<unsigned>(signs[i / 64] >> (i % 64));
            Machine::flip(F::load_unaligned(values + i), bits).store_unaligned(values + i);
        }
        const bool last_ones = round % 2 == 1;
        transform<Machine>(values + (last_ones ? size - mixed : 0), mixed, scale);
        if (mixed == size || !last_ones) continue;
        const float halved = round + 1 == rotation_rounds ? 0.5F : 1.0F;  // twice mixed, values are twice as long
        const F factor(halved);
        std::size_t i = 0;
        for (; i + lanes <= half; i += lanes) {
            const F a = F::load_unaligned(values + i);
            const F b = F::load_unaligned(values + half + i);
            ((a + b) * factor).store_unaligned(values + i);
            ((a - b) * factor).store_unaligned(values + half + i);
        }
        for (; i < half; ++i) {
            const float a = values[i];
            const float b = values[half + i];
            values[i] = (a + b) * halved;
            values[half + i] = (a - b) * halved;
        }
    }
}

}  // namespace
}  // namespace tonari::simd
