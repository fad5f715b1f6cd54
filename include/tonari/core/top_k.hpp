// The k nearest of a stream of rows. Few are kept in order: one that comes shifts those behind it, which is quicker than a heap as
// long as they are a cache line or some (`few`). Many are a bounded max-heap.
#pragma once

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include <tonari/core/ordered_key.hpp>

namespace tonari {

class TopK {
public:
    /// So many are kept in order.
    static constexpr std::size_t few = 128;

    /// Makes it empty, to keep `k` rows nearer than or at `limit`. Allocates when k grows beyond what it ever was.
    void reset(std::size_t k, float limit = std::numeric_limits<float>::infinity()) {
        keys_.clear();
        keys_.reserve(k);
        capacity_ = k;
        limit_ = make_key(limit, max_row);
    }
    /// No distance above it can enter.
    [[nodiscard]] float bound() const noexcept { return distance_of(bound_key()); }
    [[nodiscard]] OrderedKey bound_key() const noexcept { return keys_.size() == capacity_ ? farthest() : limit_; }

    void offer(float distance, RowId row) noexcept {
        const OrderedKey key = make_key(distance, row);
        if (key > limit_) return;
        if (keys_.size() < capacity_) {
            keys_.push_back(key);  // within the reserved capacity
        } else {
            if (key >= farthest()) return;
            if (!in_order()) std::pop_heap(keys_.begin(), keys_.end());
            keys_.back() = key;
        }
        if (in_order()) {
            sink_last();
        } else {
            std::push_heap(keys_.begin(), keys_.end());
        }
    }
    /// The same, as a Collector (core/collector.hpp): what is kept here are distances, so bounds say nothing more.
    void offer(RowId row, float distance, float /*lower*/) noexcept { offer(distance, row); }
    [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }
    /// How many more it keeps before any is turned away for others.
    [[nodiscard]] std::size_t room() const noexcept { return capacity_ - keys_.size(); }
    /// What is kept, in no order.
    [[nodiscard]] std::span<const OrderedKey> unsorted() const noexcept { return keys_; }
    /// Sorted, nearest first. Ends the collecting until the next `reset`.
    std::span<const OrderedKey> sort() noexcept {
        if (!in_order()) std::sort_heap(keys_.begin(), keys_.end());
        return keys_;
    }

private:
    static constexpr RowId max_row = (RowId{1} << 31) - 1;

    [[nodiscard]] bool in_order() const noexcept { return capacity_ <= few; }
    /// Of as many as are kept, at least one.
    [[nodiscard]] OrderedKey farthest() const noexcept { return in_order() ? keys_.back() : keys_.front(); }
    /// The last key to its place among those before it, which are in order.
    void sink_last() noexcept {
        OrderedKey* const keys = keys_.data();
        std::size_t at = keys_.size() - 1;
        const OrderedKey key = keys[at];
        for (; at > 0 && keys[at - 1] > key; --at) keys[at] = keys[at - 1];
        keys[at] = key;
    }

    std::vector<OrderedKey> keys_;
    std::size_t capacity_ = 0;
    OrderedKey limit_ = 0;
};

}  // namespace tonari
