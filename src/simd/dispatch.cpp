// Chooses the table: which levels this library holds, which of them this machine can run, which one was asked for.
//
// A new level is one line in `level_entries`, one file target_<level>.cpp and one line in cmake/SimdTargets.cmake. avx512_amx is
// avx512_spr with tiles: its file has these alone, and `Available` puts its table together.
#include "simd/dispatch.hpp"

#include <array>
#include <cstdlib>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "simd/tables.hpp"

namespace tonari::simd {
namespace {

struct LevelEntry {
    const Kernels* table;
    bool (*runs_here)() noexcept;
};

bool always() noexcept { return true; }

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_word(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
}

constexpr Level all_levels[] = {Level::reference,  Level::baseline,   Level::avx2, Level::avx512,
                                Level::avx512_spr, Level::avx512_amx, Level::neon};

[[maybe_unused]] bool is_asked_for(Level level) noexcept {
    const char* word = std::getenv("TONARI_SIMD");
    return word != nullptr && same_word(word, name(level));
}

// The compiler's own check also asks the operating system whether it saves the wide registers. Bits that clang 14
// has no word for are read from CPUID itself; the state that F16C needs is that of avx, that of AMX is asked for.
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

[[maybe_unused]] bool has_amx(unsigned bit) noexcept {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx >> bit & 1U) != 0;
}
[[maybe_unused]] bool has_amx_tile() noexcept { return has_amx(24); }
[[maybe_unused]] bool has_amx_int8() noexcept { return has_amx(25); }

/// The operating system switches tiles between threads, and lends them to this process (level.hpp says what that means for it).
[[maybe_unused]] bool may_use_tiles() noexcept {
#if defined(__linux__)
    unsigned low = 0, high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    constexpr unsigned configuration_and_data = 3U << 17;
    if ((low & configuration_and_data) != configuration_and_data) return false;
    constexpr long request_permission = 0x1023;  // ARCH_REQ_XCOMP_PERM: older headers have no word for it
    constexpr long tile_data = 18;
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
    return false;
#endif
}

[[maybe_unused]] bool runs_avx512_amx() noexcept {
    return is_asked_for(Level::avx512_amx) && runs_avx512_spr() && has_amx_tile() && has_amx_int8() && may_use_tiles();
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

/// What this machine can run, asked once.
struct Available {
    std::array<Level, std::size(level_entries) + 1> levels{};
    std::array<const Kernels*, std::size(level_entries) + 1> tables{};
    std::size_t count = 0;
    Kernels with_tiles;

    Available() noexcept {
        for (const LevelEntry& entry : level_entries) {
            if (entry.runs_here()) add(*entry.table);
        }
#if defined(TONARI_HAVE_AVX512_SPR) && defined(TONARI_HAVE_AVX512_AMX)
        if (!runs_avx512_amx()) return;
        with_tiles = avx512_spr_kernels;
        with_tiles.level = Level::avx512_amx;
        for (std::size_t metric = 0; metric < std::size(avx512_amx_kernels.tiles); ++metric) {
            DistanceKernels* of = with_tiles.distance[metric];
            of[static_cast<std::size_t>(Element::int8) - 1].tiles = avx512_amx_kernels.tiles[metric][0];
            of[static_cast<std::size_t>(Element::uint8) - 1].tiles = avx512_amx_kernels.tiles[metric][1];
        }
        add(with_tiles);
#endif
    }
    Available(const Available&) = delete;
    Available& operator=(const Available&) = delete;

private:
    void add(const Kernels& table) noexcept {
        tables[count] = &table;
        levels[count++] = table.level;
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
