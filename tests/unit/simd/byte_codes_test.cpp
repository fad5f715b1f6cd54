// Codes of a byte a part: every level against the reference, at memory's end.
#include <algorithm>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "unit/simd/coded_rows.hpp"

using namespace tonari;
using namespace tonari::simd;
using namespace tonari::simd::test;

namespace {

/// Rows of random codes with factors like those of a quantizer, an odd number of bytes apart; behind the last byte is a
/// forbidden page.
struct ByteCase : CodedRows {
    GuardedBytes table;
    ByteCodeQuery query;

    ByteCase(std::size_t p, std::size_t n, std::uint64_t seed, bool highest = false)
        : CodedRows(p, n), table(p * points_a_byte) {
        Random random(seed);
        for (std::size_t i = 0; i < bytes * points_a_byte; ++i) {
            table.data()[i] = highest ? std::byte{255} : std::byte(random());
        }
        for (std::size_t i = 0; i < rows; ++i) {
            std::byte* const at = put_factors(i, random);
            for (std::size_t part = 0; part < bytes; ++part) at[part] = std::byte(random());
        }
        query = {reinterpret_cast<const std::uint8_t*>(table.data()), bytes, -3.0F, 0.01F, 5.0F, 0.7F, 0.2F};
    }
    [[nodiscard]] Found scan(const Kernels& kernels, std::size_t begin, std::size_t end, float bound) const {
        return scan_by(kernels.byte_codes_scan, query, begin, end, bound);
    }
    [[nodiscard]] Found gather(const Kernels& kernels, std::size_t begin, std::size_t end, float bound) const {
        return gather_by(kernels.byte_codes_gather, query, begin, end, bound);
    }
    /// How far float sums may be from the reference's.
    [[nodiscard]] float tolerance() const {
        return 1e-6F * (20 + std::abs(query.base) + query.step * 255 * static_cast<float>(bytes));
    }
};

struct Table {
    NibbleTable read;
    std::vector<std::uint8_t> bytes;
};

/// A query and points, whose last byte is followed by a forbidden page.
struct TableCase {
    std::size_t parts;
    std::size_t width;
    GuardedBytes query_bytes;
    GuardedBytes point_bytes;

    TableCase(std::size_t p, std::size_t w, float size, std::uint64_t seed)
        : parts(p), width(w), query_bytes(p * w * 4), point_bytes(p * w * points_a_byte * 4) {
        Random random(seed);
        for (std::size_t i = 0; i < p * w; ++i) query()[i] = static_cast<float>(unit(random()) - 0.5) * size;
        for (std::size_t i = 0; i < p * w * points_a_byte; ++i) points()[i] = static_cast<float>(unit(random()) - 0.5);
    }
    [[nodiscard]] float* query() const { return reinterpret_cast<float*>(query_bytes.data()); }
    [[nodiscard]] float* points() const { return reinterpret_cast<float*>(point_bytes.data()); }
    [[nodiscard]] Table ask(const Kernels& kernels) const {
        const std::size_t entries = parts * points_a_byte;
        const GuardedBytes room(entries * 4);
        const GuardedBytes table(entries);
        auto* const bytes = reinterpret_cast<std::uint8_t*>(table.data());
        const NibbleTable read =
            kernels.byte_table(query(), points(), parts, width, reinterpret_cast<float*>(room.data()), bytes);
        return {read, {bytes, bytes + entries}};
    }
    [[nodiscard]] std::vector<std::byte> nearest(const Kernels& kernels) const {
        std::vector<std::byte> codes(parts, std::byte{0xee});
        kernels.byte_points(query(), points(), parts, width, codes.data());
        return codes;
    }
    /// From the query's part to a point.
    [[nodiscard]] double away(std::size_t part, std::byte code) const {
        double sum = 0;
        for (std::size_t j = 0; j < width; ++j) {
            const std::size_t at = (part * width + j) * points_a_byte + std::to_integer<std::size_t>(code);
            const double difference = double{query()[part * width + j]} - double{points()[at]};
            sum += difference * difference;
        }
        return sum;
    }
};

}  // namespace

TEST_CASE("sums of codes of a byte are the same at every level") {
    for (const bool highest : {false, true}) {
        for (std::size_t parts = 1; parts <= 35; ++parts) check_values(ByteCase(parts, 150, parts, highest));
        for (const std::size_t parts : {64U, 255U, 256U, 257U, 272U, 700U}) {
            check_values(ByteCase(parts, 70, parts, highest));
        }
    }
    for (std::size_t rows = 1; rows <= 130; rows += rows < 70 ? 1 : 13) check_values(ByteCase(17, rows, rows));
}

TEST_CASE("of rows of codes of a byte those below the bound come in order") {
    const ByteCase of(20, 64 * 4 + 37, 3);
    for (const Level level : available_levels()) {
        const Kernels& table = *kernels(level);
        const Found all = of.scan(table, 0, of.rows, infinity);
        std::vector<float> deciding = all.lower;
        std::sort(deciding.begin(), deciding.end());
        for (const std::size_t rank : {std::size_t{0}, of.rows / 10, of.rows / 2, of.rows - 1}) {
            const float bound = deciding[rank];
            const Found some = of.scan(table, 0, of.rows, bound);
            std::size_t next = 0;
            std::size_t wrong = 0;
            for (std::size_t i = 0; i < of.rows; ++i) {
                if (!(all.lower[i] < bound)) continue;
                if (next == some.index.size()) {
                    ++wrong;
                    continue;
                }
                wrong += some.index[next] == i && some.estimate[next] == all.estimate[i] ? 0 : 1;
                wrong += some.lower[next] == all.lower[i] ? 0 : 1;
                ++next;
            }
            CAPTURE(name(level), rank);
            CHECK(next == some.index.size());
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("tables of codes of a byte are the same at every level, and add up to the query's products") {
    for (const std::size_t parts : {1U, 2U, 7U, 32U, 96U}) {
        for (const std::size_t width : {1U, 3U, 4U, 40U}) {
            const TableCase of(parts, width, 5, parts + width);
            const Table expected = of.ask(*kernels(Level::reference));
            for (const Level level : available_levels()) {
                const Table got = of.ask(*kernels(level));
                CAPTURE(name(level), parts, width);
                const float rounding = 1e-6F + 1e-7F * std::sqrt(static_cast<float>(width));
                CHECK(std::abs(got.read.base - expected.read.base) <= rounding * std::abs(expected.read.base));
                CHECK(std::abs(got.read.step - expected.read.step) <= rounding * expected.read.step);
                CHECK(*std::max_element(got.bytes.begin(), got.bytes.end()) == 255);  // of the widest part
                std::size_t wrong = 0;  // sums in float32 may fall to the other side of a half
                for (std::size_t i = 0; i < got.bytes.size(); ++i) {
                    wrong += std::abs(int{got.bytes[i]} - int{expected.bytes[i]}) <= 1 ? 0 : 1;
                }
                CHECK(wrong == 0);
                Random random(5);
                double product = 0;
                double sum = got.read.base;
                for (std::size_t part = 0; part < parts; ++part) {
                    const std::size_t code = random() % points_a_byte;
                    for (std::size_t j = 0; j < width; ++j) {
                        product += double{of.query()[part * width + j]} *
                                   double{of.points()[(part * width + j) * points_a_byte + code]};
                    }
                    sum += double{got.read.step} * got.bytes[points_a_byte * part + code];
                }
                CHECK(std::abs(sum - product) <= double{got.read.step} * 0.51 * static_cast<double>(parts));
            }
        }
    }
}

TEST_CASE("tables of tiny, zero and huge entries have a step") {
    for (const float size : {0.0F, 1e-44F, 1e-38F, 1e-20F, 1e37F, 3e38F}) {
        const TableCase of(8, 2, size, 3);
        for (const Level level : available_levels()) {
            const Table got = of.ask(*kernels(level));
            CAPTURE(name(level), size);
            CHECK(got.read.step >= 0);
            CHECK(got.read.step < infinity);
            CHECK(std::abs(got.read.base) < infinity);
            CHECK((got.read.step > 0 || *std::max_element(got.bytes.begin(), got.bytes.end()) == 0 || size < 1e-37F));
        }
    }
}

TEST_CASE("the nearest of 256 points is nearest, and of equal ones the first") {
    for (const std::size_t width : {1U, 2U, 5U, 64U}) {
        TableCase of(9, width, 1, width);
        for (std::size_t j = 0; j < width; ++j) {  // part 4: the last half of its points are the first half
            float* const points = of.points() + (4 * width + j) * points_a_byte;
            std::copy_n(points, points_a_byte / 2, points + points_a_byte / 2);
        }
        for (const Level level : available_levels()) {
            const auto codes = of.nearest(*kernels(level));
            CAPTURE(name(level), width);
            for (std::size_t part = 0; part < of.parts; ++part) {
                double least = of.away(part, codes[part]);
                for (std::size_t c = 0; c < points_a_byte; ++c) least = std::min(least, of.away(part, std::byte(c)));
                CHECK(of.away(part, codes[part]) <= least + 1e-6);
            }
            CHECK(std::to_integer<std::size_t>(codes[4]) < points_a_byte / 2);
        }
    }
}
