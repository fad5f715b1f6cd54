// Reading the last few bytes of a row, and not one more, on machines without masked byte loads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "simd/unroll.hpp"

namespace tonari::simd {
namespace {

template <class T>
TONARI_INLINE std::uint64_t load_as(const std::byte* at) noexcept {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

/// `bytes` < 8 bytes, then zeros. Two reads that overlap in the middle cover every length.
TONARI_INLINE std::uint64_t load_below_8(const std::byte* at, std::size_t bytes) noexcept {
    if (bytes >= 4) {
        return load_as<std::uint32_t>(at) | load_as<std::uint32_t>(at + bytes - 4) << (bytes - 4) * 8;
    }
    if (bytes >= 2) {
        return load_as<std::uint16_t>(at) | load_as<std::uint16_t>(at + bytes - 2) << (bytes - 2) * 8;
    }
    return bytes == 1 ? load_as<std::uint8_t>(at) : 0;
}

struct Sixteen {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
};

/// `bytes` <= 16 bytes, then zeros.
TONARI_INLINE Sixteen load_up_to_16(const std::byte* at, std::size_t bytes) noexcept {
    if (bytes == 16) return {load_as<std::uint64_t>(at), load_as<std::uint64_t>(at + 8)};
    if (bytes >= 8) return {load_as<std::uint64_t>(at), load_below_8(at + 8, bytes - 8)};
    return {load_below_8(at, bytes), 0};
}

}  // namespace
}  // namespace tonari::simd
