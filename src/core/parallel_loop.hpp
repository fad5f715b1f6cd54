// What the two bodies of parallel_for share: how many pieces there are, and what a piece is.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

#include <tonari/core/parallel.hpp>

namespace tonari::parallel_detail {

struct Pieces {
    std::size_t count;
    std::size_t grain;

    Pieces(std::size_t n, std::size_t asked_grain) noexcept : count(n), grain(asked_grain == 0 ? 1 : asked_grain) {}
    [[nodiscard]] std::size_t size() const noexcept { return count / grain + (count % grain != 0 ? 1 : 0); }
    [[nodiscard]] std::size_t first(std::size_t piece) const noexcept { return piece * grain; }
    [[nodiscard]] std::size_t last(std::size_t piece) const noexcept {
        return count - first(piece) < grain ? count : first(piece) + grain;
    }
};

/// As many workers as may be used and have something to do.
inline unsigned workers(const Threads& threads, const Pieces& pieces) noexcept {
    return static_cast<unsigned>(std::min(std::size_t{resolve_threads(threads)}, pieces.size()));
}

/// One worker's life: take the next piece until none is left.
template <class Body>
void drain(const Pieces& pieces, std::atomic<std::size_t>& next, unsigned worker, const Body& body) {
    const std::size_t size = pieces.size();
    for (std::size_t piece = next.fetch_add(1, std::memory_order_relaxed); piece < size;
         piece = next.fetch_add(1, std::memory_order_relaxed)) {
        body(pieces.first(piece), pieces.last(piece), worker);
    }
}

/// The two cases that need no threads of ours; false when ours are needed.
template <class Body>
bool run_without_own_threads(const Threads& threads, const Pieces& pieces, unsigned count, const Body& body) {
    if (count <= 1) {
        for (std::size_t piece = 0; piece < pieces.size(); ++piece) body(pieces.first(piece), pieces.last(piece), 0U);
        return true;
    }
    if (threads.executor == nullptr) return false;
    std::atomic<std::size_t> next{0};
    threads.executor->run(count, [&](std::size_t worker) { drain(pieces, next, static_cast<unsigned>(worker), body); });
    return true;
}

}  // namespace tonari::parallel_detail
