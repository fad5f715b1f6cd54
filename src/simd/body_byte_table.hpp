// A query's table for codes of a byte a part, and which of 256 points is nearest to a part of a row: the points of a
// value are lanes, so that nothing crosses a vector but at the end.
#pragma once

#include <cstdint>
#include <limits>

#include <tonari/simd/kernels.hpp>

#include "simd/layout.hpp"
#include "simd/unroll.hpp"
#include "simd/xsimd_shim.hpp"

namespace tonari::simd {
namespace {

inline constexpr std::size_t point_vectors = 4;  // at a time: what hides the latency of a sum

/// As xsimd's reductions, whose order would be each machine's own: the smallest and the largest have none.
template <class Machine>
TONARI_INLINE float least_lane(typename Machine::F values) noexcept {
    alignas(64) float lane[Machine::float_lanes];
    values.store_aligned(lane);
    float least = lane[0];
    for (const float value : lane) least = value < least ? value : least;
    return least;
}
template <class Machine>
TONARI_INLINE float most_lane(typename Machine::F values) noexcept {
    alignas(64) float lane[Machine::float_lanes];
    values.store_aligned(lane);
    float most = lane[0];
    for (const float value : lane) most = value > most ? value : most;
    return most;
}

template <class Machine>
NibbleTable byte_table(const float* query, const float* points, std::size_t parts, std::size_t width, float* room,
                       std::uint8_t* table) noexcept {
    using F = typename Machine::F;
    constexpr std::size_t lanes = Machine::float_lanes;
    constexpr std::size_t step = point_vectors * lanes;
    constexpr float largest = std::numeric_limits<float>::max();
    float widest = 0;
    double base = 0;
    for (std::size_t part = 0; part < parts; ++part) {
        const float* const of_part = points + part * width * points_a_byte;
        float* const entries = room + part * points_a_byte;
        F least(largest);
        F most(-largest);
        for (std::size_t c = 0; c < points_a_byte; c += step) {
            F sums[point_vectors];
            unroll<point_vectors>([&](auto v) __attribute__((always_inline)) { sums[v.value] = F(0.0F); });
            for (std::size_t j = 0; j < width; ++j) {
                const F value(query[part * width + j]);
                unroll<point_vectors>([&](auto v) __attribute__((always_inline)) {
                    const F point = F::load_unaligned(of_part + j * points_a_byte + c + v.value * lanes);
                    sums[v.value] = multiply_add(value, point, sums[v.value]);
                });
            }
            unroll<point_vectors>([&](auto v) __attribute__((always_inline)) {
                least = at_most(sums[v.value], least);
                most = at_least(sums[v.value], most);
                sums[v.value].store_unaligned(entries + c + v.value * lanes);
            });
        }
        const float smallest = least_lane<Machine>(least);
        const float range = most_lane<Machine>(most) - smallest;
        base += static_cast<double>(smallest);
        widest = range > widest ? range : widest;
        const F subtracted(smallest);
        for (std::size_t c = 0; c < points_a_byte; c += lanes) {
            const F above = F::load_unaligned(entries + c) - subtracted;
            at_most(above, F(largest)).store_unaligned(entries + c);
        }
    }
    widest = widest < largest ? widest : largest;
    const NibbleScale scale = nibble_scale(widest);
    const F lift(scale.lift);
    const F inverse(scale.inverse);
    const F half(0.5F);
    for (std::size_t i = 0; i < points_a_byte * parts; i += lanes) {
        Machine::store_bytes(multiply_add(F::load_unaligned(room + i) * lift, inverse, half), table + i);
    }
    constexpr double limit = largest;
    return {static_cast<float>(base < -limit ? -limit : base > limit ? limit : base), scale.step};
}

template <class Machine>
void byte_points(const float* values, const float* points, std::size_t parts, std::size_t width,
                 std::byte* codes) noexcept {
    using F = typename Machine::F;
    constexpr std::size_t lanes = Machine::float_lanes;
    constexpr std::size_t step = point_vectors * lanes;
    alignas(64) float number[points_a_byte];
    for (std::size_t c = 0; c < points_a_byte; ++c) number[c] = static_cast<float>(c);
    for (std::size_t part = 0; part < parts; ++part) {
        const float* const of_part = points + part * width * points_a_byte;
        F nearest(std::numeric_limits<float>::infinity());
        F which(0.0F);
        for (std::size_t c = 0; c < points_a_byte; c += step) {
            F away[point_vectors];
            unroll<point_vectors>([&](auto v) __attribute__((always_inline)) { away[v.value] = F(0.0F); });
            for (std::size_t j = 0; j < width; ++j) {
                const F value(values[part * width + j]);
                unroll<point_vectors>([&](auto v) __attribute__((always_inline)) {
                    const F point = F::load_unaligned(of_part + j * points_a_byte + c + v.value * lanes);
                    const F difference = value - point;
                    away[v.value] = multiply_add(difference, difference, away[v.value]);
                });
            }
            unroll<point_vectors>([&](auto v) __attribute__((always_inline)) {
                const auto nearer = away[v.value] < nearest;
                nearest = choose(nearer, away[v.value], nearest);
                which = choose(nearer, F::load_aligned(number + c + v.value * lanes), which);
            });
        }
        alignas(64) float best[lanes];
        alignas(64) float code[lanes];
        nearest.store_aligned(best);
        which.store_aligned(code);
        std::size_t at = 0;
        for (std::size_t i = 1; i < lanes; ++i) {
            if (best[i] < best[at] || (best[i] == best[at] && code[i] < code[at])) at = i;
        }
        codes[part] = static_cast<std::byte>(code[at]);
    }
}

}  // namespace
}  // namespace tonari::simd
