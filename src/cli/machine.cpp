#include "cli/machine.hpp"

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string_view>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <tonari/core/parallel.hpp>
#include <tonari/simd/level.hpp>

namespace tonari::cli {
namespace {

/// "key<blanks>: value" of a file of such lines; empty where there is none.
std::string line_of(const char* path, std::string_view key) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(key)) continue;
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos) continue;
        const std::size_t first = line.find_first_not_of(" \t", colon + 1);
        return first == std::string::npos ? std::string{} : line.substr(first);
    }
    return {};
}

std::optional<std::size_t> kibibytes(std::string_view key) {
    std::istringstream text(line_of("/proc/self/status", key));
    std::size_t value = 0;
    if (!(text >> value)) return std::nullopt;
    return value * 1024;
}

}  // namespace

std::string machine() {
    std::string model = line_of("/proc/cpuinfo", "model name");
    if (model.empty()) model = "unknown CPU";
    const unsigned cores = resolve_threads({0, nullptr});
    return model + ", " + std::to_string(cores) + (cores == 1 ? " core, " : " cores, ") +
           std::string(simd::name(simd::active_level()));
}

std::string now_utc() {
    const std::time_t now = std::time(nullptr);
    std::tm parts = {};
    ::gmtime_r(&now, &parts);
    char text[sizeof "2026-11-28T09:30:00Z + more"];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::optional<double> load_per_core() {
    double minute = 0;
    if (::getloadavg(&minute, 1) != 1) return std::nullopt;
    return minute / resolve_threads({0, nullptr});
}

PeakMemory::PeakMemory() {
#if defined(__GLIBC__)
    ::malloc_trim(0);  // what earlier work gave back counts as used otherwise, and would hide growth
#endif
    std::ofstream reset("/proc/self/clear_refs");
    reset << "5" << std::flush;
    if (reset) before_ = kibibytes("VmRSS");
}

std::optional<std::size_t> PeakMemory::bytes() const {
    const std::optional<std::size_t> peak = kibibytes("VmHWM");
    if (!before_ || !peak) return std::nullopt;
    return *peak > *before_ ? *peak - *before_ : 0;
}

}  // namespace tonari::cli
