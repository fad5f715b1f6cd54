// Codes of a byte a part (drawn in tonari/simd/kernels.hpp): up to 64 rows at a time, whose entries are added up and
// made into estimates as those of 4-bit codes are (body_nibbles.hpp).
//
// A table of 256 bytes fits no register but four (AVX-512 VBMI): such a machine turns 64 rows around, so that the codes
// of a part lie side by side, and looks all of them up at once: PQ32 at 2.7 ns a row, the turning and the estimates
// included. Others load an entry for each code, four rows at a time, in 8.0 ns (`bench_kernels
// --benchmark_filter=byte_codes`, with TONARI_SIMD=avx2 for the latter). Gathers of 8 or 16 entries were no faster.
#pragma once

#include <cstdint>

#include <tonari/simd/kernels.hpp>

#include "simd/body_nibbles.hpp"
#include "simd/layout.hpp"
#include "simd/unroll.hpp"

namespace tonari::simd {
namespace {

inline constexpr std::size_t byte_code_rows = 64;

/// Of some rows what `block_below_bound` wants to know, 32 rows at a time.
struct ByteCodeSums {
    alignas(64) std::int32_t sums[byte_code_rows];
    alignas(64) float factors[byte_code_rows / nibble_rows][3][nibble_rows];  ///< add, scale, error
};

/// Sums and factors of `count` rows, and something finite behind them up to a multiple of 32.
inline void add_codes(const std::uint8_t* table, std::size_t parts, const std::byte* const* rows, std::size_t count,
                      ByteCodeSums& out) noexcept {
    constexpr std::size_t group = 4;  // chains of additions
    for (std::size_t r = 0; r < count; r += group) {
        const std::byte* codes[group];
        unroll<group>([&](auto i) __attribute__((always_inline)) {
            codes[i.value] = rows[r + i.value < count ? r + i.value : r] + byte_code_factors;
        });
        std::int32_t sums[group] = {};
        const std::uint8_t* entries = table;
        for (std::size_t part = 0; part < parts; ++part, entries += points_a_byte) {
            unroll<group>([&](auto i) __attribute__((always_inline)) {
                sums[i.value] += entries[std::to_integer<std::size_t>(codes[i.value][part])];
                __asm__("" : "+r"(sums[i.value]));  // GCC 12 would put the four into one vector, one by one, each time
            });
        }
        auto& factors = out.factors[r / nibble_rows];
        const std::size_t at = r % nibble_rows;
        unroll<group>([&](auto i) __attribute__((always_inline)) {
            const std::byte* const row = codes[i.value] - byte_code_factors;
            out.sums[r + i.value] = sums[i.value];
            factors[0][at + i.value] = load_float(row);
            factors[1][at + i.value] = load_float(row + 4);
            factors[2][at + i.value] = load_float(row + 8);
        });
    }
    for (std::size_t r = (count + group - 1) / group * group; r % nibble_rows != 0; ++r) {
        out.sums[r] = 0;
        for (auto& factor : out.factors[r / nibble_rows]) factor[r % nibble_rows] = 0;
    }
}

/// Of `count` rows whose sums and factors are known, those whose `lower` is below the bound; `index` counts from `first`.
template <class Machine>
std::size_t coded_rows_below(const ByteCodeQuery& query, const ByteCodeSums& of, std::size_t count, std::uint32_t first,
                             float bound, std::uint32_t* index, float* estimate, float* lower) noexcept {
    const NibbleQuery read{nullptr, 0, query.base, query.step, query.add, query.error, query.slack};
    std::size_t found = 0;
    for (std::size_t begin = 0; begin < count; begin += nibble_rows) {
        alignas(64) float estimates[nibble_rows];
        alignas(64) float lowers[nibble_rows];
        std::uint32_t bits = block_below_bound<Machine>(read, of.factors[begin / nibble_rows][0], of.sums + begin,
                                                        bound, estimates, lowers);
        if (count - begin < nibble_rows) bits &= (std::uint32_t{1} << (count - begin)) - 1;
        for (; bits != 0; bits &= bits - 1) {
            const auto r = static_cast<std::uint32_t>(__builtin_ctz(bits));
            index[found] = first + static_cast<std::uint32_t>(begin) + r;
            estimate[found] = estimates[r];
            lower[found++] = lowers[r];
        }
    }
    return found;
}

/// At most `byte_code_rows` rows; `index` counts from `first`.
template <class Machine>
std::size_t some_byte_codes_below(const ByteCodeQuery& query, const std::byte* const* rows, std::size_t count,
                                  std::uint32_t first, float bound, std::uint32_t* index, float* estimate,
                                  float* lower) noexcept {
    ByteCodeSums of;
    constexpr std::size_t worth_it = 14;  // rows from which on 64 at once take less time than one by one
    if constexpr (requires { Machine::add_codes(query.table, query.parts, rows, of); }) {
        if (count >= worth_it) {
            const std::byte* all[byte_code_rows];
            for (std::size_t i = 0; i < byte_code_rows; ++i) all[i] = rows[i < count ? i : count - 1];
            Machine::add_codes(query.table, query.parts, all, of);
        } else {
            add_codes(query.table, query.parts, rows, count, of);
        }
    } else {
        add_codes(query.table, query.parts, rows, count, of);
    }
    return coded_rows_below<Machine>(query, of, count, first, bound, index, estimate, lower);
}

template <class Machine>
std::size_t byte_codes_gather(const ByteCodeQuery& query, const std::byte* const* rows, std::size_t count, float bound,
                              std::uint32_t* index, float* estimate, float* lower) noexcept {
    std::size_t found = 0;
    for (std::size_t first = 0; first < count; first += byte_code_rows) {
        const std::size_t some = count - first < byte_code_rows ? count - first : byte_code_rows;
        found += some_byte_codes_below<Machine>(query, rows + first, some, static_cast<std::uint32_t>(first), bound,
                                                index + found, estimate + found, lower + found);
    }
    return found;
}

template <class Machine>
std::size_t byte_codes_scan(const ByteCodeQuery& query, const std::byte* rows, std::size_t stride, std::size_t count,
                            float bound, std::uint32_t* index, float* estimate, float* lower) noexcept {
    std::size_t found = 0;
    for (std::size_t first = 0; first < count; first += byte_code_rows) {
        const std::size_t some = count - first < byte_code_rows ? count - first : byte_code_rows;
        const std::byte* at[byte_code_rows];
        for (std::size_t i = 0; i < some; ++i, rows += stride) at[i] = rows;
        found += some_byte_codes_below<Machine>(query, at, some, static_cast<std::uint32_t>(first), bound,
                                                index + found, estimate + found, lower + found);
    }
    return found;
}

}  // namespace
}  // namespace tonari::simd
