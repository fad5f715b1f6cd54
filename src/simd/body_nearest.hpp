// The nearest row of each query of a block: what stands between a block of distances and an assignment to centroids.
// Queries are lanes, so nothing crosses a vector. Row numbers travel as the bits of floats, which only moves touch.
#pragma once

#include <bit>

#include <tonari/simd/kernels.hpp>

#include "simd/unroll.hpp"
#include "simd/xsimd_shim.hpp"

namespace tonari::simd {
namespace {

template <class Machine>
void block_nearest(const float* values, std::size_t rows, std::uint32_t first, float* best,
                   std::uint32_t* which) noexcept {
    using F = typename Machine::F;
    constexpr std::size_t lanes = Machine::float_lanes;
    constexpr std::size_t vectors = block_queries / lanes < 4 ? block_queries / lanes : 4;  // what registers hold
    static_assert(sizeof(float) == sizeof(std::uint32_t));
    for (std::size_t q = 0; q < block_queries; q += vectors * lanes) {
        F nearest[vectors];
        F number[vectors];
        float bits[vectors * lanes];
        __builtin_memcpy(bits, which + q, sizeof bits);
        unroll<vectors>([&](auto v) __attribute__((always_inline)) {
            nearest[v.value] = F::load_unaligned(best + q + v.value * lanes);
            number[v.value] = F::load_unaligned(bits + v.value * lanes);
        });
        for (std::size_t i = 0; i < rows; ++i) {
            const F at(std::bit_cast<float>(first + static_cast<std::uint32_t>(i)));
            unroll<vectors>([&](auto v) __attribute__((always_inline)) {
                const F value = F::load_unaligned(values + i * block_queries + q + v.value * lanes);
                const auto nearer = value < nearest[v.value];
                nearest[v.value] = choose(nearer, value, nearest[v.value]);
                number[v.value] = choose(nearer, at, number[v.value]);
            });
        }
        unroll<vectors>([&](auto v) __attribute__((always_inline)) {
            nearest[v.value].store_unaligned(best + q + v.value * lanes);
            number[v.value].store_unaligned(bits + v.value * lanes);
        });
        __builtin_memcpy(which + q, bits, sizeof bits);
    }
}

}  // namespace
}  // namespace tonari::simd
