// The k nearest of a stream of rows. Few are kept in order: one that comes shifts those behind it, which is quicker than a heap as
// long as they are a cache line or some (`few`), if it does not ask for each whether to: how far a row sinks is what no branch
// predicts. Many are a bounded max-heap.
#pragma once

#include <algorithm>
#include <cstring>
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
        capacity_ = k;
        count_ = 0;
        keys_.clear();
        keys_.reserve(k);
        if (in_order()) keys_.resize(k, empty);
        limit_ = make_key(limit, max_row);
    }
    /// No distance above it can enter.
    [[nodiscard]] float bound() const noexcept { return distance_of(bound_key()); }
    [[nodiscard]] OrderedKey bound_key() const noexcept { return count_ > 0 && room() == 0 ? farthest() : limit_; }

    void offer(float distance, RowId row) noexcept {
        const OrderedKey key = make_key(distance, row);
        if (key > limit_) return;
        if (!in_order()) return offer_to_heap(key);
        if (capacity_ == 0 || key >= keys_.back()) return;  // an empty place is behind all rows
        put_in_order(key);
        count_ += room() > 0 ? 1 : 0;
    }
    /// The same, as a Collector (core/collector.hpp): what is kept here are distances, so bounds say nothing more.
    void offer(RowId row, float distance, float /*lower*/) noexcept { offer(distance, row); }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    /// How many more it keeps before any is turned away for others.
    [[nodiscard]] std::size_t room() const noexcept { return capacity_ - count_; }
    /// What is kept, in no order.
    [[nodiscard]] std::span<const OrderedKey> unsorted() const noexcept { return std::span(keys_).first(count_); }
    /// Sorted, nearest first. Ends the collecting until the next `reset`.
    std::span<const OrderedKey> sort() noexcept {
        if (!in_order()) std::sort_heap(keys_.begin(), keys_.end());
        return unsorted();
    }

private:
    static constexpr std::size_t moved_at_once = 16;
    static constexpr RowId max_row = (RowId{1} << 31) - 1;
    static constexpr OrderedKey empty = std::numeric_limits<OrderedKey>::max();  // behind `count_`

    [[nodiscard]] bool in_order() const noexcept { return capacity_ <= few; }
    /// Of as many as are kept, at least one.
    [[nodiscard]] OrderedKey farthest() const noexcept { return in_order() ? keys_.back() : keys_.front(); }

    /// What is behind the key moves on by one place: some at a time as long as all of them are, then each of a few, whether it is or
    /// not.
    void put_in_order(OrderedKey key) noexcept {
        OrderedKey* keys = keys_.data();
        std::size_t at = std::min(count_, capacity_ - 1);  // what stands there goes, or nothing does
        for (; at >= moved_at_once && keys[at - moved_at_once] > key; at -= moved_at_once) {
            const OrderedKey* const from = keys + at - moved_at_once;
            std::memmove(keys + at - moved_at_once + 1, from, moved_at_once * sizeof(OrderedKey));
        }
        for (const std::size_t last = at - std::min(at, moved_at_once); at > last; --at) {
            const OrderedKey nearer = key < keys[at] ? key : keys[at];
            keys[at] = nearer > keys[at - 1] ? nearer : keys[at - 1];
        }
        keys[at] = key < keys[at] ? key : keys[at];
    }
    __attribute__((noinline)) void offer_to_heap(OrderedKey key) noexcept {
        if (room() > 0) {
            keys_.push_back(key);  // within the reserved capacity
            ++count_;
        } else {
            if (key >= keys_.front()) return;
            std::pop_heap(keys_.begin(), keys_.end());
            keys_.back() = key;
        }
        std::push_heap(keys_.begin(), keys_.end());
    }

    std::vector<OrderedKey> keys_;  // in order: `capacity_` places, the first `count_` of them taken; a heap: `count_`
    std::size_t capacity_ = 0;
    std::size_t count_ = 0;
    OrderedKey limit_ = 0;
};

}  // namespace tonari
