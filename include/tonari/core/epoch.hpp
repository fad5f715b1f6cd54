// When may memory that readers walk through be used again? When no reader is left who could still hold it.
//
// Writers number their changes with one clock. A reader *pins* the moment at which it began: until it lets go, nothing
// that was there at that moment is taken away. Pinning is two atomic operations, never a wait.
//
// Invariants (each tried in tests/unit/core/epoch_test.cpp)
//   - A pin's moment is a value that the clock had while the pin was being made.
//   - `oldest()` is at or below the moment of every pin that exists when it returns, and of every pin made later.
//   - So what was made unreachable before moment t, and for which `oldest() >= t`, has no reader left.
//
// Why the second holds: a pin announces a value of the clock first and reads its moment afterwards; `oldest` reads the
// clock first and the announcements afterwards. All four are sequentially consistent, so an announcement that `oldest`
// missed came later than its look at the clock, and the pin's moment is no smaller. (Epoch-based reclamation: Fraser 2004,
// with the clock of a multi-version store in place of three epochs.)
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include <tonari/core/export.hpp>

namespace tonari {

/// A moment: how many changes came before.
using Moment = std::uint64_t;
/// "Not yet" and "never", as a moment.
inline constexpr Moment never = std::numeric_limits<Moment>::max();

class TONARI_API Epoch {
public:
    Epoch() = default;
    Epoch(const Epoch&) = delete;
    Epoch& operator=(const Epoch&) = delete;
    ~Epoch() = default;

    /// Holds a moment. Movable; not copied, so that each is let go once.
    class Pin {
    public:
        Pin() noexcept = default;
        Pin(Pin&& other) noexcept
            : cell_(std::exchange(other.cell_, nullptr)), held_(other.held_), moment_(other.moment_) {}
        Pin& operator=(Pin&& other) noexcept {
            std::swap(cell_, other.cell_);
            std::swap(held_, other.held_);
            std::swap(moment_, other.moment_);
            return *this;
        }
        Pin(const Pin&) = delete;
        Pin& operator=(const Pin&) = delete;
        ~Pin() { release(); }

        void release() noexcept {
            if (cell_ != nullptr) std::exchange(cell_, nullptr)->fetch_sub(held_, std::memory_order_release);
        }
        [[nodiscard]] Moment moment() const noexcept { return moment_; }

    private:
        friend class Epoch;
        std::atomic<std::uint64_t>* cell_ = nullptr;
        std::uint64_t held_ = 0;  // what letting go takes from the cell
        Moment moment_ = 0;
    };

    /// Never waits. With more than `cells` pins at once the further ones hold back all reclaiming while they last.
    [[nodiscard]] Pin pin() noexcept;
    /// The clock.
    [[nodiscard]] Moment now() const noexcept { return clock_.load(std::memory_order_seq_cst); }
    /// Sets the clock, forward only. One caller at a time (writers hold a lock of theirs).
    void advance(Moment to) noexcept { clock_.store(to, std::memory_order_seq_cst); }
    /// A bound below the moments of all pins, present and to come.
    [[nodiscard]] Moment oldest() const noexcept;

    static constexpr std::size_t cells = 64;

private:
    struct alignas(64) Cell {
        std::atomic<std::uint64_t> announced{0};  // 0: free; else a moment + 1
    };
    std::array<Cell, cells> cells_;
    alignas(64) std::atomic<std::uint64_t> crowd_{0};  // pins that found no cell
    alignas(64) std::atomic<Moment> clock_{0};
};

}  // namespace tonari
