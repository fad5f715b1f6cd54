// Rows of 4 bits a value: every level against the reference, at memory's end.
#include <algorithm>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "unit/simd/coded_rows.hpp"

using namespace tonari;
using namespace tonari::simd;
using namespace tonari::simd::test;

namespace {

enum class Weights { random, lowest, highest };

/// Rows of random codes, or of the highest, an odd number of bytes apart; behind the last byte is a forbidden page, and behind
/// the weights another.
struct Case4 : CodedRows {
    GuardedBytes table;
    ByteCodeQuery query;

    Case4(std::size_t b, std::size_t n, std::uint64_t seed, Weights weights = Weights::random)
        : CodedRows(b, n), table(2 * value_nibbles_padded(b)) {
        Random random(seed);
        const std::size_t padded = value_nibbles_padded(bytes);
        std::memset(table.data(), 0, 2 * padded);
        for (std::size_t i = 0; i < 2 * bytes; ++i) {
            const int value = weights == Weights::random   ? static_cast<int>(random.below(255)) - 127
                              : weights == Weights::lowest ? -128
                                                           : 127;
            table.data()[i < bytes ? i : padded + i - bytes] = static_cast<std::byte>(value);
        }
        for (std::size_t i = 0; i < rows; ++i) {
            std::byte* const at = put_factors(i, random);
            for (std::size_t byte = 0; byte < bytes; ++byte) {
                at[byte] = weights == Weights::random ? std::byte(random()) : std::byte{255};
            }
        }
        query = {reinterpret_cast<const std::uint8_t*>(table.data()), bytes, -3.0F, 0.01F, 5.0F, 0.7F, 0.2F};
    }
    [[nodiscard]] Found scan(const Kernels& kernels, std::size_t begin, std::size_t end, float bound) const {
        return scan_by(kernels.value_nibbles_scan, query, begin, end, bound);
    }
    [[nodiscard]] Found gather(const Kernels& kernels, std::size_t begin, std::size_t end, float bound) const {
        return gather_by(kernels.value_nibbles_gather, query, begin, end, bound);
    }
    /// How far float sums may be from the reference's, which rounds once: sums of whole numbers are the same.
    [[nodiscard]] float tolerance() const {
        return 1e-6F * (20 + std::abs(query.base) + query.step * 15 * 128 * 2 * static_cast<float>(bytes));
    }
};

}  // namespace

TEST_CASE("products of codes of 4 bits a value are the same at every level") {
    for (const Weights weights : {Weights::random, Weights::lowest, Weights::highest}) {
        for (std::size_t bytes = 1; bytes <= 70; ++bytes) check_values(Case4(bytes, 40, bytes, weights));
        for (const std::size_t bytes : {96U, 127U, 128U, 129U, 392U, 4096U}) {
            check_values(Case4(bytes, 20, bytes, weights));
        }
    }
    for (std::size_t rows = 1; rows <= 130; rows += rows < 70 ? 1 : 13) check_values(Case4(17, rows, rows));
}

TEST_CASE("a product of codes of 4 bits a value is that of values with weights") {
    const Case4 of(9, 1, 5);
    const auto* const weights = reinterpret_cast<const std::int8_t*>(of.query.table);
    long long sum = 0;
    for (std::size_t d = 0; d < 18; ++d) {
        const auto both = std::to_integer<int>(of.codes.data()[byte_code_factors + d % 9]);
        sum += (d < 9 ? both % 16 : both / 16) * weights[d < 9 ? d : 64 + d - 9];
    }
    float factors[2];
    std::memcpy(factors, of.codes.data(), sizeof factors);
    const float expected = factors[0] + 5 + factors[1] * (-3 + 0.01F * static_cast<float>(sum));
    for (const Level level : available_levels()) {
        CHECK(std::abs(of.scan(*kernels(level), 0, 1, infinity).estimate[0] - expected) <= of.tolerance());
    }
}

TEST_CASE("of rows of 4 bits a value those below the bound come in order") {
    const Case4 of(20, 64 * 4 + 37, 3);
    for (const Level level : available_levels()) {
        const Kernels& table = *kernels(level);
        const Found all = of.scan(table, 0, of.rows, infinity);
        std::vector<float> deciding = all.lower;
        std::sort(deciding.begin(), deciding.end());
        for (const std::size_t rank : {std::size_t{0}, of.rows / 10, of.rows / 2, of.rows - 1}) {
            const Found some = of.scan(table, 0, of.rows, deciding[rank]);
            std::vector<std::uint32_t> expected;
            for (std::size_t i = 0; i < of.rows; ++i) {
                if (all.lower[i] < deciding[rank]) expected.push_back(static_cast<std::uint32_t>(i));
            }
            CAPTURE(name(level), rank);
            CHECK(some.index == expected);
        }
    }
}
