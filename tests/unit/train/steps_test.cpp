// Steps that values are rounded to: what a uniform quantizer of least squared error is known to be.
#include <tonari/train/steps.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <tonari/core/random.hpp>

#include "support/catch.hpp"

using namespace tonari;

namespace {

/// About normal, as the sum of twelve.
std::vector<float> normal_values(std::size_t count, std::uint64_t seed) {
    Random random(seed);
    std::vector<float> values(count);
    for (float& value : values) {
        double sum = -6;
        for (int i = 0; i < 12; ++i) sum += unit(random());
        value = static_cast<float>(sum);
    }
    return values;
}

double error_of(const train::Steps& steps, unsigned levels, const std::vector<float>& values) {
    double error = 0;
    for (const float value : values) {
        const double level = train::nearest_level(steps, levels, value) - (levels - 1) / 2.0;
        error += std::pow(
            static_cast<double>(value) - (static_cast<double>(steps.middle) + static_cast<double>(steps.step) * level),
            2);
    }
    return error / static_cast<double>(values.size());
}

}  // namespace

TEST_CASE("steps: evenly spread values are divided evenly", "[train]") {
    std::vector<float> values;
    for (int i = 0; i < 1600; ++i) values.push_back(10 + (static_cast<float>(i) + 0.5F) / 100);
    const train::Steps steps = train::train_steps(values, 16, false);
    CHECK(std::abs(steps.middle - 18) < 0.02F);
    CHECK(std::abs(steps.step - 1) < 0.01F);
    CHECK(train::nearest_level(steps, 16, 10.2F) == 0);
    CHECK(train::nearest_level(steps, 16, -100) == 0);
    CHECK(train::nearest_level(steps, 16, 17.9F) == 7);
    CHECK(train::nearest_level(steps, 16, 18.1F) == 8);
    CHECK(train::nearest_level(steps, 16, 1e30F) == 15);
}

TEST_CASE("steps: of normal values they are those of Max 1960, and better than the whole range", "[train]") {
    const std::vector<float> values = normal_values(20'000, 3);
    for (const bool symmetric : {false, true}) {
        std::vector<float> sample = values;
        const train::Steps steps = train::train_steps(sample, 16, symmetric);
        CAPTURE(symmetric, steps.middle, steps.step);
        CHECK(std::abs(steps.middle) <= (symmetric ? 0.0F : 0.05F));
        CHECK(std::abs(steps.step - 0.335F) < 0.03F);
        const double error = error_of(steps, 16, values);
        CHECK(error < 0.0125);  // 0.01154 where values are quite normal
        const auto [least, most] = std::minmax_element(values.begin(), values.end());
        const train::Steps whole{0, (*most - *least) / 16};
        CHECK(error < 0.85 * error_of(whole, 16, values));
    }
}

TEST_CASE("steps: values far off are left beyond", "[train]") {
    std::vector<float> values = normal_values(5'000, 4);
    values[17] = 1e4F;
    const train::Steps steps = train::train_steps(values, 16, true);
    CHECK(steps.step < 0.5F);
}

TEST_CASE("steps: none, one, equal and few values", "[train]") {
    CHECK(train::train_steps({}, 16, false).step == 0);
    std::vector<float> equal(50, 3.5F);
    const train::Steps steps = train::train_steps(equal, 16, false);
    CHECK(steps.middle == 3.5F);
    CHECK(steps.step == 0);
    CHECK(train::nearest_level(steps, 16, 3.5F) == 8);
    std::vector<float> two{-2, -2, 6, 6};
    CHECK(error_of(train::train_steps(two, 16, false), 16, two) < 1e-9);
    std::vector<float> zeros(9, 0.0F);
    CHECK(train::train_steps(zeros, 16, true).step == 0);
    std::vector<float> huge{-3e38F, 3e38F, 1e38F};
    CHECK(std::isfinite(train::train_steps(huge, 16, false).step));
}
