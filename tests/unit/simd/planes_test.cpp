// Codes whose bits lie in planes, and sums of rounded magnitudes: every level against the reference, at memory's end.
#include <cmath>

#include "support/catch.hpp"
#include "unit/simd/rows.hpp"

using namespace tonari;
using namespace tonari::simd;
using namespace tonari::simd::test;

TEST_CASE("products with codes in planes are about the same at every level, wherever the row lies") {
    const Kernels& reference = *kernels(Level::reference);
    for (const std::size_t count : {16U, 32U, 48U, 64U, 80U, 128U, 208U, 784U, 1600U}) {
        for (std::size_t bits = 2; bits <= 8; ++bits) {
            Random random(count + bits);
            const GuardedBytes query(count * sizeof(float));
            double length = 0;
            for (std::size_t i = 0; i < count; ++i) {
                const auto value = static_cast<float>(unit(random()) - 0.4);
                length += std::abs(static_cast<double>(value));
                std::memcpy(query.data() + i * sizeof value, &value, sizeof value);
            }
            const GuardedBytes block(count / 16 * 64);
            const GuardedBytes planes((bits - 1) * count / 8 + 6);  // the six count for nothing
            for (std::size_t i = 0; i < count / 16 * 64; ++i) block.data()[i] = std::byte(random());
            for (std::size_t i = 0; i < (bits - 1) * count / 8 + 6; ++i) planes.data()[i] = std::byte(random());
            const auto* const values = reinterpret_cast<const float*>(query.data());
            // What float32 may lose of sums of up to 2^(bits - 1) times the values.
            const double tolerance = 1e-6 * length * static_cast<double>(1U << (bits - 1));
            std::vector<double> expected(nibble_rows);
            for (std::size_t i = 0; i < count; ++i) {  // by hand: codes are nothing but bits
                for (std::size_t place = 0; place < nibble_rows; ++place) {
                    const auto part = std::to_integer<unsigned>(block.data()[i / 16 * 64 + place % 16 * 4 + i / 4 % 4]);
                    unsigned code = part >> (place / 16 * 4 + i % 4) & 1U;
                    for (std::size_t p = 0; p + 1 < bits; ++p) {
                        const auto eight = std::to_integer<unsigned>(planes.data()[p * (count / 8) + i / 8]);
                        code = 2 * code + (eight >> (i % 8) & 1U);
                    }
                    const double middle = (std::exp2(static_cast<double>(bits)) - 1) / 2;
                    expected[place] += static_cast<double>(values[i]) * (code - middle);
                }
            }
            for (const Level level : available_levels()) {
                std::size_t wrong = 0;
                for (std::size_t place = 0; place < nibble_rows; ++place) {
                    const float got =
                        kernels(level)->planes_product(values, count, block.data(), place, planes.data(), bits);
                    const float by_reference =
                        reference.planes_product(values, count, block.data(), place, planes.data(), bits);
                    wrong += std::abs(static_cast<double>(got) - expected[place]) <= tolerance ? 0 : 1;
                    wrong += std::abs(got - by_reference) <= static_cast<float>(tolerance) ? 0 : 1;
                }
                CAPTURE(name(level), count, bits);
                CHECK(wrong == 0);
            }
        }
    }
}

TEST_CASE("sums of rounded magnitudes are about the same at every level") {
    const Kernels& reference = *kernels(Level::reference);
    for (const std::size_t count : {16U, 48U, 128U, 784U}) {
        Random random(count);
        const GuardedBytes bytes(count * sizeof(float));
        for (std::size_t i = 0; i < count; ++i) {
            const auto value = static_cast<float>(unit(random()));
            std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
        }
        const auto* const values = reinterpret_cast<const float*>(bytes.data());
        for (const float most : {1.0F, 7.0F, 127.0F}) {
            for (const float scale : {0.3F, 1.7F, 5.0F, 140.0F, 1000.0F}) {
                const RoundedSums expected = reference.rounded_sums(values, count, scale, most);
                for (const Level level : available_levels()) {
                    const RoundedSums got = kernels(level)->rounded_sums(values, count, scale, most);
                    CAPTURE(name(level), count, most, scale);
                    CHECK(std::abs(got.along - expected.along) <= 1e-5F * expected.along);
                    CHECK(std::abs(got.square - expected.square) <= 1e-5F * expected.square);
                }
            }
        }
    }
}
