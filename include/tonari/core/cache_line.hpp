// What one access to memory brings.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tonari {

inline constexpr std::size_t cache_line = 64;

/// So many bytes and what is missing to a whole line.
constexpr std::size_t whole_lines(std::size_t bytes) noexcept {
    return (bytes + cache_line - 1) / cache_line * cache_line;
}

/// The first line that begins at `address` or behind it: room for n bytes is found in n + cache_line - 1.
inline std::byte* at_cache_line(std::byte* address) noexcept {
    const auto number = reinterpret_cast<std::uintptr_t>(address);
    return address + (cache_line - number % cache_line) % cache_line;
}

}  // namespace tonari
