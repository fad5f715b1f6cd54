// Asking for cache lines before they are needed.
//
// The empty assembly is there because GCC takes a function that does nothing but prefetch for one without effects, and drops calls of
// it: those of a walk for the links of its next vertex were never made.
#pragma once

#include <cstddef>
#include <cstdint>

#include <tonari/core/cache_line.hpp>

namespace tonari::simd {

__attribute__((always_inline)) inline void prefetch(const void* address) noexcept {
    __builtin_prefetch(address, 0, 3);
    __asm__ volatile("");
}

/// Every line of [address, address + bytes), at most `lines` of them.
__attribute__((always_inline)) inline void prefetch(const void* address, std::size_t bytes,
                                                    std::size_t lines = 64) noexcept {
    const auto* at = static_cast<const char*>(address);
    const std::size_t before = reinterpret_cast<std::uintptr_t>(address) % cache_line;
    const std::size_t wanted = (before + bytes + cache_line - 1) / cache_line;
    const std::size_t last = wanted < lines ? wanted : lines;
    for (std::size_t i = 0; i < last; ++i) __builtin_prefetch(at + i * cache_line, 0, 3);
    __asm__ volatile("");
}

}  // namespace tonari::simd
