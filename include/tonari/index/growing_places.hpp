// Which id stands at which place of growing lists, and from when to when.
//
// A place holds one life of one id: it has a moment at which it was born and one at which it died. A search answers the places
// that were alive at the moment that it pinned, so that it sees all of one state: an id that is updated meanwhile is found
// once, old or new.
//
//     place:  | born | died | id | queued |
//
// Invariants
//   - Born and died are set before the clock reaches them: whoever pins that moment or a later one sees them.
//   - An id has at most one place that has not died; the table names it.
//   - What stands at a place changes only while no list shows it to anybody (lists/growing_lists.hpp).
// Everything but `visible` and `id` is for one caller at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <new>

#include <tonari/core/chunks.hpp>
#include <tonari/core/epoch.hpp>
#include <tonari/index/id_table.hpp>

namespace tonari {

/// Places that wait, first come first served. They link themselves: queueing never fails.
struct PlaceQueue {
    RowId first = no_row;
    RowId last = no_row;
    [[nodiscard]] bool empty() const noexcept { return first == no_row; }
};

class GrowingPlaces {
public:
    GrowingPlaces() noexcept : records_(sizeof(Record)) {}

    [[nodiscard]] bool visible(RowId place, Moment moment) const noexcept {
        const Record& record = at(place);
        return record.born.load(std::memory_order_acquire) <= moment &&
               moment < record.died.load(std::memory_order_acquire);
    }
    [[nodiscard]] Id id(RowId place) const noexcept { return at(place).id.load(std::memory_order_relaxed); }

    /// Makes places [0, places) known, and room for `ids` ids in all: what follows does not fail then. Throws bad_alloc.
    Status reserve(std::size_t places, std::size_t ids) {
        table_.reserve(ids, id_of());
        if (Status s = records_.reserve(places); !s) return s;
        for (; constructed_ < places; ++constructed_) new (records_.at(constructed_)) Record;
        return {};
    }
    /// Gives the memory of places from `places` on back, which nobody looks at.
    void discard(std::size_t places) noexcept {
        if (places >= constructed_) return;
        records_.discard(places);
        constructed_ = places;
    }
    [[nodiscard]] std::size_t size() const noexcept { return table_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return constructed_ * sizeof(Record) + table_.bytes(); }

    /// The living place of an id, or `no_row`.
    [[nodiscard]] RowId find(Id id) const noexcept { return table_.find(id, id_of()); }
    [[nodiscard]] bool is_living(RowId place) const noexcept {
        return at(place).born.load(std::memory_order_relaxed) != never && died(place) == never;
    }
    [[nodiscard]] Moment died(RowId place) const noexcept { return at(place).died.load(std::memory_order_relaxed); }

    /// A row for `id` is coming to the place.
    void expect(RowId place, Id id) noexcept {
        at(place).born.store(never, std::memory_order_relaxed);
        at(place).died.store(never, std::memory_order_relaxed);
        at(place).id.store(id, std::memory_order_relaxed);
    }
    /// It is the id's from `moment` on. What was at another place before has died.
    void live(RowId place, Moment moment) noexcept {
        at(place).born.store(moment, std::memory_order_release);
        table_.set(id(place), place, id_of());
    }
    void die(RowId place, Moment moment) noexcept { at(place).died.store(moment, std::memory_order_release); }
    void forget(Id id) noexcept { table_.erase(id, id_of()); }

    /// A dead place's `born` says since when no list shows it: it is visible at no moment any more.
    void set_stamp(RowId place, Moment moment) noexcept { at(place).born.store(moment, std::memory_order_relaxed); }
    [[nodiscard]] Moment stamp(RowId place) const noexcept { return at(place).born.load(std::memory_order_relaxed); }

    void push(PlaceQueue& queue, RowId place) noexcept {
        at(place).queued = no_row;
        (queue.empty() ? queue.first : at(queue.last).queued) = place;
        queue.last = place;
    }
    RowId pop(PlaceQueue& queue) noexcept {
        const RowId place = queue.first;
        queue.first = at(place).queued;
        return place;
    }

private:
    struct Record {
        std::atomic<Moment> born{never};
        std::atomic<Moment> died{never};
        std::atomic<Id> id{no_id};
        RowId queued = no_row;  // the next in a queue
    };
    /// What the table compares.
    struct IdOf {
        const GrowingPlaces* places;
        Id operator()(RowId place) const noexcept { return places->id(place); }
    };
    [[nodiscard]] Record& at(RowId place) const noexcept { return *records_.as<Record>(place); }
    [[nodiscard]] IdOf id_of() const noexcept { return {this}; }

    Chunks records_;
    std::size_t constructed_ = 0;
    IdTable table_;
};

}  // namespace tonari
