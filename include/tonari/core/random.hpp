// Randomness that is the same everywhere: a hash of (seed, index) rather than a generator with a state, so that
// threads need no order.
#pragma once

#include <cstdint>

namespace tonari {

/// SplitMix64's finaliser (Steele, Lea, Flood 2014).
constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

constexpr std::uint64_t hash(std::uint64_t seed, std::uint64_t index) noexcept { return mix64(mix64(seed) ^ index); }

/// Uniform in (0, 1].
constexpr double unit(std::uint64_t bits) noexcept { return static_cast<double>((bits >> 11) + 1) * 0x1.0p-53; }

/// A small generator for loops of one thread: the SplitMix64 sequence of a seed.
class Random {
public:
    using result_type = std::uint64_t;
    constexpr explicit Random(std::uint64_t seed) noexcept : state_(mix64(seed)) {}
    static constexpr result_type min() noexcept { return 0; }
    static constexpr result_type max() noexcept { return ~std::uint64_t{0}; }
    constexpr std::uint64_t operator()() noexcept { return mix64(state_++); }
    /// Uniform in [0, n), 0 < n <= 2^32 (Lemire's multiply-shift; its bias is below n / 2^32).
    constexpr std::uint64_t below(std::uint64_t n) noexcept { return ((*this)() >> 32) * n >> 32; }

private:
    std::uint64_t state_;
};

}  // namespace tonari
