// What a walk keeps: the candidates it has found, nearest first, and which of them it has expanded.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include <tonari/core/collector.hpp>
#include <tonari/core/ordered_key.hpp>
#include <tonari/core/top_k.hpp>
#include <tonari/graph/sorted_keys.hpp>

namespace tonari {

/// A collector that also says which vertex to expand next. One that keeps distances apart from estimates has
/// `settle(vertex, distance)`, too, called when a vertex is expanded whose layout knows its distance.
template <class F>
concept Frontier = Collector<F> && requires(F f) {
    { f.pop() } noexcept -> std::same_as<std::optional<RowId>>;
    { f.peek() } noexcept -> std::same_as<RowId>;
};

/// The plain frontier: one sorted array of at most `ef` candidates, its answers and its queue at once (as in NSG and
/// DiskANN; hnswlib keeps two heaps). The mark of a key says that the candidate was expanded.
class PoolFrontier {
public:
    void reset(std::size_t ef) {
        keys_.reset(ef);
        next_ = 0;
    }
    [[nodiscard]] float bound() const noexcept {
        return keys_.full() ? distance_of(keys_.last()) : std::numeric_limits<float>::infinity();
    }
    void offer(RowId row, float distance, float /*lower*/) noexcept {
        const OrderedKey key = make_key(distance, row);
        if (keys_.takes(key)) next_ = std::min(next_, keys_.insert(key));
    }
    /// The nearest candidate not yet expanded, which is now marked; none when the walk is over.
    std::optional<RowId> pop() noexcept {
        while (next_ < keys_.size() && (keys_[next_] & expanded) != 0) ++next_;
        if (next_ == keys_.size()) return std::nullopt;
        keys_[next_] |= expanded;
        return row_of(keys_[next_++]);
    }
    /// The one that `pop` would give now, to prefetch.
    [[nodiscard]] RowId peek() const noexcept {
        for (std::size_t i = next_; i < keys_.size(); ++i) {
            if ((keys_[i] & expanded) == 0) return row_of(keys_[i]);
        }
        return no_row;
    }
    /// Everything kept, nearest first.
    [[nodiscard]] std::span<const OrderedKey> answers() noexcept { return {keys_.data(), keys_.size()}; }

private:
    static constexpr OrderedKey expanded = 1;
    SortedKeys keys_;
    std::size_t next_ = 0;  // nothing before it is unexpanded
};

namespace detail {
struct NoRange {};
}  // namespace detail

/// The frontier of filtered and range searches: rows that may not be answered still lead the walk, so the queue is a
/// heap of its own without a limit, and the answers are collected apart.
///   filter: a walk goes on until `ef` rows that pass are nearer than every candidate left;
///   range:  ... and every candidate left is beyond the radius.
/// All by lower bounds, where codes are no more than estimates. `Range` is a collector that takes what passes, if there is one.
template <class Passes, class Range = detail::NoRange>
class HeapFrontier {
public:
    static constexpr bool ranged = !std::same_as<Range, detail::NoRange>;

    /// The walk is at least as wide as `width`, which takes the nearest rows that pass.
    HeapFrontier(std::vector<OrderedKey>& heap, TopK& width, Passes passes) noexcept
        : heap_(&heap), width_(&width), passes_(passes) {
        heap_->clear();
    }
    /// The same, and `range` takes all that pass and are below its bound.
    HeapFrontier(std::vector<OrderedKey>& heap, TopK& width, Range& range, Passes passes) noexcept
        : heap_(&heap), width_(&width), range_(&range), passes_(passes) {
        heap_->clear();
    }

    [[nodiscard]] float bound() const noexcept {
        const float width = width_->bound();
        if constexpr (ranged) {
            return std::max(width, std::nextafter(range_->bound(), std::numeric_limits<float>::infinity()));
        } else {
            return width;
        }
    }
    void offer(RowId row, float estimate, float lower) noexcept {
        // Within the reserved capacity. Complemented: the standard heap keeps the largest on top.
        heap_->push_back(~make_key(lower, row));
        std::push_heap(heap_->begin(), heap_->end());
        if (!passes_(row)) return;
        width_->offer(lower, row);
        if constexpr (ranged) range_->offer(row, estimate, lower);
    }
    std::optional<RowId> pop() noexcept {
        if (heap_->empty()) return std::nullopt;
        const OrderedKey key = ~heap_->front();
        if (distance_of(key) > bound()) return std::nullopt;
        std::pop_heap(heap_->begin(), heap_->end());
        heap_->pop_back();
        return row_of(key);
    }
    [[nodiscard]] RowId peek() const noexcept { return heap_->empty() ? no_row : row_of(~heap_->front()); }

private:
    std::vector<OrderedKey>* heap_;
    TopK* width_;             // the `ef` nearest that pass
    Range* range_ = nullptr;  // range search: those within the radius
    Passes passes_;
};

}  // namespace tonari
