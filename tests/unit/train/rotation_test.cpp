// The random rotation keeps lengths and products, and spreads what stands in one value over all.
#include <tonari/train/rotation.hpp>

#include <cmath>
#include <vector>

#include <tonari/core/random.hpp>
#include <tonari/simd/kernels.hpp>

#include "support/catch.hpp"

using namespace tonari;
using train::Rotation;

namespace {

std::vector<float> rotated(const Rotation& rotation, const std::vector<float>& values) {
    std::vector<float> out(rotation.size());
    rotation.apply(values.data(), out.data());
    return out;
}
std::vector<float> random_values(std::size_t count, std::uint64_t seed) {
    Random random(seed);
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(unit(random()) * 2 - 1);
    return values;
}
double product(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
    return sum;
}

}  // namespace

TEST_CASE("a rotation keeps products, at every size") {
    for (Dim dim = 1; dim <= 300; ++dim) {
        const Rotation rotation(dim, 7);
        REQUIRE(rotation.size() >= dim);
        REQUIRE(rotation.size() % 16 == 0);
        REQUIRE(rotation.size() < dim + 16);
        const auto a = random_values(dim, dim);
        const auto b = random_values(dim, dim + 1000);
        const auto ra = rotated(rotation, a);
        const auto rb = rotated(rotation, b);
        const double scale = std::sqrt(product(a, a) * product(b, b));
        REQUIRE(std::abs(product(ra, rb) - product(a, b)) <= 1e-5 * scale);
        REQUIRE(std::abs(product(ra, ra) - product(a, a)) <= 1e-5 * product(a, a));
    }
    for (const Dim dim : {784U, 1000U, 1536U, 4096U, 65535U}) {
        const Rotation rotation(dim, 8);
        const auto a = random_values(dim, dim);
        const auto ra = rotated(rotation, a);
        CHECK(std::abs(product(ra, ra) - product(a, a)) <= 1e-5 * product(a, a));
    }
}

TEST_CASE("one value is spread over all of a rotated row") {
    for (const Dim dim : {96U, 128U, 200U, 784U, 960U, 1536U}) {
        double largest = 0;
        double fourth = 0;  // 3 for normally distributed values
        const std::size_t tries = 64;
        for (std::size_t seed = 0; seed < tries; ++seed) {
            std::vector<float> values(dim);
            values[hash(1, seed) % dim] = 1;
            const auto out = rotated(Rotation(dim, seed), values);
            for (const float value : out) {
                const double normal = double{value} * std::sqrt(static_cast<double>(out.size()));
                largest = std::max(largest, std::abs(normal));
                fourth += normal * normal * normal * normal / static_cast<double>(out.size() * tries);
            }
        }
        CAPTURE(dim, largest, fourth);
        CHECK(largest < 6.5);
        CHECK(fourth < 3.5);
    }
}

TEST_CASE("a seed is a rotation, at every level the same bits") {
    const auto values = random_values(784, 3);
    const auto expected = rotated(Rotation(784, 5), values);
    CHECK(rotated(Rotation(784, 5), values) == expected);
    CHECK(rotated(Rotation(784, 6), values) != expected);
    const std::vector<float> given = random_values(1040, 4);
    std::vector<std::uint64_t> signs(simd::rotation_rounds * (given.size() + 63) / 64 + simd::rotation_rounds);
    for (std::size_t i = 0; i < signs.size(); ++i) signs[i] = hash(9, i);
    for (const simd::Level level : simd::available_levels()) {
        for (std::size_t size = 16; size <= given.size(); size += 16) {
            std::vector<float> turned(given.begin(), given.begin() + static_cast<std::ptrdiff_t>(size));
            std::vector<float> by_reference = turned;
            simd::kernels(level)->rotate(turned.data(), size, signs.data());
            simd::kernels(simd::Level::reference)->rotate(by_reference.data(), size, signs.data());
            CAPTURE(simd::name(level), size);
            REQUIRE(turned == by_reference);
        }
    }
}
