// Loops that the compiler sees unrolled from the start.
//
// An array of accumulators stays in registers only if every index is a constant before the optimiser looks at it.
// GCC 12 unrolls `acc[i % 4]` too late for that, and the loop becomes up to 2.7 times slower.
#pragma once

#include <cstddef>
#include <utility>

#define TONARI_INLINE inline __attribute__((always_inline))

namespace tonari::simd {
namespace {

template <std::size_t I>
struct Index {
    static constexpr std::size_t value = I;
};

template <class Body, std::size_t... I>
TONARI_INLINE void unroll_over(Body&& body, std::index_sequence<I...>) noexcept {
    (body(Index<I>{}), ...);
}

/// body(Index<0>{}), ..., body(Index<N - 1>{}).
template <std::size_t N, class Body>
TONARI_INLINE void unroll(Body&& body) noexcept {
    unroll_over(static_cast<Body&&>(body), std::make_index_sequence<N>{});
}

}  // namespace
}  // namespace tonari::simd
