// Rows of 4 bits a value (drawn in tonari/simd/kernels.hpp): codes are multiplied by the query's signed bytes, four rows at
// a time, and their sums made into estimates as those of a byte a part are (body_byte_codes.hpp).
//
// Codes lie below 16, so that two products of one byte each fit 16 bits many times over, and nothing saturates: with VNNI
// 64 bytes of a row are two instructions.
#pragma once

#include <cstdint>

#include <tonari/simd/kernels.hpp>

#include "simd/body_byte_codes.hpp"
#include "simd/four.hpp"
#include "simd/layout.hpp"
#include "simd/unroll.hpp"

namespace tonari::simd {
namespace {

/// Sums and factors of `count` rows, and something finite behind them up to a multiple of 32.
template <class Machine>
void add_value_nibbles(const ByteCodeQuery& query, const std::byte* const* rows, std::size_t count,
                       ByteCodeSums& out) noexcept {
    constexpr std::size_t group = 4;
    constexpr std::size_t step = Machine::byte_lanes;
    const auto* const lower = reinterpret_cast<const std::byte*>(query.table);
    const std::byte* const upper = lower + value_nibbles_padded(query.parts);
    for (std::size_t r = 0; r < count; r += group) {
        const std::byte* codes[group];
        unroll<group>([&](auto i) __attribute__((always_inline)) {
            codes[i.value] = rows[r + i.value < count ? r + i.value : r] + byte_code_factors;
        });
        typename Machine::I sums[group];
        unroll<group>([&](auto i) __attribute__((always_inline)) { sums[i.value] = Machine::zero(); });
        std::size_t at = 0;
        for (; at + step <= query.parts; at += step) {
            const auto low = Machine::bytes(lower + at);
            const auto high = Machine::bytes(upper + at);
            unroll<group>([&](auto i) __attribute__((always_inline)) {
                sums[i.value] =
                    Machine::add_half_products(sums[i.value], Machine::bytes(codes[i.value] + at), low, high);
            });
        }
        if (at < query.parts) {
            const auto low = Machine::bytes(lower + at);  // zeros behind the last value
            const auto high = Machine::bytes(upper + at);
            unroll<group>([&](auto i) __attribute__((always_inline)) {
                sums[i.value] = Machine::add_half_products(
                    sums[i.value], Machine::bytes_part(codes[i.value] + at, query.parts - at), low, high);
            });
        }
        unsigned four[group];
        store(four, Machine::sum4(sums[0], sums[1], sums[2], sums[3]));
        auto& factors = out.factors[r / nibble_rows];
        const std::size_t place = r % nibble_rows;
        unroll<group>([&](auto i) __attribute__((always_inline)) {
            const std::byte* const row = codes[i.value] - byte_code_factors;
            out.sums[r + i.value] = static_cast<std::int32_t>(four[i.value]);
            factors[0][place + i.value] = load_float(row);
            factors[1][place + i.value] = load_float(row + 4);
            factors[2][place + i.value] = load_float(row + 8);
        });
    }
    for (std::size_t r = (count + group - 1) / group * group; r % nibble_rows != 0; ++r) {
        out.sums[r] = 0;
        for (auto& factor : out.factors[r / nibble_rows]) factor[r % nibble_rows] = 0;
    }
}

template <class Machine>
std::size_t value_nibbles_gather(const ByteCodeQuery& query, const std::byte* const* rows, std::size_t count,
                                 float bound, std::uint32_t* index, float* estimate, float* lower) noexcept {
    std::size_t found = 0;
    for (std::size_t first = 0; first < count; first += byte_code_rows) {
        const std::size_t some = count - first < byte_code_rows ? count - first : byte_code_rows;
        ByteCodeSums of;
        add_value_nibbles<Machine>(query, rows + first, some, of);
        found += coded_rows_below<Machine>(query, of, some, static_cast<std::uint32_t>(first), bound, index + found,
                                           estimate + found, lower + found);
    }
    return found;
}

template <class Machine>
std::size_t value_nibbles_scan(const ByteCodeQuery& query, const std::byte* rows, std::size_t stride, std::size_t count,
                               float bound, std::uint32_t* index, float* estimate, float* lower) noexcept {
    std::size_t found = 0;
    for (std::size_t first = 0; first < count; first += byte_code_rows) {
        const std::size_t some = count - first < byte_code_rows ? count - first : byte_code_rows;
        const std::byte* at[byte_code_rows];
        for (std::size_t i = 0; i < some; ++i, rows += stride) at[i] = rows;
        ByteCodeSums of;
        add_value_nibbles<Machine>(query, at, some, of);
        found += coded_rows_below<Machine>(query, of, some, static_cast<std::uint32_t>(first), bound, index + found,
                                           estimate + found, lower + found);
    }
    return found;
}

}  // namespace
}  // namespace tonari::simd
