// The instruction sets we have bodies for, and which of them this process uses.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>

namespace tonari::simd {

/// Ordered from the plainest to the widest of each architecture. Of what Sapphire Rapids has beyond avx512, avx512_spr
/// needs VNNI, VPOPCNTDQ and VBMI alone, which Ice Lake and Zen 4 have as well; avx512_amx is avx512_spr with AMX tiles of bytes.
///
/// avx512_amx is there only where TONARI_SIMD names it: Linux lends tiles to a process that asks (`arch_prctl`, 5.16 and newer), and
/// from then on signal stacks of threads (`sigaltstack`) must be as large as `getauxval(AT_MINSIGSTKSZ)` says, some 11 KiB, which
/// is the process's to decide.
enum class Level : std::uint8_t { reference, baseline, avx2, avx512, avx512_spr, avx512_amx, neon };

constexpr std::string_view name(Level level) noexcept {
    switch (level) {
        case Level::reference: return "reference";
        case Level::baseline: return "baseline";
        case Level::avx2: return "avx2";
        case Level::avx512: return "avx512";
        case Level::avx512_spr: return "avx512_spr";
        case Level::avx512_amx: return "avx512_amx";
        case Level::neon: return "neon";
    }
    return "unknown";
}

/// The levels that this library has and this machine can run, best last. Tests walk them.
TONARI_API std::span<const Level> available_levels() noexcept;

/// The level in use: the best available, or the one that the environment variable TONARI_SIMD names.
TONARI_API Level active_level() noexcept;

/// An error when TONARI_SIMD names a level that does not exist or that this machine cannot run (the best
/// available one is then in use). Every door (build, open) asks, so that a wrong word never passes in silence.
TONARI_API Status check_level();

}  // namespace tonari::simd
