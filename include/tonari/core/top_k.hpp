// The k nearest of a stream of rows: a bounded max-heap of ordered keys.
#pragma once

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include <tonari/core/ordered_key.hpp>

namespace tonari {

class TopK {
public:
    /// Makes it empty, to keep `k` rows nearer than or at `limit`. Allocates when k grows beyond what it ever was.
    void reset(std::size_t k, float limit = std::numeric_limits<float>::infinity()) {
        heap_.clear();
        heap_.reserve(k);
        capacity_ = k;
        limit_ = make_key(limit, max_row);
    }
    /// No distance above it can enter.
    [[nodiscard]] float bound() const noexcept { return distance_of(bound_key()); }
    [[nodiscard]] OrderedKey bound_key() const noexcept { return heap_.size() == capacity_ ? heap_.front() : limit_; }

    void offer(float distance, RowId row) noexcept {
        const OrderedKey key = make_key(distance, row);
        if (key > limit_) return;
        if (heap_.size() < capacity_) {
            heap_.push_back(key);  // within the reserved capacity
            std::push_heap(heap_.begin(), heap_.end());
        } else {
            if (key >= heap_.front()) return;
            std::pop_heap(heap_.begin(), heap_.end());
            heap_.back() = key;
            std::push_heap(heap_.begin(), heap_.end());
        }
    }
    /// The same, as a Collector (core/collector.hpp): what is kept here are distances, so bounds say nothing more.
    void offer(RowId row, float distance, float /*lower*/) noexcept { offer(distance, row); }
    [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }
    /// How many more it keeps before any is turned away for others.
    [[nodiscard]] std::size_t room() const noexcept { return capacity_ - heap_.size(); }
    /// What is kept, in no order.
    [[nodiscard]] std::span<const OrderedKey> unsorted() const noexcept { return heap_; }
    /// Sorted, nearest first. Ends the collecting until the next `reset`.
    std::span<const OrderedKey> sort() noexcept {
        std::sort_heap(heap_.begin(), heap_.end());
        return heap_;
    }

private:
    static constexpr RowId max_row = (RowId{1} << 31) - 1;
    std::vector<OrderedKey> heap_;
    std::size_t capacity_ = 0;
    OrderedKey limit_ = 0;
};

}  // namespace tonari
