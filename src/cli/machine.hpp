// What the command runs on, and how much memory it takes there.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace tonari::cli {

/// "Intel(R) Xeon(R) Processor, 2 cores, avx512"
std::string machine();

/// The moment, in UTC: "2026-11-28T09:30:00Z".
std::string now_utc();

/// How many processes ran or wanted to, on average over the last minute, a core; not every system counts them.
std::optional<double> load_per_core();

/// The most memory that this process held since `start`, less what it held then. Linux counts it (VmHWM), and starts
/// counting anew when asked through /proc/self/clear_refs; where it does not, there is no figure.
class PeakMemory {
public:
    PeakMemory();
    [[nodiscard]] std::optional<std::size_t> bytes() const;

private:
    std::optional<std::size_t> before_;
};

}  // namespace tonari::cli
