// A query's table of bytes: every level against the reference, at memory's end.
#include <algorithm>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "unit/simd/rows.hpp"

using namespace tonari;
using namespace tonari::simd;
using namespace tonari::simd::test;

namespace {

struct Table {
    NibbleTable read;
    std::vector<std::uint8_t> bytes;
};

/// Floats whose last byte is followed by a forbidden page.
struct GuardedFloats {
    GuardedBytes bytes;
    explicit GuardedFloats(std::size_t count) : bytes(count * sizeof(float)) {}
    [[nodiscard]] float* data() const noexcept { return reinterpret_cast<float*>(bytes.data()); }
};

struct TableCase {
    std::size_t parts;
    std::size_t width;
    bool shared;  ///< all parts have the same points
    GuardedFloats query;
    GuardedFloats points;

    TableCase(std::size_t p, std::size_t w, bool same, float size, std::uint64_t seed)
        : parts(p), width(w), shared(same), query(p * w), points(16 * w * (same ? 1 : p)) {
        Random random(seed);
        for (std::size_t i = 0; i < parts * width; ++i)
            query.data()[i] = static_cast<float>(unit(random()) - 0.5) * size;
        for (std::size_t i = 0; i < 16 * width * (shared ? 1 : parts); ++i) {
            points.data()[i] = static_cast<float>(unit(random()) - 0.5);
        }
    }
    [[nodiscard]] Table ask(const Kernels& kernels) const {
        const GuardedFloats room(16 * parts);
        const GuardedBytes table(16 * parts);
        auto* const bytes = reinterpret_cast<std::uint8_t*>(table.data());
        const NibbleTable read = kernels.nibble_table(query.data(), points.data(), shared ? 0 : 16 * width, parts,
                                                      width, room.data(), bytes);
        return {read, {bytes, bytes + 16 * parts}};
    }
};

void check(const TableCase& of) {
    const Table expected = of.ask(*kernels(Level::reference));
    for (const Level level : available_levels()) {
        const Table got = of.ask(*kernels(level));
        CAPTURE(name(level), of.parts, of.width, of.shared);
        const float rounding = 1e-6F + 1e-7F * std::sqrt(static_cast<float>(of.width));  // of sums of so many products
        CHECK(std::abs(got.read.base - expected.read.base) <= rounding * std::abs(expected.read.base));
        CHECK(std::abs(got.read.step - expected.read.step) <= rounding * expected.read.step);
        std::size_t wrong = 0;  // sums in float32 may fall to the other side of a half
        for (std::size_t i = 0; i < got.bytes.size(); ++i) {
            wrong += std::abs(int{got.bytes[i]} - int{expected.bytes[i]}) <= 1 ? 0 : 1;
        }
        CHECK(wrong == 0);
    }
}

}  // namespace

TEST_CASE("tables of 4-bit codes are the same at every level") {
    for (std::size_t parts = 1; parts <= 35; ++parts) check(TableCase(parts, 1 + parts % 5, parts % 2 == 0, 2, parts));
    for (const std::size_t parts : {196U, 256U, 4096U}) check(TableCase(parts, 4, true, 100, parts));
    check(TableCase(1, 4096, false, 1, 1));
}

TEST_CASE("tables of 4-bit codes add up to the query's products") {
    const TableCase of(24, 3, false, 5, 77);
    for (const Level level : available_levels()) {
        const Table got = of.ask(*kernels(level));
        CHECK(*std::max_element(got.bytes.begin(), got.bytes.end()) == 255);  // of the widest part
        Random random(5);
        double product = 0;
        double sum = got.read.base;
        for (std::size_t part = 0; part < of.parts; ++part) {
            const std::size_t code = random() % 16;
            for (std::size_t j = 0; j < of.width; ++j) {
                product += double{of.query.data()[part * of.width + j]} *
                           double{of.points.data()[(part * of.width + j) * 16 + code]};
            }
            sum += double{got.read.step} * got.bytes[16 * part + code];
        }
        CHECK(std::abs(sum - product) <= double{got.read.step} * 0.51 * static_cast<double>(of.parts));
    }
}

TEST_CASE("tables of tiny, zero and equal entries have a step") {
    for (const float size : {0.0F, 1e-44F, 1e-38F, 1e-20F, 1e37F}) {
        const TableCase of(8, 2, false, size, 3);
        for (const Level level : available_levels()) {
            const Table got = of.ask(*kernels(level));
            CAPTURE(name(level), size);
            CHECK(got.read.step >= 0);
            CHECK(got.read.step < std::numeric_limits<float>::infinity());
            CHECK((got.read.step > 0 || *std::max_element(got.bytes.begin(), got.bytes.end()) == 0 || size < 1e-37F));
        }
    }
}
