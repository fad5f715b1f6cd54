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
        index_->graph_.retire_from(first);
    }
    Retiring(const Retiring&) = delete;
    Retiring& operator=(const Retiring&) = delete;
    ~Retiring() {
        const std::lock_guard books(index_->books_);
        index_->graph_.drop_free_end();
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
    const std::lock_guard alone(compacting_);
    tidy();
    const Borrowed writer(*this);
    {
        Retiring places(*this);
        for (std::size_t vertex = places.end; vertex-- > places.first;) {
            bool more = true;
            while (more && has_free_place()) {  // others may take them
                auto moved = move_one_id(static_cast<RowId>(vertex), *writer);
                if (!moved) return std::move(moved).error();
                more = *moved;
                help(*writer, steps_per_write, false);
            }
            if (progress) progress(places.end - vertex, places.end - places.first);
        }
        tidy();
    }
    return tidy();
} catch (const std::bad_alloc&) {
    return no_memory();
}

template <Codec C, class Reclaimer>
Result<bool> GrowingHnsw<C, Reclaimer>::move_one_id(RowId vertex, Writer& writer) {
    const Epoch::Pin pin = epoch_.pin();  // the row and the entry stay what they are while we look at them
    Coming coming{no_id, PutMode::update};
    {
        const std::lock_guard books(books_);
        for (std::uint32_t i = entries_.first(vertex); i != no_row;
             i = entries_.at(i).next.load(std::memory_order_relaxed)) {
            if (entries_.at(i).died.load(std::memory_order_relaxed) == never &&
                entries_.at(i).born.load(std::memory_order_relaxed) != never) {
                coming.from = i;
            }
        }
        if (coming.from == no_row) return false;
        coming.id = entries_.at(coming.from).id.load(std::memory_order_relaxed);
    }
    Place place;
    if (Status s = take_place(coming.id, place); !s) return std::move(s).error();
    rows_.set_code(place.vertex, rows_.code(vertex));
    const Status settled = settle_in(place, coming, writer);  // not_found: somebody was faster, and the id is elsewhere
    if (!settled && settled.error().code != ErrorCode::not_found) return settled.error();
    return true;
}

}  // namespace tonari
