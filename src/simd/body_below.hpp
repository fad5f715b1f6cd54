// Which distances of a block are below their query's bound: what stands between a block of distances and a queue of
// neighbours. Almost none are, once the queue is full: a vector compare and a branch not taken are all it costs.
#pragma once

#include <tonari/simd/kernels.hpp>

#include "simd/unroll.hpp"

namespace tonari::simd {
namespace {

template <class Machine>
std::size_t block_below(const float* values, std::size_t rows, const float* bounds, std::uint32_t* hits) noexcept {
    using F = typename Machine::F;
    constexpr std::size_t lanes = Machine::float_lanes;
    constexpr std::size_t vectors = block_queries / lanes;
    std::size_t found = 0;
    for (std::size_t i = 0; i < rows; ++i) {
        std::uint32_t bits = 0;
        unroll<vectors>([&](auto v) __attribute__((always_inline)) {
            const F value = F::load_unaligned(values + i * block_queries + v.value * lanes);
            const F bound = F::load_unaligned(bounds + v.value * lanes);
            bits |= static_cast<std::uint32_t>(Machine::below(value, bound)) << (v.value * lanes);
        });
        for (; bits != 0; bits &= bits - 1) {
            hits[found++] = static_cast<std::uint32_t>(i * block_queries + static_cast<unsigned>(__builtin_ctz(bits)));
        }
    }
    return found;
}

}  // namespace
}  // namespace tonari::simd
