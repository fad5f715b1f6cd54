// Where the parts of a stored row and of a prepared query lie (drawn in tonari/simd/kernels.hpp).
//
// Everything is in an anonymous namespace: the level files compile this with different flags, and the linker must
// not choose one of them for all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <tonari/core/types.hpp>

namespace tonari::simd {
namespace {

constexpr bool is_half(Element element) noexcept { return element == Element::float16 || element == Element::bfloat16; }

constexpr bool is_float(Element element) noexcept { return element == Element::float32 || is_half(element); }

/// Bytes before a cosine row's trailer: the values and zeros up to a multiple of 4.
constexpr std::size_t trailer_offset(Element element, Dim dim) noexcept {
    const std::size_t bytes = row_bytes(element, dim);
    return bytes + (4 - bytes % 4) % 4;
}

/// The same for a query: those of half rows are held in float32.
constexpr std::size_t query_trailer_offset(Element element, Dim dim) noexcept {
    return trailer_offset(is_half(element) ? Element::float32 : element, dim);
}

inline float load_float(const std::byte* at) noexcept {
    float value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

/// Counts above 2^31 fit 32 unsigned bits: 65536 dimensions * 255^2 = 4 261 478 400. Through 64 bits, so that the
/// conversion rounds once on every machine.
inline float to_float(unsigned sum) noexcept { return static_cast<float>(static_cast<long long>(sum)); }
inline float to_float(int sum) noexcept { return static_cast<float>(sum); }

/// The bits of values 16 quad to 16 quad + 15 of row `place` of a block of 4-bit codes, four values to a part, from the lowest
/// on.
inline unsigned sixteen_signs(const std::byte* block, std::size_t place, std::size_t quad) noexcept {
    std::uint32_t parts;
    std::memcpy(&parts, block + quad * 64 + place % 16 * 4, sizeof parts);
    parts = parts >> (place < 16 ? 0U : 4U) & 0x0F0F0F0FU;
    parts = (parts | parts >> 4U) & 0x00FF00FFU;
    return (parts | parts >> 8U) & 0xFFFFU;
}

/// Sets them.
inline void set_sixteen_signs(std::byte* block, std::size_t place, std::size_t quad, unsigned bits) noexcept {
    std::byte* const at = block + quad * 64 + place % 16 * 4;
    const unsigned shift = place < 16 ? 0 : 4;
    std::uint32_t parts = bits;
    parts = (parts | parts << 8U) & 0x00FF00FFU;
    parts = (parts | parts << 4U) & 0x0F0F0F0FU;
    std::uint32_t all;
    std::memcpy(&all, at, sizeof all);
    all = (all & (0xF0F0F0F0U >> shift)) | parts << shift;
    std::memcpy(at, &all, sizeof all);
}

/// How entries of a table, none below 0, become bytes: entry * lift * inverse, rounded.
struct NibbleScale {
    float lift;  ///< tiny entries times this have an inverse
    float inverse;
    float step;  ///< what 1 in a byte counts
};
inline NibbleScale nibble_scale(float widest) noexcept {
    const float lift = widest < 0x1p-100F ? 0x1p100F : 1.0F;
    return {lift, widest > 0 ? 255 / (widest * lift) : 0.0F, widest / 255};
}

}  // namespace
}  // namespace tonari::simd
