// Time, as a deadline. Searches ask for it every few hundred distances, not in every step.
#pragma once

#include <chrono>

namespace tonari {

using Clock = std::chrono::steady_clock;

/// A moment after which a search stops and says that its answer is not complete. Default: never.
class Deadline {
public:
    constexpr Deadline() noexcept = default;
    constexpr explicit Deadline(Clock::time_point at) noexcept : at_(at) {}
    /// Never, where the clock cannot say when that is.
    static Deadline after(Clock::duration budget) noexcept {
        const Clock::time_point now = Clock::now();
        return budget < Clock::time_point::max() - now ? Deadline(now + budget) : Deadline();
    }

    [[nodiscard]] constexpr bool never() const noexcept { return at_ == Clock::time_point::max(); }
    [[nodiscard]] bool expired() const noexcept { return !never() && Clock::now() >= at_; }

private:
    Clock::time_point at_ = Clock::time_point::max();
};

}  // namespace tonari
