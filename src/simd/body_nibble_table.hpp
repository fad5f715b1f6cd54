// A query's table for blocks of 4-bit codes: first the entries as they are, then, when the widest part is known, as bytes.
#pragma once

#include <cstdint>
#include <limits>

#include <tonari/simd/kernels.hpp>

#include "simd/unroll.hpp"
#include "simd/xsimd_shim.hpp"

namespace tonari::simd {
namespace {

/// The smallest lane in all lanes.
template <class Machine, std::size_t Step = 1>
TONARI_INLINE typename Machine::F least_of(typename Machine::F values) noexcept {
    if constexpr (Step < Machine::float_lanes) {
        return least_of<Machine, 2 * Step>(at_most(values, Machine::template partner<Step>(values)));
    } else {
        return values;
    }
}

template <class Machine>
NibbleTable nibble_table(const float* query, const float* points, std::size_t stride, std::size_t parts,
                         std::size_t width, float* room, std::uint8_t* table) noexcept {
    using F = typename Machine::F;
    constexpr std::size_t lanes = Machine::float_lanes;
    constexpr std::size_t vectors = 16 / lanes;
    constexpr std::size_t together = 16;  // parts whose smallest entries are added up in float32
    alignas(64) float lane[lanes];
    F widest(0.0F);
    double base = 0;
    for (std::size_t part = 0; part < parts;) {
        F smallest(0.0F);
        for (const std::size_t end = part + together < parts ? part + together : parts; part < end; ++part) {
            F entries[vectors];
            unroll<vectors>([&](auto v) __attribute__((always_inline)) { entries[v.value] = F(0.0F); });
            for (std::size_t j = 0; j < width; ++j) {
                const F value(query[part * width + j]);
                unroll<vectors>([&](auto v) __attribute__((always_inline)) {
                    const F point = F::load_unaligned(points + part * stride + 16 * j + v.value * lanes);
                    entries[v.value] = multiply_add(value, point, entries[v.value]);
                });
            }
            F least = entries[0];
            unroll<vectors>([&](auto v) __attribute__((always_inline)) { least = at_most(entries[v.value], least); });
            least = least_of<Machine>(least);
            smallest = smallest + least;
            unroll<vectors>([&](auto v) __attribute__((always_inline)) {
                const F above = entries[v.value] - least;
                widest = at_least(above, widest);
                above.store_unaligned(room + 16 * part + v.value * lanes);
            });
        }
        smallest.store_aligned(lane);
        base += static_cast<double>(lane[0]);
    }
    widest.store_aligned(lane);
    float most = 0;
    for (const float above : lane) most = above > most ? above : most;

    const NibbleScale scale = nibble_scale(most);
    const F lift(scale.lift);
    const F inverse(scale.inverse);
    const F half(0.5F);
    for (std::size_t i = 0; i < 16 * parts; i += lanes) {
        Machine::store_bytes(multiply_add(F::load_unaligned(room + i) * lift, inverse, half), table + i);
    }
    return {static_cast<float>(base), scale.step};
}

}  // namespace
}  // namespace tonari::simd
