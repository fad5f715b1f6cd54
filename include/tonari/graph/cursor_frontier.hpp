// What the walk of a cursor keeps: everything that it has found, because every row will be asked for in its turn.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

#include <tonari/core/ordered_key.hpp>
#include <tonari/core/top_k.hpp>

namespace tonari {

/// Rows that were found and are not answered yet. The `width` nearest of them decide how far a walk goes on.
///   finding:    widen(width), then offer(key) for each row, which is offered once;
///   answering:  sort(), then first() and pop(), nearest first.
class PendingRows {
public:
    /// Room for every row of the index (pages that stay untouched cost nothing). Throws bad_alloc.
    void reserve(std::size_t rows) { others_.reserve(rows); }

    [[nodiscard]] std::size_t width() const noexcept { return width_; }
    /// `width` is at least 1. Throws bad_alloc, and then holds what it held.
    void widen(std::size_t width) {
        nearest_.erase(nearest_.begin(), nearest_.begin() + static_cast<std::ptrdiff_t>(taken_));
        taken_ = 0;
        nearest_.reserve(width);
        width_ = width;
        std::sort(nearest_.begin(), nearest_.end());
        while (nearest_.size() > width_) {
            put_aside(nearest_.back());
            nearest_.pop_back();
        }
        while (nearest_.size() < width_ && !others_.empty()) {
            nearest_.push_back(~others_.front());
            drop_first_aside();
        }
        std::make_heap(nearest_.begin(), nearest_.end());
    }
    void offer(OrderedKey key) noexcept {
        if (nearest_.size() < width_) {
            nearest_.push_back(key);
            std::push_heap(nearest_.begin(), nearest_.end());
        } else if (key > nearest_.front()) {
            put_aside(key);
        } else {
            std::pop_heap(nearest_.begin(), nearest_.end());
            put_aside(nearest_.back());
            nearest_.back() = key;
            std::push_heap(nearest_.begin(), nearest_.end());
        }
    }
    /// `width` rows are at or below it.
    [[nodiscard]] float bound() const noexcept {
        return nearest_.size() == width_ ? distance_of(nearest_.front()) : std::numeric_limits<float>::infinity();
    }

    void sort() noexcept { std::sort_heap(nearest_.begin(), nearest_.end()); }
    [[nodiscard]] bool empty() const noexcept { return taken_ == nearest_.size() && others_.empty(); }
    /// `first` is not one of the `width` nearest.
    [[nodiscard]] bool beyond_nearest() const noexcept { return taken_ == nearest_.size(); }
    [[nodiscard]] OrderedKey first() const noexcept {
        return taken_ < nearest_.size() ? nearest_[taken_] : ~others_.front();
    }
    void pop() noexcept {
        if (taken_ < nearest_.size()) {
            ++taken_;
        } else {
            drop_first_aside();
        }
    }

private:
    // Complemented: the standard heap keeps the largest on top.
    void put_aside(OrderedKey key) noexcept {
        others_.push_back(~key);  // within the reserved capacity
        std::push_heap(others_.begin(), others_.end());
    }
    void drop_first_aside() noexcept {
        std::pop_heap(others_.begin(), others_.end());
        others_.pop_back();
    }

    std::vector<OrderedKey> nearest_;  // finding: a max-heap; answering: sorted, those before `taken_` answered
    std::vector<OrderedKey> others_;   // a min-heap, none nearer than any of `nearest_`
    std::size_t width_ = 1;
    std::size_t taken_ = 0;
};

/// The frontier of a walk that stops when `width` pending rows are nearer than every candidate left, and goes on when some
/// of them have been answered. Rows that may not be answered still lead it.
template <class Passes>
class CursorFrontier {
public:
    /// `candidates` has room for every row.
    CursorFrontier(std::vector<OrderedKey>& candidates, PendingRows& pending, Passes passes) noexcept
        : candidates_(&candidates), pending_(&pending), passes_(passes) {}

    /// Whatever is found will be asked for.
    [[nodiscard]] float bound() const noexcept { return std::numeric_limits<float>::infinity(); }
    void offer(RowId row, float distance, float /*lower*/) noexcept {
        const OrderedKey key = make_key(distance, row);
        candidates_->push_back(~key);  // complemented: the standard heap keeps the largest on top
        std::push_heap(candidates_->begin(), candidates_->end());
        if (passes_(row)) pending_->offer(key);
    }
    std::optional<RowId> pop() noexcept {
        if (candidates_->empty()) return std::nullopt;
        const OrderedKey key = ~candidates_->front();
        if (distance_of(key) > pending_->bound()) return std::nullopt;
        std::pop_heap(candidates_->begin(), candidates_->end());
        candidates_->pop_back();
        return row_of(key);
    }
    [[nodiscard]] RowId peek() const noexcept { return candidates_->empty() ? no_row : row_of(~candidates_->front()); }
    /// Every vertex that the walk can reach has been expanded.
    [[nodiscard]] bool exhausted() const noexcept { return candidates_->empty(); }

private:
    std::vector<OrderedKey>* candidates_;
    PendingRows* pending_;
    Passes passes_;
};

/// The frontier of a walk in one of several graphs, which goes on as well until the nearest of this graph are found, as many as `width`
/// takes: those of the others may all be nearer. What is left when it stops belongs to the cursor.
template <class Passes>
class CellCursorFrontier {
public:
    /// `candidates` has room for every row.
    CellCursorFrontier(std::vector<OrderedKey>& candidates, TopK& width, PendingRows& pending, Passes passes) noexcept
        : candidates_(&candidates), width_(&width), pending_(&pending), passes_(passes) {}

    /// Whatever is found will be asked for.
    [[nodiscard]] float bound() const noexcept { return std::numeric_limits<float>::infinity(); }
    void offer(RowId row, float distance, float /*lower*/) noexcept {
        const OrderedKey key = make_key(distance, row);
        candidates_->push_back(~key);  // complemented: the standard heap keeps the largest on top
        std::push_heap(candidates_->begin(), candidates_->end());
        if (!passes_(row)) return;
        width_->offer(distance, row);
        pending_->offer(key);
    }
    std::optional<RowId> pop() noexcept {
        if (candidates_->empty()) return std::nullopt;
        const OrderedKey key = ~candidates_->front();
        const float in_all =
            std::nextafter(pending_->bound(), std::numeric_limits<float>::infinity());  // as HeapFrontier
        if (distance_of(key) > std::max(width_->bound(), in_all)) return std::nullopt;
        std::pop_heap(candidates_->begin(), candidates_->end());
        candidates_->pop_back();
        return row_of(key);
    }
    [[nodiscard]] RowId peek() const noexcept { return candidates_->empty() ? no_row : row_of(~candidates_->front()); }

private:
    std::vector<OrderedKey>* candidates_;
    TopK* width_;
    PendingRows* pending_;
    Passes passes_;
};

}  // namespace tonari
