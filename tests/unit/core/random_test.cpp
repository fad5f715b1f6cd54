// Randomness that must be the same on every machine and in every version: files depend on it.
#include <tonari/core/random.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "support/catch.hpp"

using namespace tonari;

TEST_CASE("the numbers never change") {
    CHECK(mix64(0) == 0xe220a8397b1dcdafULL);                      // the first output of SplitMix64 with seed 0
    CHECK(mix64(0x9e3779b97f4a7c15ULL) == 0x6e789e6aa1b965f4ULL);  // and its second
    static_assert(hash(1, 2) == mix64(mix64(1) ^ 2));
}

TEST_CASE("below stays below and is even") {
    Random random(42);
    for (const std::uint64_t n : {1ULL, 2ULL, 3ULL, 10ULL, 1000ULL, 1ULL << 32}) {
        for (int i = 0; i < 1000; ++i) CHECK(random.below(n) < n);
    }
    std::array<int, 7> counts = {};
    constexpr int draws = 70'000;
    for (int i = 0; i < draws; ++i) ++counts[static_cast<std::size_t>(random.below(7))];
    for (const int c : counts) CHECK(std::abs(c - draws / 7) < 500);  // five standard deviations
}

TEST_CASE("unit lies in (0, 1]") {
    CHECK(unit(0) > 0);
    CHECK(unit(~std::uint64_t{0}) == 1.0);
    double sum = 0;
    for (std::uint64_t i = 0; i < 10'000; ++i) sum += unit(hash(7, i));
    CHECK(std::abs(sum / 10'000 - 0.5) < 0.02);
}

TEST_CASE("seeds and indexes that are neighbours have nothing in common") {
    std::set<std::uint64_t> seen;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        for (std::uint64_t i = 0; i < 100; ++i) seen.insert(hash(seed, i));
    }
    CHECK(seen.size() == 10'000);
    Random a(5);
    Random b(5);
    for (int i = 0; i < 100; ++i) CHECK(a() == b());
}
