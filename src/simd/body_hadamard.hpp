// The Walsh-Hadamard transform, in place and not scaled: every butterfly is a sum and a difference. Steps at least as long as
// a vector take whole vectors; the shorter ones are left to the compiler.
#pragma once

#include "simd/unroll.hpp"
#include "simd/xsimd_shim.hpp"

namespace tonari::simd {
namespace {

/// Butterflies of one length within one vector's floats.
template <std::size_t Lanes>
TONARI_INLINE void transform_within(float* values) noexcept {
    for (std::size_t half = 1; half < Lanes; half *= 2) {
        for (std::size_t i = 0; i < Lanes; i += 2 * half) {
            for (std::size_t j = i; j < i + half; ++j) {
                const float a = values[j];
                const float b = values[j + half];
                values[j] = a + b;
                values[j + half] = a - b;
            }
        }
    }
}

/// `count` is a power of two.
template <class Machine>
void hadamard(float* values, std::size_t count) noexcept {
    using F = typename Machine::F;
    constexpr std::size_t lanes = Machine::float_lanes;
    if (count < lanes) {
        for (std::size_t half = 1; half < count; half *= 2) {
            for (std::size_t i = 0; i < count; ++i) {
                if ((i & half) != 0) continue;
                const float a = values[i];
                const float b = values[i + half];
                values[i] = a + b;
                values[i + half] = a - b;
            }
        }
        return;
    }
    for (std::size_t i = 0; i < count; i += lanes) transform_within<lanes>(values + i);
    for (std::size_t half = lanes; half < count; half *= 2) {
        for (std::size_t i = 0; i < count; i += 2 * half) {
            for (std::size_t j = i; j < i + half; j += lanes) {
                const F a = F::load_unaligned(values + j);
                const F b = F::load_unaligned(values + j + half);
                (a + b).store_unaligned(values + j);
                (a - b).store_unaligned(values + j + half);
            }
        }
    }
}

}  // namespace
}  // namespace tonari::simd
