// Chooses the table: which levels this library holds, which of them this machine can run, which one was asked for.
//
// A new level is one line in `level_entries`, one file target_<level>.cpp and one line in cmake/SimdTargets.cmake.
#include "simd/dispatch.hpp"

#include <array>
#include <cstdlib>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "simd/tables.hpp"

namespace tonari::simd {
namespace {

struct LevelEntry {
    const Kernels* table;
    bool (*runs_here)() noexcept;
};

bool always() noexcept { return true; }

// The compiler's own check also asks the operating system whether it saves the wide registers. One bit that clang 14
// has no word for is read from CPUID itself; the state it needs is that of avx.
#if defined(__x86_64__)

[[maybe_unused]] bool has_f16c() noexcept {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx >> 29 & 1U) != 0;
}

[[maybe_unused]] bool runs_avx2() noexcept {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") && has_f16c();
}

[[maybe_unused]] bool runs_avx512() noexcept {
    return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512cd");
}

[[maybe_unused]] bool runs_avx512_spr() noexcept {
    return runs_avx512() && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vpopcntdq") &&
           __builtin_cpu_supports("avx512vbmi");
}

#endif

/// The levels of this library, best last.
constexpr LevelEntry level_entries[] = {
    {&reference_kernels, &always},
#if defined(__x86_64__)
#if defined(TONARI_HAVE_BASELINE)
    {&baseline_kernels, &always},
#endif
#if defined(TONARI_HAVE_AVX2)
    {&avx2_kernels, &runs_avx2},
#endif
#if defined(TONARI_HAVE_AVX512)
    {&avx512_kernels, &runs_avx512},
#endif
#if defined(TONARI_HAVE_AVX512_SPR)
    {&avx512_spr_kernels, &runs_avx512_spr},
#endif
#endif
#if defined(TONARI_HAVE_NEON)
    {&neon_kernels, &always},
#endif
};

constexpr Level all_levels[] = {Level::reference, Level::baseline,   Level::avx2,
                                Level::avx512,    Level::avx512_spr, Level::neon};

/// What this machine can run, asked once.
struct Available {
    std::array<Level, std::size(level_entries)> levels{};
    std::array<const Kernels*, std::size(level_entries)> tables{};
    std::size_t count = 0;

    Available() noexcept {
        for (const LevelEntry& entry : level_entries) {
            if (!entry.runs_here()) continue;
            tables[count] = entry.table;
            levels[count++] = entry.table->level;
        }
    }
};

const Available& available() noexcept {
    static const Available once;
    return once;
}

std::string available_words() {
    std::string words;
    for (const Level level : available_levels()) {
        if (!words.empty()) words += ", ";
        words += name(level);
    }
    return words;
}

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_word(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
}

/// The table in use. Chosen once; what is wrong with the word, `check_level` says.
const Kernels& active() noexcept {
    static const Kernels& once = []() noexcept -> const Kernels& {
        const char* word = std::getenv("TONARI_SIMD");
        if (word != nullptr) {
            for (const Level level : available_levels()) {
                if (same_word(word, name(level))) return *kernels(level);
            }
        }
        return *available().tables[available().count - 1];
    }();
    return once;
}

}  // namespace

std::span<const Level> available_levels() noexcept { return {available().levels.data(), available().count}; }

const Kernels* kernels(Level level) noexcept {
    for (std::size_t i = 0; i < available().count; ++i) {
        if (available().levels[i] == level) return available().tables[i];
    }
    return nullptr;
}

Choice choose(std::string_view word) {
    const Kernels* best = available().tables[available().count - 1];
    if (word.empty()) return {best, {}};
    for (const Level level : all_levels) {
        if (!same_word(word, name(level))) continue;
        if (const Kernels* table = kernels(level)) return {table, {}};
        return {best, Error{ErrorCode::unsupported,
                            "TONARI_SIMD: expected a level that this machine and this library "
                            "have (" +
                                available_words() + "), got '" + std::string(word) + "'"}};
    }
    return {best, Error{ErrorCode::invalid_argument,
                        "TONARI_SIMD: expected one of " + available_words() + ", got '" + std::string(word) + "'"}};
}

const Kernels& kernels() noexcept { return active(); }

Level active_level() noexcept { return active().level; }

Status check_level() {
    const char* word = std::getenv("TONARI_SIMD");
    Choice choice = choose(word != nullptr ? word : "");
    if (choice.status.ok() && choice.table != &active()) {  // the variable was changed after the first call
        return Error{ErrorCode::invalid_argument,
                     "TONARI_SIMD: expected to be set before the first use of the "
                     "library, which chose " +
                         std::string(name(active_level())) + "; got '" + std::string(word != nullptr ? word : "") +
                         "'"};
    }
    return choice.status;
}

}  // namespace tonari::simd
