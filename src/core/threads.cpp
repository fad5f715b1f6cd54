// How many threads "as many as there are" is: the processors that this thread may run on, and no more than the
// CPU quota that a container was given. Sixteen threads on a quota of two are slower than two.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

#include <tonari/core/parallel.hpp>

#if defined(__linux__)
#include <sched.h>
#endif

namespace tonari {
namespace {

unsigned allowed_processors() noexcept {
#if defined(__linux__)
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1U, static_cast<unsigned>(CPU_COUNT(&set)));
#endif
    return std::max(1U, std::thread::hardware_concurrency());
}

#if defined(__linux__)
constexpr unsigned no_quota = ~0U;

unsigned whole_processors(long long quota, long long period) noexcept {
    if (quota <= 0 || period <= 0) return no_quota;
    return static_cast<unsigned>(std::clamp((quota + period - 1) / period, 1LL, 1LL << 20));
}

/// cgroup v2: "max 100000" or "200000 100000".
unsigned quota_v2(const std::string& folder) {
    std::ifstream file(folder + "/cpu.max");
    std::string quota;
    long long period = 0;
    if (!(file >> quota >> period) || quota == "max") return no_quota;
    char* end = nullptr;
    const long long microseconds = std::strtoll(quota.c_str(), &end, 10);
    return *end == '\0' ? whole_processors(microseconds, period) : no_quota;
}

/// cgroup v1: two files, -1 for none.
unsigned quota_v1(const std::string& folder) {
    std::ifstream quota_file(folder + "/cpu.cfs_quota_us");
    std::ifstream period_file(folder + "/cpu.cfs_period_us");
    long long quota = 0;
    long long period = 0;
    if (!(quota_file >> quota) || !(period_file >> period)) return no_quota;
    return whole_processors(quota, period);
}

/// The smallest quota on the way from this process's group up to the root.
unsigned cgroup_quota() {
    unsigned least = std::min(quota_v2("/sys/fs/cgroup"), quota_v1("/sys/fs/cgroup/cpu"));
    std::ifstream groups("/proc/self/cgroup");
    for (std::string row; std::getline(groups, row);) {  // "0::/a/b" or "4:cpu,cpuacct:/a/b"
        const std::size_t second = row.find(':', row.find(':') + 1);
        if (second == std::string::npos) continue;
        const bool v2 = row.starts_with("0::");
        if (!v2 && row.substr(0, second).find("cpu") == std::string::npos) continue;
        for (std::string group = row.substr(second + 1); group.size() > 1; group.resize(group.rfind('/'))) {
            least = std::min(least, v2 ? quota_v2("/sys/fs/cgroup" + group) : quota_v1("/sys/fs/cgroup/cpu" + group));
            if (group.rfind('/') == std::string::npos) break;
        }
    }
    return least;
}
#endif

unsigned available() noexcept {
    unsigned count = allowed_processors();  // asked each time: a program may pin its threads while it runs
#if defined(__linux__)
    static const unsigned quota = []() noexcept {  // asked once: it means reading files
        try {
            return cgroup_quota();
        } catch (...) {
            return no_quota;  // out of memory while reading two lines: the search will say so better
        }
    }();
    count = std::min(count, quota);
#endif
    return count;
}

}  // namespace

unsigned resolve_threads(const Threads& threads) noexcept {
    return std::min(threads.count != 0 ? threads.count : available(), max_threads);
}

}  // namespace tonari
