// Rows of 4 bits a value: every level against the reference, at memory's end.
#include <algorithm>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "unit/simd/rows.hpp"

using namespace tonari;
using namespace tonari::simd;
using namespace tonari::simd::test;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

struct Found {
    std::vector<std::uint32_t> index;
    std::vector<float> estimate;
    std::vector<float> lower;

    explicit Found(std::size_t room) : index(room), estimate(room), lower(room) {}
    void keep(std::size_t count) {
        index.resize(count);
        estimate.resize(count);
        lower.resize(count);
    }
};

enum class Weights { random, lowest, highest };

/// Rows of random codes, or of the highest, an odd number of bytes apart; behind the last byte is a forbidden page, and behind
/// the weights another.
struct Case4 {
    std::size_t bytes;
    std::size_t rows;
    std::size_t stride;
    GuardedBytes codes;
    GuardedBytes table;
    ByteCodeQuery query;

    Case4(std::size_t b, std::size_t n, std::uint64_t seed, Weights weights = Weights::random)
        : bytes(b), rows(n), stride(byte_code_factors + b), codes(n * stride), table(2 * value_nibbles_padded(b)) {
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
            std::byte* const at = codes.data() + i * stride;
            for (std::size_t f = 0; f < 3; ++f) {  // add of either sign, scale negative, error positive
                const auto value = static_cast<float>(unit(random()));
                const float factor = f == 0 ? 20 * value - 10 : f == 1 ? -value : value;
                std::memcpy(at + f * sizeof factor, &factor, sizeof factor);
            }
            for (std::size_t byte = 0; byte < bytes; ++byte) {
                at[byte_code_factors + byte] = weights == Weights::random ? std::byte(random()) : std::byte{255};
            }
        }
        query = {reinterpret_cast<const std::uint8_t*>(table.data()), bytes, -3.0F, 0.01F, 5.0F, 0.7F, 0.2F};
    }
    [[nodiscard]] Found scan(const Kernels& kernels, std::size_t begin, std::size_t end, float bound) const {
        Found found(end - begin);
        found.keep(kernels.value_nibbles_scan(query, codes.data() + begin * stride, stride, end - begin, bound,
                                              found.index.data(), found.estimate.data(), found.lower.data()));
        return found;
    }
    /// The rows [begin, end), the last one first.
    [[nodiscard]] Found gather(const Kernels& kernels, std::size_t begin, std::size_t end, float bound) const {
        std::vector<const std::byte*> at;
        for (std::size_t i = end; i > begin; --i) at.push_back(codes.data() + (i - 1) * stride);
        Found found(at.size());
        found.keep(kernels.value_nibbles_gather(query, at.data(), at.size(), bound, found.index.data(),
                                                found.estimate.data(), found.lower.data()));
        return found;
    }
    /// How far float sums may be from the reference's, which rounds once: sums of whole numbers are the same.
    [[nodiscard]] float tolerance() const {
        return 1e-6F * (20 + std::abs(query.base) + query.step * 15 * 128 * 2 * static_cast<float>(bytes));
    }
};

void check_values(const Case4& of) {
    const Found all = of.scan(*kernels(Level::reference), 0, of.rows, infinity);
    REQUIRE(all.index.size() == of.rows);
    for (const Level level : available_levels()) {
        std::size_t wrong = 0;
        for (const std::size_t count : {std::size_t{1}, std::size_t{5}, of.rows / 3, of.rows - 1, of.rows}) {
            if (count == 0 || count > of.rows) continue;
            const std::size_t begin = of.rows - count;
            const Found scanned = of.scan(*kernels(level), begin, of.rows, infinity);
            const Found gathered = of.gather(*kernels(level), begin, of.rows, infinity);
            REQUIRE(scanned.index.size() == count);
            REQUIRE(gathered.index.size() == count);
            for (std::size_t i = 0; i < count; ++i) {
                wrong += scanned.index[i] != i || gathered.index[i] != i ? 1 : 0;
                wrong += std::abs(scanned.estimate[i] - all.estimate[begin + i]) <= of.tolerance() ? 0 : 1;
                wrong += std::abs(scanned.lower[i] - all.lower[begin + i]) <= of.tolerance() ? 0 : 1;
                // Whatever else is in the call, and wherever it lies.
                wrong += scanned.estimate[i] == gathered.estimate[count - 1 - i] ? 0 : 1;
                wrong += scanned.lower[i] == gathered.lower[count - 1 - i] ? 0 : 1;
            }
        }
        CAPTURE(name(level), of.bytes, of.rows);
        CHECK(wrong == 0);
    }
}

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
