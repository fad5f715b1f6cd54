// Which ids the vertices of a growing graph answer for, and from when to when.
//
// An entry is one life of one id: it stands in the list of its vertex, has a moment at which it was born and one at which it
// died. A search answers the entries that were alive at the moment that it pinned, so that it sees all of one state: an
// id that is updated meanwhile is found once, old or new. Equal rows share a vertex, which then has several entries.
//
//     entry:  | born | died | id | next | previous | vertex | queued |
//
// Invariants
//   - Born and died are set before the clock reaches them: whoever pins that moment or a later one sees them.
//   - An id has at most one entry that has not died; the table names it.
//   - A dead entry stays in its vertex's list until no reader is left that could see it alive, and is used again only when
//     none is left that could stand on it: it would lead them into another vertex's list.
// Everything but `visible`, `first` and walking a list is for one caller at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <new>
#include <vector>

#include <tonari/core/chunks.hpp>
#include <tonari/core/epoch.hpp>
#include <tonari/graph/growing_graph.hpp>
#include <tonari/index/id_table.hpp>

namespace tonari {

struct EntryRecord {
    std::atomic<Moment> born{never};
    std::atomic<Moment> died{never};
    std::atomic<Id> id{no_id};
    std::atomic<std::uint32_t> next{no_row};  ///< of the same vertex
    std::uint32_t previous = no_row;
    std::atomic<RowId> vertex{no_row};
    std::uint32_t queued = no_row;  ///< the next in a queue
};

/// Entries that wait, first come first served. They link themselves: queueing never fails.
class EntryQueue {
public:
    [[nodiscard]] bool empty() const noexcept { return first_ == no_row; }
    [[nodiscard]] std::uint32_t front() const noexcept { return first_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    friend class GrowingEntries;
    std::uint32_t first_ = no_row;
    std::uint32_t last_ = no_row;
    std::size_t size_ = 0;
};

class GrowingEntries {
public:
    explicit GrowingEntries(const GrowingGraph& graph) : graph_(&graph), records_(sizeof(EntryRecord)) {}

    [[nodiscard]] EntryRecord& at(std::uint32_t entry) const noexcept { return *records_.as<EntryRecord>(entry); }
    [[nodiscard]] std::uint32_t first(RowId vertex) const noexcept {
        return graph_->record(vertex).entries.load(std::memory_order_acquire);
    }
    [[nodiscard]] bool visible(const EntryRecord& entry, Moment moment) const noexcept {
        return entry.born.load(std::memory_order_acquire) <= moment &&
               moment < entry.died.load(std::memory_order_acquire);
    }
    /// Calls `visit(id)` for each id that `vertex` answered for at `moment`.
    template <class Visit>
    void for_each(RowId vertex, Moment moment, Visit&& visit) const {
        for (std::uint32_t i = first(vertex); i != no_row;) {
            const EntryRecord& entry = at(i);
            if (visible(entry, moment)) visit(entry.id.load(std::memory_order_relaxed));
            i = entry.next.load(std::memory_order_acquire);
        }
    }

    /// The live entry of an id, or `no_row`.
    [[nodiscard]] std::uint32_t find(Id id) const noexcept { return table_.find(id, id_of()); }
    [[nodiscard]] std::size_t size() const noexcept { return table_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return taken_ * sizeof(EntryRecord) + table_.bytes();  // free ones, too: they stay
    }

    /// An entry for `id`, in no list yet. `coming` more ids are on their way: room is made for all. Throws bad_alloc.
    Result<std::uint32_t> take(Id id, std::size_t coming) {
        table_.reserve(table_.size() + coming, id_of());
        if (free_.empty()) {
            if (taken_ >= no_row) return Error{ErrorCode::out_of_range, "expected at most 2^32 - 1 ids in one index"};
            if (Status s = records_.reserve(taken_ + 1); !s) return s;
            if (free_.capacity() < taken_ + 1) free_.reserve(2 * (taken_ + 1));
            new (records_.at(taken_)) EntryRecord;
            free_.push_back(static_cast<std::uint32_t>(taken_++));
        }
        const std::uint32_t entry = free_.back();
        free_.pop_back();
        EntryRecord& record = at(entry);
        record.born.store(never, std::memory_order_relaxed);
        record.died.store(never, std::memory_order_relaxed);
        record.id.store(id, std::memory_order_relaxed);
        record.next.store(no_row, std::memory_order_relaxed);
        record.vertex.store(no_row, std::memory_order_relaxed);
        record.previous = no_row;
        return entry;
    }
    void give_back(std::uint32_t entry) noexcept { free_.push_back(entry); }

    /// Puts an entry that is not born yet at the head of a vertex's list.
    void attach(std::uint32_t entry, RowId vertex) noexcept {
        const std::uint32_t head = first(vertex);
        at(entry).vertex.store(vertex, std::memory_order_relaxed);
        at(entry).next.store(head, std::memory_order_relaxed);
        if (head != no_row) at(head).previous = entry;
        graph_->record(vertex).entries.store(entry, std::memory_order_release);
    }
    /// Takes an entry out of its vertex's list. It still leads readers who stand on it to the next.
    void detach(std::uint32_t entry) noexcept {
        const EntryRecord& record = at(entry);
        const std::uint32_t next = record.next.load(std::memory_order_relaxed);
        if (next != no_row) at(next).previous = record.previous;
        if (record.previous != no_row) {
            at(record.previous).next.store(next, std::memory_order_release);
        } else {
            graph_->record(record.vertex.load(std::memory_order_relaxed))
                .entries.store(next, std::memory_order_release);
        }
    }
    [[nodiscard]] bool has_living(RowId vertex) const noexcept {
        for (std::uint32_t i = first(vertex); i != no_row; i = at(i).next.load(std::memory_order_relaxed)) {
            if (at(i).died.load(std::memory_order_relaxed) == never) return true;
        }
        return false;
    }

    void live(std::uint32_t entry, Moment moment) noexcept {
        at(entry).born.store(moment, std::memory_order_release);
        table_.set(at(entry).id.load(std::memory_order_relaxed), entry, id_of());
    }
    void die(std::uint32_t entry, Moment moment) noexcept { at(entry).died.store(moment, std::memory_order_release); }
    void forget(Id id) noexcept { table_.erase(id, id_of()); }

    void push(EntryQueue& queue, std::uint32_t entry) noexcept {
        at(entry).queued = no_row;
        (queue.empty() ? queue.first_ : at(queue.last_).queued) = entry;
        queue.last_ = entry;
        ++queue.size_;
    }
    std::uint32_t pop(EntryQueue& queue) noexcept {
        const std::uint32_t entry = queue.first_;
        queue.first_ = at(entry).queued;
        --queue.size_;
        return entry;
    }

private:
    /// What the table compares.
    struct IdOf {
        const GrowingEntries* entries;
        Id operator()(std::uint32_t entry) const noexcept {
            return entries->at(entry).id.load(std::memory_order_relaxed);
        }
    };
    [[nodiscard]] IdOf id_of() const noexcept { return {this}; }

    const GrowingGraph* graph_;
    Chunks records_;
    IdTable table_;
    std::vector<std::uint32_t> free_;
    std::size_t taken_ = 0;
};

}  // namespace tonari
