// What the reference says of codes: the plainest loop of each kernel.
#pragma once

#include <cstddef>
#include <cstdint>

#include <tonari/simd/kernels.hpp>

namespace tonari::simd::reference {

std::size_t nibbles_below(const NibbleQuery& query, const std::byte* blocks, std::size_t stride, std::size_t begin,
                          std::size_t end, float bound, std::uint32_t* index, float* estimate, float* lower) noexcept;
void nibbles_below_each(const NibbleQuery* const* queries, std::size_t count, const std::byte* blocks,
                        std::size_t stride, std::size_t begin, std::size_t end, const float* bounds,
                        NibblesFound* found) noexcept;
void round_int8(const float* values, const float* middle, float scale, std::size_t count, std::int8_t* out) noexcept;
NibbleTable nibble_table(const float* query, const float* points, std::size_t stride, std::size_t parts,
                         std::size_t width, float* room, std::uint8_t* table) noexcept;
std::size_t byte_codes_gather(const ByteCodeQuery& query, const std::byte* const* rows, std::size_t count, float bound,
                              std::uint32_t* index, float* estimate, float* lower) noexcept;
std::size_t byte_codes_scan(const ByteCodeQuery& query, const std::byte* rows, std::size_t stride, std::size_t count,
                            float bound, std::uint32_t* index, float* estimate, float* lower) noexcept;
std::size_t value_nibbles_gather(const ByteCodeQuery& query, const std::byte* const* rows, std::size_t count,
                                 float bound, std::uint32_t* index, float* estimate, float* lower) noexcept;
std::size_t value_nibbles_scan(const ByteCodeQuery& query, const std::byte* rows, std::size_t stride, std::size_t count,
                               float bound, std::uint32_t* index, float* estimate, float* lower) noexcept;
NibbleTable byte_table(const float* query, const float* points, std::size_t parts, std::size_t width, float* room,
                       std::uint8_t* table) noexcept;
void byte_points(const float* values, const float* points, std::size_t parts, std::size_t width,
                 std::byte* codes) noexcept;
float planes_product(const float* query, std::size_t count, const std::byte* block, std::size_t place,
                     const std::byte* planes, std::size_t bits) noexcept;
SignSums put_signs(const float* values, const float* origin, std::size_t count, std::byte* block,
                   std::size_t place) noexcept;
RoundedSums rounded_sums(const float* values, std::size_t count, float scale, float most) noexcept;
void rotate(float* values, std::size_t size, const std::uint64_t* signs) noexcept;

}  // namespace tonari::simd::reference
