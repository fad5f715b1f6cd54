// What rounding does to a map: no more than the steps allow, nothing where there is nothing to round, and not at all where it would do
// too much. The oracle is arithmetic in double from the definitions.
#include <tonari/train/rounded_map.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <tonari/core/random.hpp>
#include <tonari/simd/level.hpp>

#include "support/catch.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;
using train::LinearMap;
using train::RoundedMap;

namespace {

std::vector<float> bells(std::size_t count, std::uint64_t seed, float scale = 1) {
    Random random(seed);
    std::vector<float> values(count);
    for (float& value : values) value = scale * static_cast<float>(bell(random));
    return values;
}
/// Rows of length 1 in random directions, and a middle.
LinearMap random_map(Dim in, Dim out, std::uint64_t seed) {
    std::vector<float> matrix = bells(std::size_t{in} * out, seed);
    for (Dim i = 0; i < out; ++i) {
        double square = 0;
        for (Dim d = 0; d < in; ++d) square += std::pow(double{matrix[std::size_t{i} * in + d]}, 2);
        for (Dim d = 0; d < in; ++d) matrix[std::size_t{i} * in + d] /= static_cast<float>(std::sqrt(square));
    }
    return LinearMap::create(in, out, matrix, bells(in, seed + 1, 3)).value();
}
double length(std::span<const float> values) {
    double square = 0;
    for (const float value : values) square += double{value} * value;
    return std::sqrt(square);
}

}  // namespace

TEST_CASE("rounded map: estimates are as far off as rounding allows", "[train]") {
    for (const Dim in : {16U, 63U, 128U, 785U}) {
        const Dim out = std::max(in / 6, 3U);
        const LinearMap map = random_map(in, out, in);
        const RoundedMap rounded = RoundedMap::of(map).value();
        REQUIRE_FALSE(rounded.empty());
        CHECK(rounded.bytes() == std::size_t{in} * out + (in + out) * sizeof(float));
        std::vector<std::int8_t> room(in);
        std::vector<float> estimates(out);
        std::vector<float> exact(out);
        double squares = 0;
        std::size_t tried = 0;
        for (std::uint64_t seed = 0; seed < 50; ++seed) {
            const std::vector<float> values = bells(in, 100 + seed, 0.01F + 5.0F * static_cast<float>(seed));
            std::vector<float> centred(in);
            for (Dim d = 0; d < in; ++d) centred[d] = values[d] - map.middle()[d];
            std::vector<float> given = values;
            map.apply(given.data(), exact.data());
            if (!rounded.apply(values.data(), room.data(), estimates.data())) continue;
            ++tried;
            // Half a step of each value times the matrix's row, and half a step of that times the value.
            const auto largest = [](std::span<const float> of) {
                float most = 0;
                for (const float value : of) most = std::max(most, std::abs(value));
                return double{most};
            };
            for (Dim i = 0; i < out; ++i) {
                const auto row = map.matrix().subspan(std::size_t{i} * in, in);
                const double half_row = largest(row) / 254;
                const double half_value = largest(centred) / 254;
                double allowed = 1e-4 * length(centred);
                for (Dim d = 0; d < in; ++d) {
                    allowed +=
                        std::abs(double{row[d]}) * half_value + (std::abs(double{centred[d]}) + half_value) * half_row;
                }
                CHECK(std::abs(double{estimates[i]} - exact[i]) <= allowed);
                squares += std::pow((double{estimates[i]} - exact[i]) / length(centred), 2) / out;
            }
        }
        CAPTURE(in, tried, squares);
        CHECK(tried > 40);
        // Of all values together, relative to the length: a fraction of the 1/64 that a value may be moved by.
        CHECK(std::sqrt(squares * out / static_cast<double>(tried)) < 1.0 / 64);
    }
}

TEST_CASE("rounded map: nothing is estimated where one value dwarfs the others", "[train]") {
    const Dim in = 256;
    const LinearMap map = random_map(in, 40, 5);
    const RoundedMap rounded = RoundedMap::of(map).value();
    std::vector<std::int8_t> room(in);
    std::vector<float> out(40);
    std::vector<float> values(map.middle().begin(), map.middle().end());
    SECTION("what is mapped") {
        values[17] += 1;  // the only one
        CHECK_FALSE(rounded.apply(values.data(), room.data(), out.data()));
        values[17] = std::numeric_limits<float>::infinity();
        CHECK_FALSE(rounded.apply(values.data(), room.data(), out.data()));
        values[17] = std::numeric_limits<float>::quiet_NaN();
        CHECK_FALSE(rounded.apply(values.data(), room.data(), out.data()));
    }
    SECTION("values too small for a scale") {
        for (Dim d = 0; d < in; ++d) values[d] = map.middle()[d];
        std::vector<float> matrix(map.matrix().begin(), map.matrix().end());
        const RoundedMap around_zero = RoundedMap::of(LinearMap::create(in, 40, matrix).value()).value();
        std::fill(values.begin(), values.end(), 1e-40F);
        CHECK_FALSE(around_zero.apply(values.data(), room.data(), out.data()));
    }
    SECTION("a row of the matrix") {
        std::vector<float> matrix(map.matrix().begin(), map.matrix().end());
        std::fill_n(matrix.begin() + std::ptrdiff_t{3} * 256, 256, 0.0F);
        matrix[3 * 256 + 9] = 1;
        CHECK(RoundedMap::of(LinearMap::create(in, 40, matrix).value()).value().empty());
        CHECK_FALSE(RoundedMap().apply(values.data(), room.data(), out.data()));
    }
    SECTION("nothing to map is mapped to nothing") {
        std::fill(out.begin(), out.end(), 1.0F);
        CHECK(rounded.apply(values.data(), room.data(), out.data()));
        CHECK(std::all_of(out.begin(), out.end(), [](float value) { return value == 0; }));
    }
}
