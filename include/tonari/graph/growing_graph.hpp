// The links of an HNSW graph (Malkov, Yashunin 2016) that is walked while it changes. It knows no rows: who links to whom
// is for graph/insert.hpp and graph/repair.hpp to say, that every vertex can be reached for graph/spanning_tree.hpp, when a
// vertex may be used again for its owner.
//
//     layer 0, by vertex:      | link | link | no_row | ...          2M places
//     layers above, in blocks: | named | block of the layer above | link | ... M places |      one vertex in M has one
//     vertex record:           | died | its place in the tree | entries | tower (its first block) | named | lock | height |
//
// Invariants
//   - A list is written under its vertex's lock and read without one. Places are filled from the front; a reader meets
//     links of before and after a change, each of them whole, and stops at `no_row`.
//   - `named(layer, v)` is the number of links on the layer that name v. It is raised before a link is written and lowered
//     after it has gone, so that v is named by nobody when it is 0.
//   - A link is published with release, after everything behind it: who follows one sees the vertex as it was linked.
//   - A vertex's height does not change while it is linked, and never while its lock is held: who goes through all
//     vertices, linked or not, holds it.
//   - One lock is held at a time, for moments: nobody waits for two.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <new>
#include <thread>
#include <vector>

#include <tonari/codec/scorer.hpp>
#include <tonari/core/chunks.hpp>
#include <tonari/core/epoch.hpp>
#include <tonari/core/types.hpp>

namespace tonari {

struct VertexRecord {
    std::atomic<Moment> died{never};            ///< writers link to nobody who died by their own moment
    std::atomic<std::uint64_t> parent{no_row};  ///< graph/spanning_tree.hpp, as the next and `leaving`
    std::atomic<std::int64_t> rank{0};
    std::atomic<std::uint32_t> entries{no_row};  ///< the owner's: first of the entries that this vertex answers for
    std::atomic<std::uint32_t> tower{no_row};    ///< block of layer 1
    std::atomic<std::uint32_t> named{0};         ///< links on layer 0 that name it
    std::atomic<bool> locked{false};
    std::atomic<std::uint8_t> height{0};  ///< layers it stands on; 0: not in use
    std::atomic<bool> leaving{false};
};

class GrowingGraph {
public:
    using Link = std::atomic<RowId>;

    explicit GrowingGraph(std::size_t links)
        : links_(links),
          records_(sizeof(VertexRecord)),
          lists_(2 * links * sizeof(Link)),
          blocks_(block_bytes(links)) {}

    [[nodiscard]] std::size_t links() const noexcept { return links_; }  ///< M
    [[nodiscard]] std::size_t degree(std::size_t layer) const noexcept { return layer == 0 ? 2 * links_ : links_; }
    /// Numbers below it may be looked at. It falls only when what lies behind is out of every reader's reach or beyond the
    /// moments of those who look later.
    [[nodiscard]] std::size_t vertices() const noexcept { return vertices_.load(std::memory_order_acquire); }
    /// Vertices that there is room for without more memory: what a walk sizes its scratch by.
    [[nodiscard]] std::size_t capacity() const noexcept { return lists_.capacity(); }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return vertices() * (sizeof(VertexRecord) + 2 * links_ * sizeof(Link)) +
               blocks_used_.load(std::memory_order_relaxed) * block_bytes(links_);
    }

    [[nodiscard]] VertexRecord& record(RowId vertex) const noexcept { return *records_.as<VertexRecord>(vertex); }
    [[nodiscard]] std::size_t height(RowId vertex) const noexcept {
        return record(vertex).height.load(std::memory_order_acquire);
    }
    /// The places of a vertex that stands on `layer`.
    [[nodiscard]] Link* list(std::size_t layer, RowId vertex) const noexcept {
        return layer == 0 ? lists_.as<Link>(vertex) : block(layer, vertex) + 2;
    }
    [[nodiscard]] std::atomic<std::uint32_t>& named(std::size_t layer, RowId vertex) const noexcept {
        return layer == 0 ? record(vertex).named : block(layer, vertex)[0];
    }
    /// No link names the vertex, on any layer.
    [[nodiscard]] bool is_nameless(RowId vertex) const noexcept {
        for (std::size_t layer = 0; layer < height(vertex); ++layer) {
            if (named(layer, vertex).load(std::memory_order_acquire) != 0) return false;
        }
        return true;
    }
    /// Copies a list; how many links it has. Without its lock, a link that moves meanwhile may be missed.
    std::size_t read(std::size_t layer, RowId vertex, RowId* out) const noexcept {
        const Link* from = list(layer, vertex);
        std::size_t count = 0;
        for (; count < degree(layer); ++count) {
            out[count] = from[count].load(std::memory_order_acquire);
            if (out[count] == no_row) break;
        }
        return count;
    }

    // --- Vertices. One caller at a time: the owner holds a lock of its own around these.

    /// A vertex on `height` layers without links. Errors: out_of_memory, out_of_range (nothing is taken then).
    Result<RowId> take(std::size_t height) {
        if (free_.empty() && vertices() >= max_rows) {
            return Error{ErrorCode::out_of_range, "expected at most " + std::to_string(max_rows) +
                                                      " rows in one index; split them over several"};
        }
        const std::size_t numbers = free_.empty() ? vertices() + 1 : vertices();
        if (Status s = records_.reserve(numbers); !s) return s;
        if (Status s = lists_.reserve(numbers); !s) return s;
        make_room(free_, numbers);  // so that giving back never fails
        std::uint32_t tower = no_row;
        for (std::size_t layer = 1; layer < height; ++layer) {
            auto higher = take_block(tower);
            if (!higher) {
                give_back_blocks(tower);
                return std::move(higher).error();
            }
            tower = *higher;
        }
        if (free_.empty()) {
            const auto vertex = static_cast<RowId>(vertices());
            if (vertex >= constructed_) construct(vertex);
            stand(vertex, tower, height);
            vertices_.store(std::size_t{vertex} + 1, std::memory_order_release);
            return vertex;
        }
        const RowId vertex = free_.back();
        free_.pop_back();
        stand(vertex, tower, height);
        return vertex;
    }
    /// Nobody names it, nobody can be at it, and its lists are empty.
    void give_back(RowId vertex) noexcept {
        {
            const Lock lock(*this, vertex);
            record(vertex).height.store(0, std::memory_order_release);
        }
        give_back_blocks(record(vertex).tower.load(std::memory_order_relaxed));
        if (vertex < limit_) free_.push_back(vertex);
    }
    [[nodiscard]] std::size_t free() const noexcept { return free_.size(); }

    // --- Fewer vertices (index/growing_compact.hpp). As above, one caller at a time.

    /// From now on no free place at `limit` or behind it is used again; new ones are, when no other is left.
    void retire_from(std::size_t limit) noexcept {
        limit_ = limit;
        std::erase_if(free_, [limit](RowId vertex) { return vertex >= limit; });
    }
    /// Ends that, and forgets the free places behind the last vertex: true if there were any. Readers may still look at them.
    bool drop_free_end() noexcept {
        const std::size_t before = vertices();
        std::size_t count = before;
        while (count > 0 && height(static_cast<RowId>(count - 1)) == 0) --count;
        vertices_.store(count, std::memory_order_release);
        limit_ = max_rows;
        free_.clear();  // within its room
        for (std::size_t i = count; i-- > 0;) {
            if (height(static_cast<RowId>(i)) == 0) free_.push_back(static_cast<RowId>(i));
        }
        return count < before;
    }
    /// Gives the memory behind the last vertex back. No reader is left who looks at it.
    void discard_end() noexcept {
        constructed_ = std::min(constructed_, vertices());
        records_.discard(constructed_);
        lists_.discard(constructed_);
    }

    // --- The entry: where walks begin, a vertex of the greatest height.

    struct Entry {
        RowId vertex = no_row;
        std::size_t height = 0;
    };
    [[nodiscard]] Entry entry() const noexcept {
        const std::uint64_t packed = entry_.load(std::memory_order_acquire);
        return {static_cast<RowId>(packed), static_cast<std::size_t>(packed >> 32)};
    }
    void set_entry(Entry entry) noexcept {
        entry_.store(std::uint64_t{entry.height} << 32 | entry.vertex, std::memory_order_release);
    }

    /// Holds a vertex's lock.
    class Lock {
    public:
        Lock(const GrowingGraph& graph, RowId vertex) noexcept : locked_(&graph.record(vertex).locked) {
            constexpr int spins = 64;  // a holder is usually done by then
            for (int i = 0; locked_->exchange(true, std::memory_order_acquire); ++i) {
                if (i >= spins) std::this_thread::yield();
            }
        }
        Lock(const Lock&) = delete;
        Lock& operator=(const Lock&) = delete;
        ~Lock() { locked_->store(false, std::memory_order_release); }

    private:
        std::atomic<bool>* locked_;
    };

    // --- Links. The caller holds the vertex's lock.

    /// Puts `target` into place `at` of the list, which is free or holds a link that then goes.
    void put(std::size_t layer, RowId vertex, std::size_t at, RowId target) noexcept {
        named(layer, target).fetch_add(1, std::memory_order_relaxed);
        const RowId old = list(layer, vertex)[at].exchange(target, std::memory_order_acq_rel);
        if (old != no_row) named(layer, old).fetch_sub(1, std::memory_order_release);
    }
    /// Takes the link at `at` out; the last one of `count` moves into its place.
    void take_out(std::size_t layer, RowId vertex, std::size_t at, std::size_t count) noexcept {
        Link* links = list(layer, vertex);
        const RowId gone = links[at].load(std::memory_order_relaxed);
        const RowId last = links[count - 1].load(std::memory_order_relaxed);
        links[at].store(last, std::memory_order_release);  // for a moment twice in the list: a walk goes there once
        links[count - 1].store(no_row, std::memory_order_release);
        named(layer, gone).fetch_sub(1, std::memory_order_release);
    }

private:
    static std::size_t block_bytes(std::size_t links) noexcept { return (2 + links) * sizeof(Link); }

    /// | named | block of the layer above | links |
    [[nodiscard]] Link* block(std::size_t layer, RowId vertex) const noexcept {
        Link* block = blocks_.as<Link>(record(vertex).tower.load(std::memory_order_relaxed));
        for (std::size_t at = 1; at < layer; ++at) block = blocks_.as<Link>(block[1].load(std::memory_order_relaxed));
        return block;
    }
    void construct(RowId vertex) noexcept {
        new (records_.at(vertex)) VertexRecord;
        for (std::size_t i = 0; i < degree(0); ++i) new (lists_.at(vertex) + i * sizeof(Link)) Link(no_row);
        constructed_ = std::size_t{vertex} + 1;
    }
    void stand(RowId vertex, std::uint32_t tower, std::size_t height) noexcept {
        const Lock lock(*this, vertex);
        VertexRecord& its = record(vertex);
        its.died.store(never, std::memory_order_relaxed);
        its.entries.store(no_row, std::memory_order_relaxed);
        its.tower.store(tower, std::memory_order_relaxed);
        its.leaving.store(false, std::memory_order_relaxed);
        its.height.store(static_cast<std::uint8_t>(height), std::memory_order_release);
    }
    /// Room for `count` numbers in all, so that a later push_back does not allocate.
    static void make_room(std::vector<std::uint32_t>& numbers, std::size_t count) {
        if (numbers.capacity() < count) numbers.reserve(2 * count);
    }
    /// A block whose next one is `above`: towers are built from the top.
    Result<std::uint32_t> take_block(std::uint32_t above) {
        if (free_blocks_.empty()) {
            if (Status s = blocks_.reserve(blocks_taken_ + 1); !s) return s;
            make_room(free_blocks_, blocks_taken_ + 1);
            std::byte* at = blocks_.at(blocks_taken_);
            new (at) Link(0);
            for (std::size_t i = 1; i < 2 + links_; ++i) new (at + i * sizeof(Link)) Link(no_row);
            free_blocks_.push_back(static_cast<std::uint32_t>(blocks_taken_++));
        }
        const std::uint32_t number = free_blocks_.back();
        free_blocks_.pop_back();
        blocks_.as<Link>(number)[1].store(above, std::memory_order_relaxed);
        blocks_used_.fetch_add(1, std::memory_order_relaxed);
        return number;
    }
    void give_back_blocks(std::uint32_t number) noexcept {
        while (number != no_row) {
            free_blocks_.push_back(number);
            blocks_used_.fetch_sub(1, std::memory_order_relaxed);
            number = blocks_.as<Link>(number)[1].load(std::memory_order_relaxed);
        }
    }

    std::size_t links_;
    Chunks records_;
    Chunks lists_;
    Chunks blocks_;
    std::atomic<std::size_t> vertices_{0};
    std::atomic<std::uint64_t> entry_{std::uint64_t{no_row}};
    std::vector<RowId> free_;
    std::size_t limit_ = max_rows;  // free places below it are used again
    std::size_t constructed_ = 0;   // vertices whose memory was written to
    std::vector<std::uint32_t> free_blocks_;
    std::size_t blocks_taken_ = 0;
    std::atomic<std::size_t> blocks_used_{0};
};

}  // namespace tonari
