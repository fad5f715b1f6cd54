// A growing index that has lost many rows, made as small as those that are left.
//
// Free places lie where rows were removed, all over the index. Rows from behind move into them as an update moves an id,
// from one moment to the next, so that searches and changes go on; then the places at the end are free, too, and are dropped.
//
// Invariants (tests/unit/index/growing_hnsw_test.cpp, tests/concurrency/growing_test.cpp)
//   - A row moves only while its id still has it: who updates or removes the id meanwhile wins.
//   - The memory of a dropped place goes back when every reader looks at a moment from which on it was beyond the end, and
//     not if it has been given a new row meanwhile.
#pragma once

#include <functional>

#include <tonari/index/growing_hnsw.hpp>

namespace tonari {

/// While it lives, the free places from `first` on are used no more; then those at the end are dropped, however it ended.
template <Codec C, class Reclaimer>
class GrowingHnsw<C, Reclaimer>::Retiring {
public:
    explicit Retiring(GrowingHnsw& of) : index_(&of) {
        const std::lock_guard books(index_->books_);
        end = index_->graph_.vertices();
        first = end - index_->graph_.free();
        if (first < end) index_->graph_.retire_from(first);
    }
    Retiring(const Retiring&) = delete;
    Retiring& operator=(const Retiring&) = delete;
    ~Retiring() {
        if (first == end) return;
        const std::lock_guard books(index_->books_);
        if (!index_->graph_.drop_free_end()) return;
        index_->dropped_ = index_->epoch_.now() + 1;
        index_->turn(index_->dropped_);
    }

    std::size_t first = 0;  ///< as many places lie before it as are in use
    std::size_t end = 0;

private:
    GrowingHnsw* index_;
};

template <Codec C, class Reclaimer>
Result<bool> GrowingHnsw<C, Reclaimer>::compact(const std::function<void(std::size_t, std::size_t)>& progress) try {
    const auto mine = compacting_.begin();
    if (!mine) return mine.error();
    const auto writer = borrow();
    constexpr int most_rounds = 4;  // equal rows that meet share a place from then on, and free another
    bool whole = tidy();
    for (int round = 0; round < most_rounds && has_free_place(); ++round) {
        {
            const Retiring places(*this);
            for (std::size_t vertex = places.end; vertex-- > places.first;) {
                bool more = true;
                while (more && has_free_place()) {  // others may take them
                    auto moved = move_ids(static_cast<RowId>(vertex), *writer);
                    if (!moved) return std::move(moved).error();
                    more = *moved;
                    help(*writer, steps_per_write, false);
                }
                if (progress) progress(places.end - vertex, places.end - places.first);
            }
            tidy();
        }
        whole = tidy();
        if (!whole) break;
    }
    return whole && !has_free_place();
} catch (const std::bad_alloc&) {
    return no_memory();
}

template <Codec C, class Reclaimer>
Result<bool> GrowingHnsw<C, Reclaimer>::move_ids(RowId vertex, Writer& writer) {
    const Epoch::Pin pin = epoch_.pin();  // the row and living entries stay what they are while we look at them
    const auto is_living = [this](std::uint32_t entry) {
        return entries_.at(entry).died.load(std::memory_order_relaxed) == never &&
               entries_.at(entry).born.load(std::memory_order_relaxed) != never;
    };
    const auto living_from = [&](std::uint32_t entry) {
        while (entry != no_row && !is_living(entry)) entry = entries_.at(entry).next.load(std::memory_order_relaxed);
        return entry;
    };
    Coming coming{no_id, PutMode::update};
    {
        const std::lock_guard books(books_);
        coming.from = living_from(entries_.first(vertex));
        if (coming.from == no_row) return false;
        coming.id = entries_.at(coming.from).id.load(std::memory_order_relaxed);
    }
    Place place;
    if (Status s = take_place(coming.id, place); !s) return std::move(s).error();
    rows_.set_code(place.vertex, rows_.code(vertex));
    const Status settled = settle_in(place, coming, writer);
    if (!settled && settled.error().code != ErrorCode::not_found) return settled.error();
    if (!settled) return true;  // somebody was faster, and the id is elsewhere

    // The other ids of the row follow it there, each at a moment of its own, some at a time.
    constexpr std::size_t slice = 64;
    RowId target = no_row;
    std::uint32_t at = no_row;
    for (bool begun = false;; begun = true) {
        const std::lock_guard books(books_);
        if (!begun) {
            const std::uint32_t entry = entries_.find(coming.id);
            if (entry == no_row) return true;
            target = entries_.at(entry).vertex.load(std::memory_order_relaxed);
            if (target == vertex) return true;
            at = living_from(entries_.first(vertex));
        }
        at = living_from(at);  // one that was living when we looked last may have died
        for (std::size_t i = 0; i < slice && at != no_row; ++i) {
            if (graph_.record(target).died.load(std::memory_order_relaxed) != never) return true;
            const Id id = entries_.at(at).id.load(std::memory_order_relaxed);
            auto fresh = entries_.take(id, coming_ + 1);
            if (!fresh) return std::move(fresh).error();
            const std::uint32_t next = living_from(entries_.at(at).next.load(std::memory_order_relaxed));
            const Moment moment = epoch_.now() + 1;
            entries_.attach(*fresh, target);
            if (next == no_row) {
                bury(at, moment);  // and with it the vertex, if that was the last
            } else {
                entries_.die(at, moment);
                entries_.push(dead_, at);
                waiting_.fetch_add(1, std::memory_order_relaxed);
            }
            entries_.live(*fresh, moment);
            turn(moment);
            at = next;
        }
        if (at == no_row) return true;
    }
}

}  // namespace tonari
