// The k nearest of a stream of rows, for k too large for a heap: a buffer of 2k that is halved when it is full.
#pragma once

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include <tonari/core/ordered_key.hpp>

namespace tonari {

/// Keeps what TopK keeps, in time that does not grow with k; but its bound falls in steps, so that whoever ends a search by
/// the bound takes TopK.
class Reservoir {
public:
    /// Makes it empty, to keep `k` rows. Allocates when k grows beyond what it ever was.
    void reset(std::size_t k) {
        keys_.clear();
        keys_.reserve(2 * k);
        capacity_ = k;
        limit_ = ~OrderedKey{0};
    }
    /// Nothing at or above it can enter; nothing below it is turned away.
    [[nodiscard]] float bound() const noexcept {
        return limit_ == ~OrderedKey{0} ? std::numeric_limits<float>::infinity() : distance_of(limit_);
    }
    [[nodiscard]] std::size_t size() const noexcept { return std::min(keys_.size(), capacity_); }
    void offer(RowId row, float distance, float /*lower*/) noexcept {
        const OrderedKey key = make_key(distance, row);
        if (key >= limit_ || capacity_ == 0) return;
        keys_.push_back(key);  // within the reserved capacity
        if (keys_.size() == 2 * capacity_) halve();
    }
    /// Sorted, nearest first. Ends the collecting until the next `reset`.
    std::span<const OrderedKey> sort() noexcept {
        if (keys_.size() > capacity_) halve();
        std::sort(keys_.begin(), keys_.end());
        return keys_;
    }

private:
    void halve() noexcept {
        const auto last = keys_.begin() + static_cast<std::ptrdiff_t>(capacity_);
        std::nth_element(keys_.begin(), last - 1, keys_.end());
        limit_ = *(last - 1);
        keys_.erase(last, keys_.end());
    }

    std::vector<OrderedKey> keys_;
    std::size_t capacity_ = 0;
    OrderedKey limit_ = 0;
};

}  // namespace tonari
