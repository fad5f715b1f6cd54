// Blocks of 4-bit codes: every level against the reference, at memory's end.
#include <limits>

#include "support/catch.hpp"
#include "unit/simd/rows.hpp"

using namespace tonari;
using namespace tonari::simd;
using namespace tonari::simd::test;

namespace {

struct Found {
    std::vector<std::uint32_t> index;
    std::vector<float> estimate;
    std::vector<float> lower;
};

/// Blocks of random codes with factors like those of a quantizer, whose last byte is followed by a forbidden page.
struct NibbleCase {
    std::size_t quads;
    std::size_t rows;
    std::size_t stride;
    GuardedBytes blocks;
    GuardedBytes table;
    NibbleQuery query;

    NibbleCase(std::size_t q, std::size_t n, std::uint64_t seed, bool highest = false)
        : quads(q),
          rows(n),
          stride(q * 64 + 3 * nibble_rows * sizeof(float)),
          blocks((n + nibble_rows - 1) / nibble_rows * stride),
          table(q * 64) {
        Random random(seed);
        for (std::size_t i = 0; i < quads * 64; ++i) table.data()[i] = highest ? std::byte{255} : std::byte(random());
        const std::size_t count = (rows + nibble_rows - 1) / nibble_rows;
        for (std::size_t b = 0; b < count; ++b) {
            std::byte* const at = blocks.data() + b * stride;
            for (std::size_t i = 0; i < quads * 64; ++i) at[i] = std::byte(random());
            for (std::size_t i = 0; i < 3 * nibble_rows; ++i) {
                // add of either sign, scale negative, error positive
                const auto value = static_cast<float>(unit(random()));
                const float factor = i < nibble_rows ? 20 * value - 10 : i < 2 * nibble_rows ? -value : value;
                std::memcpy(at + quads * 64 + i * sizeof factor, &factor, sizeof factor);
            }
        }
        query = {reinterpret_cast<const std::uint8_t*>(table.data()), quads, -3.0F, 0.01F, 5.0F, 0.7F, 0.2F};
    }
    [[nodiscard]] Found below(const Kernels& kernels, std::size_t begin, std::size_t end, float bound) const {
        Found found{std::vector<std::uint32_t>(rows), std::vector<float>(rows), std::vector<float>(rows)};
        const std::size_t count = kernels.nibbles_below(query, blocks.data(), stride, begin, end, bound,
                                                        found.index.data(), found.estimate.data(), found.lower.data());
        found.index.resize(count);
        found.estimate.resize(count);
        found.lower.resize(count);
        return found;
    }
    /// How far float sums may be from the reference's.
    [[nodiscard]] float tolerance() const {
        return 1e-6F * (20 + std::abs(query.base) + query.step * 255 * 4 * static_cast<float>(quads));
    }
};

constexpr float infinity = std::numeric_limits<float>::infinity();

/// All estimates at every level, from a few starts and to a few ends.
void check_values(const NibbleCase& of) {
    const Kernels& reference = *kernels(Level::reference);
    const Found all = of.below(reference, 0, of.rows, infinity);
    REQUIRE(all.index.size() == of.rows);
    for (const Level level : available_levels()) {
        std::size_t wrong = 0;
        for (const std::size_t begin : {std::size_t{0}, of.rows / 3, of.rows - 1}) {
            for (const std::size_t end : {of.rows, of.rows - of.rows / 4}) {
                if (begin >= end) continue;
                const Found some = of.below(*kernels(level), begin, end, infinity);
                REQUIRE(some.index.size() == end - begin);
                for (std::size_t i = 0; i < some.index.size(); ++i) {
                    wrong += some.index[i] != i ? 1 : 0;
                    wrong += std::abs(some.estimate[i] - all.estimate[begin + i]) <= of.tolerance() ? 0 : 1;
                    wrong += std::abs(some.lower[i] - all.lower[begin + i]) <= of.tolerance() ? 0 : 1;
                    wrong += some.lower[i] <= some.estimate[i] ? 0 : 1;
                }
            }
        }
        CAPTURE(name(level), of.quads, of.rows);
        CHECK(wrong == 0);
    }
}

}  // namespace

TEST_CASE("sums of 4-bit codes are the same at every level") {
    for (const bool highest : {false, true}) {
        for (std::size_t quads = 1; quads <= 9; ++quads) check_values(NibbleCase(quads, 71, quads, highest));
        for (const std::size_t quads : {16U, 49U, 127U, 128U, 129U, 255U, 256U, 257U, 700U}) {
            check_values(NibbleCase(quads, 40, quads, highest));
        }
    }
}

TEST_CASE("of rows of 4-bit codes those below the bound come in order") {
    const NibbleCase of(8, 32 * 9 + 5, 3);
    for (const Level level : available_levels()) {
        const Kernels& table = *kernels(level);
        const Found all = of.below(table, 0, of.rows, infinity);
        std::vector<float> deciding = all.lower;
        std::sort(deciding.begin(), deciding.end());
        for (const std::size_t rank : {std::size_t{0}, of.rows / 10, of.rows / 2, of.rows - 1}) {
            const float bound = deciding[rank];
            const std::size_t begin = 11;
            const Found some = of.below(table, begin, of.rows, bound);
            std::size_t next = 0;
            std::size_t wrong = 0;
            for (std::size_t i = begin; i < of.rows; ++i) {
                if (!(all.lower[i] < bound)) continue;
                if (next == some.index.size()) {
                    ++wrong;
                    continue;
                }
                wrong += some.index[next] == i - begin && some.estimate[next] == all.estimate[i] ? 0 : 1;
                wrong += some.lower[next] == all.lower[i] ? 0 : 1;
                ++next;
            }
            CAPTURE(name(level), rank);
            CHECK(next == some.index.size());
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("several queries find in 4-bit codes what each finds alone") {
    for (const std::size_t quads : {1U, 7U, 49U, 64U, 65U, 300U}) {
        const NibbleCase of(quads, 101, quads);
        std::vector<std::vector<std::uint8_t>> tables(nibble_queries);
        std::vector<NibbleQuery> queries(nibble_queries, of.query);
        std::vector<const NibbleQuery*> asked;
        Random random(quads);
        for (std::size_t q = 0; q < nibble_queries; ++q) {
            tables[q].resize(quads * 64);
            for (std::uint8_t& entry : tables[q]) entry = static_cast<std::uint8_t>(random());
            queries[q].table = tables[q].data();
            queries[q].add += static_cast<float>(q);
            asked.push_back(&queries[q]);
        }
        for (const Level level : available_levels()) {
            const Kernels& table = *kernels(level);
            NibbleCase alone(quads, 101, quads);
            for (std::size_t count = 1; count <= nibble_queries; ++count) {
                std::vector<Found> room(count);
                std::vector<NibblesFound> found(count);
                std::vector<float> bounds(count);
                for (std::size_t q = 0; q < count; ++q) {
                    alone.query = queries[q];
                    std::vector<float> lower = alone.below(table, 3, 101, infinity).lower;
                    std::nth_element(lower.begin(), lower.begin() + 20, lower.end());
                    bounds[q] = q == 1 ? infinity : lower[20];
                    room[q] = {std::vector<std::uint32_t>(200), std::vector<float>(200), std::vector<float>(200)};
                    found[q] = {room[q].index.data(), room[q].estimate.data(), room[q].lower.data(), q};
                }
                table.nibbles_below_each(asked.data(), count, of.blocks.data(), of.stride, 3, 101, bounds.data(),
                                         found.data());
                std::size_t wrong = 0;
                for (std::size_t q = 0; q < count; ++q) {
                    alone.query = queries[q];
                    const Found expected = alone.below(table, 3, 101, bounds[q]);
                    wrong += found[q].count == q + expected.index.size() ? 0 : 1;
                    for (std::size_t i = 0; i < expected.index.size(); ++i) {
                        wrong += room[q].index[q + i] == expected.index[i] ? 0 : 1;
                        wrong += room[q].estimate[q + i] == expected.estimate[i] ? 0 : 1;
                        wrong += room[q].lower[q + i] == expected.lower[i] ? 0 : 1;
                    }
                }
                CAPTURE(name(level), quads, count);
                CHECK(wrong == 0);
            }
        }
    }
}
