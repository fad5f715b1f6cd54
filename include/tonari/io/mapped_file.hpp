// Files as memory, and what the kernel should know about how that memory will be used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <tonari/core/bytes.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>

namespace tonari {

/// The whole file, read-only, shared with every other process that maps it. Nothing is read yet.
TONARI_API Result<Bytes> map_file(const std::string& path);

enum class Advice : std::uint8_t {
    normal,
    random,      ///< no reading ahead: for graphs
    sequential,  ///< much reading ahead: for scans
    will_need,   ///< start reading it now, in the background
};

/// Advice on mapped bytes; harmless on others. Systems that take no advice answer ok.
TONARI_API Status advise(const Bytes& bytes, Advice advice);

/// Starts reading the pages of some mapped bytes, as `Advice::will_need`, for where one asks often: O(pages), a system call.
TONARI_API void fetch(std::span<const std::byte> bytes) noexcept;

/// A copy in memory, in huge pages. Errors: out_of_memory.
TONARI_API Result<Bytes> in_memory(const Bytes& bytes);

/// How many of the pages of `bytes` are in memory.
struct PageResidency {
    std::size_t pages = 0;
    std::size_t resident = 0;
};
TONARI_API Result<PageResidency> resident_pages(const Bytes& bytes);

/// Touches every page, so that the first query does not wait for the disk.
TONARI_API void warm(const Bytes& bytes) noexcept;

}  // namespace tonari
