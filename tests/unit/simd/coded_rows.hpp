// What tests of kernels share that compare rows with bytes of their own: codes of a byte a part, and of two values a byte.
#pragma once

#include <cstring>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "unit/simd/rows.hpp"

namespace tonari::simd::test {

inline constexpr float infinity = std::numeric_limits<float>::infinity();

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

/// Rows of `bytes` of codes each, an odd number of bytes apart; behind the last byte is a forbidden page.
struct CodedRows {
    std::size_t bytes;
    std::size_t rows;
    std::size_t stride;
    GuardedBytes codes;

    CodedRows(std::size_t b, std::size_t n) : bytes(b), rows(n), stride(byte_code_factors + b), codes(n * stride) {}

    /// Add of either sign, scale negative, error positive. Its codes stand behind what this answers.
    std::byte* put_factors(std::size_t row, Random& random) {
        std::byte* const at = codes.data() + row * stride;
        for (std::size_t f = 0; f < 3; ++f) {
            const auto value = static_cast<float>(unit(random()));
            const float factor = f == 0 ? 20 * value - 10 : f == 1 ? -value : value;
            std::memcpy(at + f * sizeof factor, &factor, sizeof factor);
        }
        return at + byte_code_factors;
    }
    /// The rows [begin, end).
    Found scan_by(ByteCodesScanKernel kernel, const ByteCodeQuery& query, std::size_t begin, std::size_t end,
                  float bound) const {
        Found found(end - begin);
        found.keep(kernel(query, codes.data() + begin * stride, stride, end - begin, bound, found.index.data(),
                          found.estimate.data(), found.lower.data()));
        return found;
    }
    /// The same, the last one first.
    Found gather_by(ByteCodesGatherKernel kernel, const ByteCodeQuery& query, std::size_t begin, std::size_t end,
                    float bound) const {
        std::vector<const std::byte*> at;
        for (std::size_t i = end; i > begin; --i) at.push_back(codes.data() + (i - 1) * stride);
        Found found(at.size());
        found.keep(
            kernel(query, at.data(), at.size(), bound, found.index.data(), found.estimate.data(), found.lower.data()));
        return found;
    }
};

/// All estimates at every level, of as many rows as there are ways to take them.
template <class Case>
void check_values(const Case& of) {
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

}  // namespace tonari::simd::test
