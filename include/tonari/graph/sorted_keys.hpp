// Candidates of a walk, nearest first: at most so many, one of which comes in at a time.
//
// A walk that compares rows of 128 bytes spends a seventh of its time on where they belong. A binary search waits for each of its
// comparisons before it makes the next; here comparisons that do not wait for each other count first the sixteens of keys that are
// below, then the keys of the one sixteen that is not. None of them is a branch: where a candidate belongs cannot be predicted.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include <tonari/core/ordered_key.hpp>

namespace tonari {

class SortedKeys {
public:
    /// Makes it empty, to keep the `capacity` smallest. Allocates when that grows beyond what it ever was. O(capacity).
    void reset(std::size_t capacity) {
        if (keys_.size() < capacity + spare) keys_.resize(capacity + spare);
        capacity_ = capacity;
        clear();
    }
    /// The same as large as it was.
    void clear() noexcept {
        size_ = 0;
        std::fill_n(keys_.begin(), capacity_ + spare, std::numeric_limits<OrderedKey>::max());
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool full() const noexcept { return size_ == capacity_; }
    [[nodiscard]] OrderedKey& operator[](std::size_t i) noexcept { return keys_[i]; }
    [[nodiscard]] OrderedKey operator[](std::size_t i) const noexcept { return keys_[i]; }
    [[nodiscard]] OrderedKey last() const noexcept { return keys_[size_ - 1]; }
    [[nodiscard]] const OrderedKey* data() const noexcept { return keys_.data(); }

    /// Whether it would be kept.
    [[nodiscard]] bool takes(OrderedKey key) const noexcept { return !full() || key < last(); }
    /// Puts in one that is taken, in front of equal ones: its place. If it is full, the last one goes.
    std::size_t insert(OrderedKey key) noexcept {
        const std::size_t at = below(key);
        std::memmove(&keys_[at + 1], &keys_[at], (size_ - at) * sizeof key);  // the last one to a spare place
        keys_[at] = key;
        size_ += full() ? 0 : 1;
        return at;
    }

private:
    static constexpr std::size_t together = 16;
    /// Behind the keys that are kept: none of these is below any that is put in.
    static constexpr std::size_t spare = together + 1;

    /// How many are below `key`, which is taken.
    [[nodiscard]] std::size_t below(OrderedKey key) const noexcept {
        const OrderedKey* first = keys_.data();
        std::size_t length = size_;
        while (length > together * together) {
            const std::size_t half = length / 2;
            // A mask, because compilers make a branch of `? :`.
            first += half & (std::size_t{0} - static_cast<std::size_t>(first[half - 1] < key));
            length -= half;
        }
        std::size_t sixteens = 0;
        for (std::size_t i = together - 1; i < length; i += together) {
            sixteens += static_cast<std::size_t>(first[i] < key);
        }
        first += sixteens * together;
        const auto rest = [&]<std::size_t... i>(std::index_sequence<i...>) {
            return (... + static_cast<std::size_t>(first[i] < key));
        };
        return static_cast<std::size_t>(first - keys_.data()) + rest(std::make_index_sequence<together>{});
    }

    std::vector<OrderedKey> keys_;
    std::size_t capacity_ = 0;
    std::size_t size_ = 0;
};

}  // namespace tonari
