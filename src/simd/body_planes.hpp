// Codes of 2 to 8 bits a value whose bits lie in planes (drawn in tonari/simd/kernels.hpp), and how well such codes tell
// magnitudes.
//
// A bit b that counts 2^p adds 2^p (b - 1/2): half of the value that stands there, with its sign turned where the bit is not
// set. So planes are sums of values whose signs are turned, without whole numbers in between. A machine may know a better way,
// as AVX-512 does: masks of 64 bits put codes together as bytes.
#pragma once

#include <cstdint>
#include <cstring>

#include <tonari/simd/kernels.hpp>

#include "simd/layout.hpp"
#include "simd/unroll.hpp"
#include "simd/xsimd_shim.hpp"

namespace tonari::simd {
namespace {

template <class Machine, std::size_t Bits>
float planes_product_of(const float* query, std::size_t count, const std::byte* block, std::size_t place,
                        const std::byte* planes) noexcept {
    if constexpr (requires { Machine::template planes_product<Bits>(query, count, block, place, planes); }) {
        return Machine::template planes_product<Bits>(query, count, block, place, planes);
    } else {
        using F = typename Machine::F;
        constexpr std::size_t lanes = Machine::float_lanes;
        F sums[Bits];  // by plane, the highest first, of the values whose signs are turned where bits are set
        unroll<Bits>([&](auto p) __attribute__((always_inline)) { sums[p.value] = F(0.0F); });
        for (std::size_t i = 0; i < count; i += 16) {
            unsigned bits[Bits];
            bits[0] = sixteen_signs(block, place, i / 16);
            unroll<Bits - 1>([&](auto p) __attribute__((always_inline)) {
                std::uint16_t sixteen;
                std::memcpy(&sixteen, planes + p.value * (count / 8) + i / 8, sizeof sixteen);
                bits[p.value + 1] = sixteen;
            });
            unroll<16 / lanes>([&](auto v) __attribute__((always_inline)) {
                constexpr std::size_t at = v.value * lanes;
                const F values = F::load_unaligned(query + i + at);
                unroll<Bits>([&](auto p) __attribute__((always_inline)) {
                    sums[p.value] = sums[p.value] + Machine::flip(values, bits[p.value] >> at);
                });
            });
        }
        F sum = sums[0];
        unroll<Bits - 1>([&](auto p) __attribute__((always_inline)) { sum = sum + sum + sums[p.value + 1]; });
        return -0.5F * Machine::sum(sum);
    }
}

template <class Machine>
float planes_product(const float* query, std::size_t count, const std::byte* block, std::size_t place,
                     const std::byte* planes, std::size_t bits) noexcept {
    switch (bits) {
        case 2: return planes_product_of<Machine, 2>(query, count, block, place, planes);
        case 3: return planes_product_of<Machine, 3>(query, count, block, place, planes);
        case 4: return planes_product_of<Machine, 4>(query, count, block, place, planes);
        case 5: return planes_product_of<Machine, 5>(query, count, block, place, planes);
        case 6: return planes_product_of<Machine, 6>(query, count, block, place, planes);
        case 7: return planes_product_of<Machine, 7>(query, count, block, place, planes);
        default: return planes_product_of<Machine, 8>(query, count, block, place, planes);
    }
}

template <class Machine>
RoundedSums rounded_sums(const float* values, std::size_t count, float scale, float most) noexcept {
    using F = typename Machine::F;
    constexpr std::size_t lanes = Machine::float_lanes;
    constexpr std::size_t vectors = 16 / lanes;
    const F factor(scale);
    const F last(most);
    const F half(0.5F);
    const F whole(0x1.8p23F);  // what is added to it has no bits behind the point
    F along[vectors];
    F square[vectors];
    unroll<vectors>([&](auto v) __attribute__((always_inline)) { along[v.value] = square[v.value] = F(0.0F); });
    for (std::size_t i = 0; i < count; i += 16) {
        unroll<vectors>([&](auto v) __attribute__((always_inline)) {
            const F value = F::load_unaligned(values + i + v.value * lanes);
            const F below = at_most(multiply_add(value, factor, -half), last);
            const F middle = (below + whole) - whole + half;
            along[v.value] = multiply_add(value, middle, along[v.value]);
            square[v.value] = multiply_add(middle, middle, square[v.value]);
        });
    }
    unroll<vectors - 1>([&](auto v) __attribute__((always_inline)) {
        along[0] = along[0] + along[v.value + 1];
        square[0] = square[0] + square[v.value + 1];
    });
    return {Machine::sum(along[0]), Machine::sum(square[0])};
}

}  // namespace
}  // namespace tonari::simd
