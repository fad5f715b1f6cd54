// How ids leave a growing graph: what `remove` and `update` began, done by whoever writes next, a few steps at a time.
//
//     dead_     died, and may still be looked at; linked
//     named_    out of the lists of those that it linked to, but somebody far off names it
//     swept_    the same, while a sweep goes through all links
//     left_     nobody names it; its place is free when every reader looks at a later moment
#pragma once

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>

#include <tonari/index/growing_hnsw.hpp>

namespace tonari {

template <Codec C, class Reclaimer>
void GrowingHnsw<C, Reclaimer>::help() noexcept {
    if (waiting_.load(std::memory_order_relaxed) == 0) return;
    try {
        const auto writer = borrow();
        help(*writer, steps_per_write, false);
    } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): then somebody else, later
    }
}

template <Codec C, class Reclaimer>
bool GrowingHnsw<C, Reclaimer>::help(Writer& writer, std::size_t steps, bool all) noexcept {
    bool any = false;
    for (std::size_t i = 0; i < steps && waiting_.load(std::memory_order_relaxed) != 0; ++i) {
        if (!step(writer, all)) break;
        any = true;
    }
    return any;
}

template <Codec C, class Reclaimer>
bool GrowingHnsw<C, Reclaimer>::step(Writer& writer, bool all) noexcept {
    const Moment oldest = epoch_.oldest();
    std::unique_lock books(books_);
    if (!left_.empty() && stamp(left_.front()) <= oldest) {
        const std::uint32_t entry = entries_.pop(left_);
        books.unlock();
        free(entry, writer);
        return true;
    }
    if (!dead_.empty() && holds_others(dead_.front())) entries_.push(dead_, entries_.pop(dead_));
    if (!dead_.empty() && entries_.at(dead_.front()).died.load(std::memory_order_relaxed) <= oldest &&
        !holds_others(dead_.front())) {
        const std::uint32_t entry = entries_.pop(dead_);
        books.unlock();
        leave(entry, writer);
        return true;
    }
    if (sweeping_ || (named_.empty() && swept_.empty())) return false;
    if (swept_.empty() && !all && named_.size() < std::max<std::size_t>(graph_.vertices() / sweep_share, 1))
        return false;
    sweeping_ = true;
    if (swept_.empty()) {
        std::swap(swept_, named_);
        sweep_at_ = 0;
        sweep_end_ = graph_.vertices();
        sweep_moment_ = oldest;
    }
    books.unlock();
    sweep(writer);
    return true;
}

template <Codec C, class Reclaimer>
bool GrowingHnsw<C, Reclaimer>::holds_others(std::uint32_t entry) const noexcept {
    return entries_.at(entry).vertex.load(std::memory_order_relaxed) == tree_.root() && takes_vertex(entry) &&
           (coming_ > 0 || dead_.size() > 1);
}

template <Codec C, class Reclaimer>
bool GrowingHnsw<C, Reclaimer>::takes_vertex(std::uint32_t entry) const noexcept {
    const EntryRecord& record = entries_.at(entry);
    return graph_.record(record.vertex.load(std::memory_order_relaxed)).died.load(std::memory_order_relaxed) ==
           record.died.load(std::memory_order_relaxed);
}

template <Codec C, class Reclaimer>
void GrowingHnsw<C, Reclaimer>::out_of_reach(std::uint32_t entry) noexcept {
    const Moment moment = epoch_.now() + 1;
    entries_.at(entry).born.store(moment, std::memory_order_relaxed);
    entries_.push(left_, entry);
    turn(moment);
}

template <Codec C, class Reclaimer>
void GrowingHnsw<C, Reclaimer>::leave(std::uint32_t entry, Writer& writer) noexcept {
    bool nameless = true;
    if (takes_vertex(entry)) {
        const Epoch::Pin pin = epoch_.pin();
        nameless = writer.leave(entries_.at(entry).vertex.load(std::memory_order_relaxed), pin.moment());
    }
    const std::lock_guard books(books_);
    entries_.detach(entry);
    if (nameless) {
        out_of_reach(entry);
    } else {
        entries_.push(named_, entry);
    }
}

template <Codec C, class Reclaimer>
void GrowingHnsw<C, Reclaimer>::free(std::uint32_t entry, Writer& writer) noexcept {
    const bool whole = takes_vertex(entry);
    const RowId vertex = entries_.at(entry).vertex.load(std::memory_order_relaxed);
    if (whole) writer.clear(vertex);
    const std::lock_guard books(books_);
    if (whole && entries_.first(vertex) != no_row) {
        return out_of_reach(entry);  // an older entry is still being taken out of the vertex's list: later
    }
    if (whole) graph_.give_back(vertex);
    entries_.give_back(entry);
    waiting_.fetch_sub(1, std::memory_order_relaxed);
}

template <Codec C, class Reclaimer>
void GrowingHnsw<C, Reclaimer>::sweep(Writer& writer) noexcept {
    {
        const Epoch::Pin pin = epoch_.pin();
        const std::size_t end = std::min({sweep_end_, sweep_at_ + sweep_slice, graph_.vertices()});
        const auto has_left = [&](RowId row) {
            return graph_.record(row).died.load(std::memory_order_acquire) <= sweep_moment_;
        };
        for (; sweep_at_ < end; ++sweep_at_) writer.sweep(static_cast<RowId>(sweep_at_), has_left, pin.moment());
    }
    const std::lock_guard books(books_);
    sweeping_ = false;
    if (sweep_at_ < std::min(sweep_end_, graph_.vertices())) return;
    while (!swept_.empty()) {  // a list that changed while it was read may have hidden a link: the count knows
        const std::uint32_t entry = entries_.pop(swept_);
        if (graph_.is_nameless(entries_.at(entry).vertex.load(std::memory_order_relaxed))) {
            out_of_reach(entry);
        } else {
            entries_.push(named_, entry);
        }
    }
}

}  // namespace tonari
