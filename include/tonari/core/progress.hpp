// How far a long call has come, told to whoever asked.
#pragma once

#include <cmath>
#include <cstddef>
#include <functional>

namespace tonari {

/// Called with (done, total), from the thread that made the call.
using ProgressFunction = std::function<void(std::size_t done, std::size_t total)>;

/// A part of a longer call, which goes on while the whole comes from the share `from` to the share `to` of `total`.
/// Empty if nobody asked. `whole` must outlive it.
inline ProgressFunction progress_between(const ProgressFunction& whole, std::size_t total, double from, double to) {
    if (!whole) return {};
    return [&whole, total, from, to](std::size_t done, std::size_t of) {
        const double share = from + (to - from) * static_cast<double>(done) / static_cast<double>(of);
        whole(static_cast<std::size_t>(std::llround(share * static_cast<double>(total))), total);
    };
}

}  // namespace tonari
