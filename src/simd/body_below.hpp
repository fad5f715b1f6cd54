// Which of many distances are below a bound: what stands between a block of distances and a queue of neighbours.
// Almost none are, once the queue is full, so that a vector compare and a branch that is not taken are all it costs.
#pragma once

#include <tonari/simd/kernels.hpp>

#include "simd/unroll.hpp"

namespace tonari::simd {
namespace {

/// Appends first, first + 1, ... for the bits that are set.
TONARI_INLINE std::size_t append_hits(unsigned long long bits, std::size_t first, std::uint32_t* hits,
                                      std::size_t count) noexcept {
    for (; bits != 0; bits &= bits - 1) {
        hits[count++] = static_cast<std::uint32_t>(first + static_cast<std::size_t>(__builtin_ctzll(bits)));
    }
    return count;
}

template <class Machine>
std::size_t below(const float* values, std::size_t count, float bound, std::uint32_t* hits) noexcept {
    using F = typename Machine::F;
    constexpr std::size_t lanes = Machine::float_lanes;
    constexpr std::size_t vectors = 32 / lanes;
    std::size_t found = 0;
    std::size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        unsigned long long bits = 0;
        unroll<vectors>([&](auto v) __attribute__((always_inline)) {
            const F value = F::load_unaligned(values + i + v.value * lanes);
            bits |= static_cast<unsigned long long>(Machine::below(value, F(bound))) << (v.value * lanes);
        });
        if (bits != 0) found = append_hits(bits, i, hits, found);
    }
    for (; i < count; ++i) {
        if (values[i] < bound) hits[found++] = static_cast<std::uint32_t>(i);
    }
    return found;
}

template <class Machine>
std::size_t block_below(const float* values, std::size_t rows, const float* bounds, std::uint32_t* hits) noexcept {
    using F = typename Machine::F;
    constexpr std::size_t lanes = Machine::float_lanes;
    constexpr std::size_t vectors = block_queries / lanes;
    std::size_t found = 0;
    for (std::size_t i = 0; i < rows; ++i) {
        unsigned long long bits = 0;
        unroll<vectors>([&](auto v) __attribute__((always_inline)) {
            const F value = F::load_unaligned(values + i * block_queries + v.value * lanes);
            const F bound = F::load_unaligned(bounds + v.value * lanes);
            bits |= static_cast<unsigned long long>(Machine::below(value, bound)) << (v.value * lanes);
        });
        if (bits != 0) found = append_hits(bits, i * block_queries, hits, found);
    }
    return found;
}

}  // namespace
}  // namespace tonari::simd
