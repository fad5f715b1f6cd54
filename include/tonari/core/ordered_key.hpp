// (distance, row) as one integer whose order is the order of answers:
//
//     | 63 ........ 32 | 31 ....... 1 | 0    |
//     | float, ordered | row          | mark |
//
// so that queues compare and move eight bytes and never look at floats. The mark is free for the queue's use.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include <tonari/core/neighbor.hpp>

namespace tonari {

using OrderedKey = std::uint64_t;

constexpr std::uint32_t ordered_bits(float distance) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(distance + 0.0F);  // -0 and +0 are one distance
    return (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
}
constexpr float distance_of_bits(std::uint32_t ordered) noexcept {
    return std::bit_cast<float>((ordered & 0x80000000U) != 0 ? ordered & 0x7fffffffU : ~ordered);
}
constexpr OrderedKey make_key(float distance, RowId row) noexcept {
    return OrderedKey{ordered_bits(distance)} << 32 | OrderedKey{row} << 1;
}
constexpr RowId row_of(OrderedKey key) noexcept { return static_cast<RowId>(key & 0xffffffffU) >> 1; }
constexpr float distance_of(OrderedKey key) noexcept { return distance_of_bits(static_cast<std::uint32_t>(key >> 32)); }
constexpr Candidate candidate_of(OrderedKey key) noexcept { return {distance_of(key), row_of(key)}; }

/// One step above the bound: a row as near as the last one kept may still have the smaller id. (What `std::nextafter` says, which is
/// asked of a library, of all but NaN.)
inline float beyond(float bound) noexcept {
    if (bound == std::numeric_limits<float>::infinity()) return bound;
    if (bound == 0) return std::numeric_limits<float>::denorm_min();
    const auto bits = std::bit_cast<std::uint32_t>(bound);
    return std::bit_cast<float>(bound > 0 ? bits + 1 : bits - 1);
}

}  // namespace tonari
