// Pins and the oldest of them.
#include <tonari/core/epoch.hpp>

#include <algorithm>

namespace tonari {
namespace {

/// Where this thread looks for a free cell first: threads that begin apart seldom meet.
std::size_t first_cell() noexcept {
    static std::atomic<std::size_t> threads{0};
    thread_local const std::size_t mine = threads.fetch_add(1, std::memory_order_relaxed);
    return mine;
}

}  // namespace

Epoch::Pin Epoch::pin() noexcept {
    Pin pin;
    const std::size_t first = first_cell();
    for (std::size_t i = 0; i < cells; ++i) {
        std::atomic<std::uint64_t>& cell = cells_[(first + i) % cells].announced;
        std::uint64_t free = 0;
        const std::uint64_t announced = clock_.load(std::memory_order_seq_cst) + 1;
        if (cell.load(std::memory_order_relaxed) != 0) continue;
        if (!cell.compare_exchange_strong(free, announced, std::memory_order_seq_cst)) continue;
        pin.cell_ = &cell;
        pin.held_ = announced;
        pin.moment_ = clock_.load(std::memory_order_seq_cst);
        return pin;
    }
    crowd_.fetch_add(1, std::memory_order_seq_cst);
    pin.cell_ = &crowd_;
    pin.held_ = 1;
    pin.moment_ = clock_.load(std::memory_order_seq_cst);
    return pin;
}

Moment Epoch::oldest() const noexcept {
    Moment oldest = clock_.load(std::memory_order_seq_cst);
    for (const Cell& cell : cells_) {
        const std::uint64_t announced = cell.announced.load(std::memory_order_seq_cst);
        if (announced != 0) oldest = std::min(oldest, announced - 1);
    }
    return crowd_.load(std::memory_order_seq_cst) != 0 ? 0 : oldest;
}

}  // namespace tonari
