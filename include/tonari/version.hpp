// The version, said once: CMake, pyproject.toml and the library read it from these three lines.
//
// The macros are what the program was compiled with; `tonari::version()` is what it was linked with.
// They differ only when a shared library was exchanged under a program.
#pragma once

#include <string_view>

#include <tonari/core/export.hpp>

#define TONARI_VERSION_MAJOR 0
#define TONARI_VERSION_MINOR 1
#define TONARI_VERSION_PATCH 0

namespace tonari {

/// The version of the linked library, "major.minor.patch".
[[nodiscard]] TONARI_API std::string_view version() noexcept;

}  // namespace tonari
