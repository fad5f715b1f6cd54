// Codes of a bit a value: every level writes what the reference does and sums to the same bits, at memory's end.
#include <cmath>

#include "support/catch.hpp"
#include "unit/simd/rows.hpp"

using namespace tonari;
using namespace tonari::simd;
using namespace tonari::simd::test;

TEST_CASE("signs are the same code and the same sums at every level, and leave other rows alone") {
    for (const std::size_t count : {16U, 32U, 48U, 64U, 128U, 208U, 784U, 1600U}) {
        Random random(count);
        const GuardedBytes value_bytes(count * sizeof(float));
        const GuardedBytes origin_bytes(count * sizeof(float));
        const auto* const values = reinterpret_cast<const float*>(value_bytes.data());
        const auto* const origin = reinterpret_cast<const float*>(origin_bytes.data());
        for (std::size_t i = 0; i < count; ++i) {
            // Zeros of both signs are not above 0.
            const float value = i % 11 == 0 ? 0.0F : i % 11 == 1 ? -0.0F : static_cast<float>(unit(random()) - 0.5);
            const auto of_origin = static_cast<float>(unit(random()) - 0.3);
            std::memcpy(value_bytes.data() + i * sizeof value, &value, sizeof value);
            std::memcpy(origin_bytes.data() + i * sizeof value, &of_origin, sizeof of_origin);
        }
        SignSums expected;
        double magnitude = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const auto value = static_cast<double>(values[i]);
            const auto of_origin = static_cast<double>(origin[i]);
            expected.square += value * value;
            expected.along += std::abs(value);
            expected.by_origin += value > 0 ? of_origin : -of_origin;
            expected.origin += value * of_origin;
            magnitude += std::abs(of_origin);
        }
        for (const Level level : available_levels()) {
            CAPTURE(name(level), count);
            for (std::size_t place = 0; place < nibble_rows; ++place) {
                const GuardedBytes block(count / 16 * 64);
                std::vector<std::byte> before(count / 16 * 64);
                for (std::size_t i = 0; i < before.size(); ++i) block.data()[i] = before[i] = std::byte(random());
                const SignSums got = kernels(level)->put_signs(values, origin, count, block.data(), place);
                const SignSums same = kernels(Level::reference)->put_signs(values, origin, count, before.data(), place);
                REQUIRE(std::equal(before.begin(), before.end(), block.data()));
                REQUIRE(got.square == same.square);
                REQUIRE(got.along == same.along);
                REQUIRE(got.by_origin == same.by_origin);
                REQUIRE(got.origin == same.origin);
                REQUIRE(std::abs(got.square - expected.square) <= 1e-12 * expected.square);
                REQUIRE(std::abs(got.along - expected.along) <= 1e-12 * expected.along);
                REQUIRE(std::abs(got.by_origin - expected.by_origin) <= 1e-12 * magnitude);
                REQUIRE(std::abs(got.origin - expected.origin) <= 1e-12 * magnitude);
            }
        }
        // The bits, by hand, of one row and of what stands beside it in the same bytes.
        std::vector<std::byte> block(count / 16 * 64, std::byte{0xFF});
        static_cast<void>(simd::kernels().put_signs(values, origin, count, block.data(), 21));
        for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t place = 0; place < nibble_rows; ++place) {
                const auto part = std::to_integer<unsigned>(block[i / 16 * 64 + place % 16 * 4 + i / 4 % 4]);
                const bool bit = (part >> (place / 16 * 4 + i % 4) & 1U) != 0;
                REQUIRE(bit == (place == 21 ? values[i] > 0 : true));
            }
        }
    }
}
