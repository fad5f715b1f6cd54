// Where the bytes of an opened file live.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <tonari/core/export.hpp>

namespace tonari {

enum class Residency : std::uint8_t {
    load,  ///< read into memory, in huge pages: the fastest search, at the cost of reading everything first
    map,   ///< mapped: opens at once, shared between processes, pages come in as they are touched.
           ///< A disk that fails under a mapped read ends the process (SIGBUS), as does cutting the file from outside.
    disk,  ///< mapped, for files larger than the memory: of rows, codes and links just those pages are read that a search asks
    ///< for, and those that it will need soon many at once. Codes that rows are refined behind are
    ///< read into memory, and so are the links between them.
};

/// "load", "map", "disk".
[[nodiscard]] TONARI_API std::string_view name(Residency residency) noexcept;
[[nodiscard]] TONARI_API std::optional<Residency> residency_from(std::string_view word) noexcept;

}  // namespace tonari
