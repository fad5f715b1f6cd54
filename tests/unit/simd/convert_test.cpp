// Conversions between elements, and the search for NaN and infinities.
#include <bit>
#include <limits>

#include "support/catch.hpp"
#include "unit/simd/rows.hpp"

using namespace tonari;
using namespace tonari::simd;
using namespace tonari::simd::test;

namespace {

constexpr std::size_t at(Element element) { return static_cast<std::size_t>(element) - 1; }

bool is_nan_half(Element element, unsigned half) {
    const unsigned infinity = element == Element::float16 ? 0x7C00U : 0x7F80U;
    return (half & 0x7FFFU) > infinity;
}

/// What rounding to nearest even gives, found by search: all finite halves are float32 values, too.
std::uint16_t nearest_half(Element element, float value) {
    const unsigned infinity = element == Element::float16 ? 0x7C00U : 0x7F80U;
    const auto widened = [&](unsigned half) {
        return static_cast<double>(element == Element::float16 ? half_to_float(static_cast<std::uint16_t>(half))
                                                               : bfloat_to_float(static_cast<std::uint16_t>(half)));
    };
    const double magnitude = std::abs(static_cast<double>(value));
    unsigned low = 0;
    unsigned high = infinity;  // as if it were the next finite value
    while (high - low > 1) {
        const unsigned middle = (low + high) / 2;
        (widened(middle) <= magnitude ? low : high) = middle;
    }
    const double step = low + 1 == infinity ? widened(low) - widened(low - 1) : widened(low + 1) - widened(low);
    const double above = widened(low) + step;
    unsigned best = low;
    if (magnitude - widened(low) > above - magnitude) best = high;
    if (magnitude - widened(low) == above - magnitude) best = low % 2 == 0 ? low : high;
    return static_cast<std::uint16_t>(best | (std::signbit(value) ? 0x8000U : 0U));
}

std::vector<float> awkward_floats() {
    std::vector<float> values;
    // Every sign and exponent, with mantissas around every rounding boundary.
    for (std::uint32_t top = 0; top < 512; ++top) {
        for (const std::uint32_t mantissa :
             {0x0U,     0x1U,     0xFFFU,    0x1000U,   0x1001U,   0x1FFFU,   0x2000U,
              0x3000U,  0x3001U,  0x7FFFU,   0x8000U,   0x8001U,   0xFFFFU,   0x10000U,
              0x18000U, 0x18001U, 0x2AAAAAU, 0x400000U, 0x7FEFFFU, 0x7FF000U, 0x7FFFFFU}) {
            const auto value = std::bit_cast<float>(top << 23 | mantissa);
            if (std::isfinite(value)) values.push_back(value);
        }
    }
    Random random(11);
    for (int i = 0; i < 20000; ++i) {
        const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
        if (std::isfinite(value)) values.push_back(value);
        values.push_back(static_cast<float>((unit(random()) - 0.5) * 0x1.0p-13));
    }
    return values;
}

}  // namespace

TEST_CASE("all 65536 halves widen to what the reference says, and narrow back to themselves") {
    std::vector<std::uint16_t> halves(65536);
    for (unsigned i = 0; i < 65536; ++i) halves[i] = static_cast<std::uint16_t>(i);
    for (const Level level : available_levels()) {
        for (const Element element : {Element::float16, Element::bfloat16}) {
            CAPTURE(name(level), name(element));
            std::vector<float> expected(65536);
            std::vector<float> got(65536);
            kernels(Level::reference)->to_float32[at(element)](halves.data(), expected.data(), 65536);
            kernels(level)->to_float32[at(element)](halves.data(), got.data(), 65536);
            std::vector<std::uint16_t> back(65536);
            kernels(level)->from_float32[at(element)](got.data(), back.data(), 65536);
            for (unsigned i = 0; i < 65536; ++i) {
                if (is_nan_half(element, i)) {
                    REQUIRE(std::isnan(got[i]));
                    REQUIRE(is_nan_half(element, back[i]));
                } else {
                    REQUIRE(std::bit_cast<std::uint32_t>(got[i]) == std::bit_cast<std::uint32_t>(expected[i]));
                    REQUIRE(back[i] == i);
                }
            }
        }
    }
}

TEST_CASE("narrowing rounds to nearest even, overflows to infinity and keeps subnormals") {
    const std::vector<float> values = awkward_floats();
    for (const Level level : available_levels()) {
        for (const Element element : {Element::float16, Element::bfloat16}) {
            std::vector<std::uint16_t> got(values.size());
            kernels(level)->from_float32[at(element)](values.data(), got.data(), values.size());
            for (std::size_t i = 0; i < values.size(); ++i) {
                const std::uint16_t expected = nearest_half(element, values[i]);
                if (got[i] != expected) {
                    CAPTURE(name(level), name(element), values[i], got[i], expected);
                    CHECK(got[i] == expected);
                }
            }
        }
    }
}

TEST_CASE("conversions of every length touch only their own memory") {
    for (const Level level : available_levels()) {
        for (const Element element :
             {Element::float32, Element::float16, Element::bfloat16, Element::int8, Element::uint8}) {
            for (Dim count = 1; count <= 70; ++count) {
                CAPTURE(name(level), name(element), count);
                Random random(count);
                const GuardedBytes row(row_bytes(element, count));
                fill_row(row.data(), MetricKind::l2, element, count, random);
                const GuardedBytes floats(count * sizeof(float));
                auto* wide = reinterpret_cast<float*>(floats.data());
                kernels(level)->to_float32[at(element)](row.data(), wide, count);
                std::vector<float> expected(count);
                reference_values(element, row.data(), expected);
                CHECK(std::equal(expected.begin(), expected.end(), wide));
                if (kernels(level)->from_float32[at(element)] == nullptr) continue;
                const GuardedBytes back(row_bytes(element, count));
                kernels(level)->from_float32[at(element)](wide, back.data(), count);
                CHECK(std::memcmp(row.data(), back.data(), row_bytes(element, count)) == 0);
            }
        }
    }
}

TEST_CASE("one NaN or infinity anywhere is found") {
    const float bad[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                         -std::numeric_limits<float>::infinity()};
    for (const Level level : available_levels()) {
        for (const Element element : {Element::float32, Element::float16, Element::bfloat16}) {
            for (const Dim count : {1U, 15U, 16U, 33U, 1023U, 1024U, 1025U, 2500U}) {
                CAPTURE(name(level), name(element), count);
                std::vector<float> values(count, 65504.0F);
                std::vector<std::byte> row(row_bytes(element, count));
                kernels(level)->from_float32[at(element)](values.data(), row.data(), count);
                CHECK(kernels(level)->all_finite[at(element)](row.data(), count));
                for (const std::size_t position : {std::size_t{0}, std::size_t{count} / 2, std::size_t{count} - 1}) {
                    for (const float value : bad) {
                        std::vector<float> spoilt = values;
                        spoilt[position] = value;
                        kernels(level)->from_float32[at(element)](spoilt.data(), row.data(), count);
                        CHECK_FALSE(kernels(level)->all_finite[at(element)](row.data(), count));
                    }
                }
            }
        }
        for (const Element element : {Element::int8, Element::uint8, Element::bits}) {
            CHECK(kernels(level)->all_finite[at(element)] == nullptr);
        }
    }
}

TEST_CASE("values are rounded to 8 bits alike at every level") {
    Random random(7);
    std::vector<float> values(150);
    for (float& value : values)
        value = static_cast<float>(static_cast<double>(random() % 4000) / 8 - 250);  // with halves
    values[3] = -0.0F;
    values[17] = std::numeric_limits<float>::max();
    values[40] = std::numeric_limits<float>::lowest();
    std::vector<float> middle(values.size());
    for (float& value : middle) value = static_cast<float>(random() % 16) / 4;
    for (const Level level : available_levels()) {
        CAPTURE(name(level));
        std::size_t wrong = 0;
        for (const float* const around :
             {static_cast<const float*>(nullptr), static_cast<const float*>(middle.data())}) {
            for (const float scale : {1.0F, 0.3F, 60.0F}) {
                for (std::size_t count = 0; count <= values.size(); ++count) {
                    std::vector<std::int8_t> expected(count + 1, 99);
                    std::vector<std::int8_t> got(count + 1, 99);
                    kernels(Level::reference)->round_int8(values.data(), around, scale, count, expected.data());
                    kernels(level)->round_int8(values.data(), around, scale, count, got.data());
                    wrong += got == expected ? 0 : 1;
                }
            }
        }
        CHECK(wrong == 0);
    }
}
