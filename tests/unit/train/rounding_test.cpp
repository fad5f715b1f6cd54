// How values become 8-bit integers: what the middle and the scale are, and what is clipped.
#include <tonari/train/rounding.hpp>

#include <cmath>
#include <limits>

#include "support/catch.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

train::Rounding rounding_of(const Rows& rows, train::Middle middle) {
    return train::train_rounding(rows.size(), rows.dim(), middle, [&](std::size_t i, float* out) {
        std::copy(rows.values(i).begin(), rows.values(i).end(), out);
    });
}

std::vector<int> rounded(std::vector<float> values, const float* middle, float scale) {
    std::vector<std::int8_t> out(values.size());
    train::round_to_int8(values, middle, scale, out.data());
    return {out.begin(), out.end()};
}

}  // namespace

TEST_CASE("rounding: the middle of each dimension, one scale for all", "[train]") {
    Rows rows(Element::float32, 2, 2);
    rows.set(0, std::vector<float>{10, -3});
    rows.set(1, std::vector<float>{20, -1});
    const train::Rounding rounding = rounding_of(rows, train::Middle::mean);
    CHECK(rounding.middle == std::vector<float>{15, -2});
    CHECK(rounding.scale == 127.0F / 5);
    CHECK(rounding.usable());
    const train::Rounding around_zero = rounding_of(rows, train::Middle::zero);
    CHECK(around_zero.middle.empty());
    CHECK(around_zero.scale == 127.0F / 20);
}

TEST_CASE("rounding: a few values far off do not take the bits from the others", "[train]") {
    Rows rows = clustered_rows(Element::float32, 16, 500, 1);
    const float before = rounding_of(rows, train::Middle::mean).scale;
    std::vector<float> far(rows.values(3).begin(), rows.values(3).end());
    far[5] = 1e6F;
    rows.set(3, far);
    CHECK(std::abs(rounding_of(rows, train::Middle::zero).scale / before - 1) < 0.5F);
}

TEST_CASE("rounding: values that leave no scale", "[train]") {
    Rows rows(Element::float32, 3, 40);
    CHECK_FALSE(rounding_of(rows, train::Middle::mean).usable());  // zeros
    for (std::size_t i = 0; i < rows.size(); ++i) rows.set(i, std::vector<float>{0.1F, -7, 1e18F});
    CHECK_FALSE(rounding_of(rows, train::Middle::mean).usable());  // equal
    CHECK(rounding_of(rows, train::Middle::zero).usable());
    rows.set(9, std::vector<float>{0.1F, -7.5F, 1e18F});
    CHECK(rounding_of(rows, train::Middle::mean).usable());
}

TEST_CASE("rounding: halves go away from zero, what is too large to the end", "[train]") {
    CHECK(rounded({0, 0.49F, 0.5F, -0.5F, 1.4F, -126.5F, 127, 127.4F, 1e30F, -1e30F}, nullptr, 1) ==
          std::vector<int>{0, 0, 1, -1, 1, -127, 127, 127, 127, -127});
    const std::vector<float> middle = {10, 10, -1e19F};
    CHECK(rounded({10.3F, 9, 1e19F}, middle.data(), 10) == std::vector<int>{3, -10, 127});
    constexpr float most = std::numeric_limits<float>::max();
    CHECK(rounded({1e-45F, 1, -most}, nullptr, most) == std::vector<int>{0, 127, -127});
}
