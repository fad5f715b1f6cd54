// The growing HNSW graph: rows come, go and change while queries run. Any thread may call any member at any time.
//
// How an id lives
//     add      its row is encoded into a free place, linked (graph/insert.hpp), and *born* at the next moment of the clock
//     update   the same, and at the moment at which the new entry is born the old one dies
//     remove   its entry *dies*; the row stays where it is for those who look at an earlier moment
//     leave    when no such reader is left, the links that name the row are taken away, their places mended (graph/repair.hpp)
//     free     when no reader is left that may have come by those links, the place is used again
// The last two are done by whoever writes next, a few at a time, so that there is no thread and no pause.
//
// Invariants, each with its test (tests/unit/index/growing_hnsw_test.cpp, tests/concurrency/growing_test.cpp)
//   - A search answers what was alive at the moment that it pinned: every id at most once, with a row that it had then.
//   - Readers take no lock. Writers lock one vertex at a time, and the books (entries, clock, queues) for some
//     hundred instructions (compact: for a look at every place, twice); nobody holds the books while measuring distances.
//   - Every live row can be reached from the entry, at every moment (graph/spanning_tree.hpp).
//   - A place is given a new row only when no link names it and a moment has passed that every reader is beyond.
//   - Whoever fails (no memory, id taken meanwhile) leaves the ids as they were.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include <tonari/codec/flat.hpp>
#include <tonari/core/epoch.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/random.hpp>
#include <tonari/graph/growing_graph.hpp>
#include <tonari/graph/growing_rows.hpp>
#include <tonari/graph/repair.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/growing_entries.hpp>
#include <tonari/index/growing_health.hpp>
#include <tonari/index/hnsw_index.hpp>
#include <tonari/index/put_mode.hpp>
#include <tonari/index/search_options.hpp>

namespace tonari {

/// `Reclaimer` says when a place may be used again; tests pass one that says so too early.
template <Codec C, class Reclaimer = Epoch>
class GrowingHnsw {
public:
    static constexpr IndexKind kind = IndexKind::hnsw;
    using Row = typename C::Row;
    using Scorer = typename C::Scorer;

    /// `links` is M, from min_links to max_links.
    GrowingHnsw(C codec, std::size_t links, BuildOptions options)
        : options_(std::move(options)), graph_(links), tree_(graph_), rows_(std::move(codec)), entries_(graph_) {}
    GrowingHnsw(const GrowingHnsw&) = delete;
    GrowingHnsw& operator=(const GrowingHnsw&) = delete;
    ~GrowingHnsw() = default;

    [[nodiscard]] const C& codec() const noexcept { return rows_.codec(); }
    [[nodiscard]] Dim dim() const noexcept { return codec().dim(); }
    [[nodiscard]] std::size_t links() const noexcept { return graph_.links(); }  ///< M
    [[nodiscard]] const BuildOptions& options() const noexcept { return options_; }
    /// Ids held.
    [[nodiscard]] std::size_t size() const noexcept { return size_.load(std::memory_order_acquire); }
    /// No search that has begun can answer more.
    [[nodiscard]] std::size_t most_ids() const noexcept { return size() + waiting_.load(std::memory_order_acquire); }
    [[nodiscard]] std::size_t vertices() const noexcept { return graph_.vertices(); }
    [[nodiscard]] const GrowingGraph& graph() const noexcept { return graph_; }
    [[nodiscard]] const SpanningTree& tree() const noexcept { return tree_; }
    [[nodiscard]] const GrowingRows<C>& rows() const noexcept { return rows_; }
    [[nodiscard]] const GrowingEntries& entries() const noexcept { return entries_; }
    [[nodiscard]] Epoch::Pin pin() const noexcept { return epoch_.pin(); }
    [[nodiscard]] std::size_t row_bytes() const noexcept { return graph_.vertices() * rows_.row_bytes(); }
    [[nodiscard]] std::size_t link_bytes() const noexcept { return graph_.bytes(); }
    [[nodiscard]] std::size_t id_bytes() const {
        const std::lock_guard books(books_);
        return entries_.bytes();
    }

    /// Calls `visit(id)` for each id that was there at the pinned `moment`. Without a lock.
    template <class Visit>
    void for_each_id(Moment moment, Visit&& visit) const {
        for (std::size_t i = 0; i < graph_.vertices(); ++i) {
            entries_.for_each(static_cast<RowId>(i), moment, visit);
        }
    }

    [[nodiscard]] bool contains(Id id) const {
        const std::lock_guard books(books_);
        return entries_.find(id) != no_row;
    }
    /// The first of `count` ids above all that were ever given. Errors: out_of_range.
    [[nodiscard]] Result<Id> reserve_ids(std::size_t count) {
        const std::lock_guard books(books_);
        const Id first = next_id_;
        if (count > static_cast<std::size_t>(std::numeric_limits<Id>::max() - first)) {
            return Error{ErrorCode::out_of_range, "expected room for " + std::to_string(count) +
                                                      " ids above the largest, " + std::to_string(first - 1) +
                                                      "; name the ids"};
        }
        next_id_ += static_cast<Id>(count);
        return first;
    }

    /// One row; it was checked. About as many distances as a search of width `ef_construction`, and as many again to link.
    /// Errors: already_exists, not_found (by the mode), out_of_range, out_of_memory; the index is then as it was.
    Status put(Row row, Id id, PutMode mode) try {
        const Borrowed writer(*this);
        if (Status s = check(id, mode); !s) return s;
        Place place;
        if (Status s = take_place(id, place); !s) return s;
        rows_.set(place.vertex, row);
        const Status done = settle_in(place, {id, mode}, *writer);
        help(*writer, steps_per_write, false);
        return done;
    } catch (const std::bad_alloc&) {
        return no_memory();
    }

    /// Errors: not_found.
    Status remove(Id id) {
        {
            const std::lock_guard books(books_);
            const std::uint32_t entry = entries_.find(id);
            if (entry == no_row) return not_there(id);
            const Moment moment = epoch_.now() + 1;
            bury(entry, moment);
            entries_.forget(id);
            turn(moment);
        }
        help();
        return {};
    }

    /// Takes out and frees what no reader holds back any more. True if nothing is left to do.
    bool tidy() try {
        const Borrowed writer(*this);
        while (help(*writer, steps_per_write, true)) {
        }
        return discard_end() && waiting_.load(std::memory_order_relaxed) == 0;
    } catch (const std::bad_alloc&) {
        return false;
    }

    /// Moves rows from the last places into free ones and gives the memory behind them back (index/growing_compact.hpp). As long
    /// as an `update` of each row that moves. False if readers still hold some of it. Errors: out_of_memory (what was moved
    /// stays so, and nothing is lost).
    Result<bool> compact(const std::function<void(std::size_t done, std::size_t total)>& progress);

    /// How it is at this moment. O(links), without a lock: searches and changes go on.
    [[nodiscard]] Result<GrowingHealth> health() const try {
        const Epoch::Pin pin = epoch_.pin();
        GrowingHealth health = health_of(graph_, entries_, pin.moment());
        health.waiting = waiting_.load(std::memory_order_relaxed);
        const std::lock_guard books(books_);
        health.free = graph_.free();
        return health;
    } catch (const std::bad_alloc&) {
        return no_memory();
    }

    /// Takes over a frozen graph (index/freeze.hpp): the same links, no distance computed. For an empty index only.
    Status take_over(const HnswIndex<C>& frozen);

private:
    using Links = typename GrowingRows<C>::Links;
    using Writer = GraphRepairer<Links>;

    /// Where a row that comes will stand.
    struct Place {
        RowId vertex = no_row;
        std::uint32_t entry = no_row;
    };

    /// Which id a row comes for. `from`: it moves; what counts is that this entry is still the id's.
    struct Coming {
        Id id;
        PutMode mode;
        std::uint32_t from = no_row;
    };

    /// A writer's tools, from the pool and back.
    class Borrowed {
    public:
        explicit Borrowed(GrowingHnsw& index) : index_(&index) {
            {
                const std::lock_guard lock(index.idle_lock_);
                if (!index.idle_.empty()) {
                    writer_ = std::move(index.idle_.back());
                    index.idle_.pop_back();
                }
            }
            if (!writer_) {
                writer_ = std::make_unique<Writer>(index.graph_, index.tree_, index.rows_.links());
                const std::lock_guard lock(index.idle_lock_);
                index.idle_.reserve(++index.writers_);  // so that giving back never fails
            }
        }
        Borrowed(const Borrowed&) = delete;
        Borrowed& operator=(const Borrowed&) = delete;
        ~Borrowed() {
            const std::lock_guard lock(index_->idle_lock_);
            index_->idle_.push_back(std::move(writer_));
        }
        Writer& operator*() const noexcept { return *writer_; }

    private:
        GrowingHnsw* index_;
        std::unique_ptr<Writer> writer_;
    };

    static Error not_there(Id id) {
        return {ErrorCode::not_found, "expected an id that the index holds, got " + std::to_string(id)};
    }
    static Error there_already(Id id) {
        return {ErrorCode::already_exists, "expected an id that the index does not hold, got " + std::to_string(id) +
                                               "; update it, or ask to replace"};
    }
    Error no_memory() const {
        return Error{ErrorCode::out_of_memory, "no memory for one more row of " + std::to_string(dim()) +
                                                   " dimensions; the index holds " + std::to_string(size()) +
                                                   " rows and stays as it was"};
    }

    Status check(Id id, PutMode mode) const {
        const std::lock_guard books(books_);
        const bool there = entries_.find(id) != no_row;
        if (there && mode == PutMode::add) return there_already(id);
        if (!there && mode == PutMode::update) return not_there(id);
        return {};
    }

    Status take_place(Id id, Place& place) {
        const std::lock_guard books(books_);
        auto vertex = graph_.take(draw_height());
        if (!vertex) return std::move(vertex).error();
        place.vertex = *vertex;
        auto entry = [&]() -> Result<std::uint32_t> {
            try {
                if (Status s = rows_.reserve(graph_.capacity()); !s) return s;
                return entries_.take(id, coming_ + 1);
            } catch (const std::bad_alloc&) {
                return no_memory();
            }
        }();
        if (!entry) {
            graph_.give_back(place.vertex);
            return std::move(entry).error();
        }
        place.entry = *entry;
        ++coming_;
        return {};
    }

    /// Layers that the next row stands on: l more than one with probability M^-l.
    std::size_t draw_height() noexcept {
        const double draw = unit(hash(options_.seed, drawn_++));
        const auto more = static_cast<std::size_t>(-std::log(draw) / std::log(static_cast<double>(graph_.links())));
        return 1 + std::min(more, Writer::max_height - 1);
    }

    /// Links the row of a place and gives it its id, or to the vertex that has an equal row already.
    Status settle_in(const Place& place, const Coming& coming, Writer& writer) {
        const RowId moved_from =
            coming.from == no_row ? no_row : entries_.at(coming.from).vertex.load(std::memory_order_relaxed);
        for (;;) {
            const Epoch::Pin pin = epoch_.pin();
            try {
                writer.look(place.vertex, options_.ef_construction, pin.moment());
            } catch (const std::bad_alloc&) {
                const std::lock_guard books(books_);
                abandon(place);
                throw;
            }
            if (const RowId twin = twin_of(place.vertex, moved_from, writer); twin != no_row) {
                const std::lock_guard books(books_);
                // Not one that another writer has linked and not given an id yet: it would die with ours.
                if (graph_.record(twin).died.load(std::memory_order_relaxed) == never && entries_.has_living(twin)) {
                    return commit({twin, place.entry}, place.vertex, coming);
                }
            }
            const bool alone = writer.found(0).empty();
            if (!alone) writer.join(place.vertex, pin.moment());
            const std::lock_guard books(books_);
            if (alone && graph_.entry().vertex != no_row) continue;  // somebody came first: look again
            const Status done = commit(place, no_row, coming);
            const GrowingGraph::Entry entry = graph_.entry();
            const std::size_t height = graph_.height(place.vertex);
            if (done && (entry.vertex == no_row || height > entry.height)) tree_.crown({place.vertex, height});
            return done;
        }
    }

    /// A vertex other than `but` whose row is equal, if one was found.
    RowId twin_of(RowId vertex, RowId but, Writer& writer) noexcept {
        if (writer.found(0).empty()) return no_row;
        const float own = writer.own_distance(vertex);
        for (const Candidate& candidate : writer.found(0)) {
            if (candidate.distance == own && candidate.row != but && rows_.equal(candidate.row, vertex))
                return candidate.row;
        }
        return no_row;
    }

    /// The moment at which an id comes, or changes its row. `spare` is a vertex that is not needed then. Holds the books.
    Status commit(const Place& place, RowId spare, const Coming& coming) {
        const auto [id, mode, from] = coming;
        --coming_;
        const Moment moment = epoch_.now() + 1;
        const std::uint32_t old = entries_.find(id);
        const bool taken = old != no_row && mode == PutMode::add;
        const bool missing = (old == no_row && mode == PutMode::update) || (from != no_row && old != from);
        if (spare != no_row) graph_.give_back(spare);
        if ((taken || missing) && spare != no_row) {
            entries_.give_back(place.entry);
        } else {
            entries_.attach(place.entry, place.vertex);
            if (taken || missing) {  // it is linked: it leaves as others do
                bury(place.entry, moment);
            } else {
                if (old != no_row) bury(old, moment);
                entries_.live(place.entry, moment);
                next_id_ = std::max(next_id_, id == std::numeric_limits<Id>::max() ? id : id + 1);
            }
            turn(moment);
        }
        if (taken) return there_already(id);
        if (missing) return not_there(id);
        return {};
    }
    /// What was prepared for `moment` is so from now on. Holds the books.
    void turn(Moment moment) noexcept {
        size_.store(entries_.size(), std::memory_order_release);
        epoch_.advance(moment);
    }

    /// A place that was not linked is given back. Holds the books.
    void abandon(const Place& place) noexcept {
        --coming_;
        graph_.give_back(place.vertex);
        entries_.give_back(place.entry);
    }

    /// An entry dies at `moment`, and its vertex if it was the last. Holds the books.
    void bury(std::uint32_t entry, Moment moment) noexcept {
        entries_.die(entry, moment);
        const RowId vertex = entries_.at(entry).vertex.load(std::memory_order_relaxed);
        if (!entries_.has_living(vertex)) {
            graph_.record(vertex).died.store(moment, std::memory_order_release);
            if (graph_.entry().vertex == vertex) {
                const GrowingGraph::Entry another = another_entry(vertex);
                if (another.vertex == no_row) {
                    graph_.set_entry(another);  // the root stays, for those that are still to be taken out
                } else {
                    tree_.crown(another);
                }
            }
        }
        entries_.push(dead_, entry);
        waiting_.fetch_add(1, std::memory_order_relaxed);
    }

    /// The tallest live vertex that the old entry links to on its topmost layer where there is one; else the tallest of all.
    GrowingGraph::Entry another_entry(RowId old) const noexcept {
        GrowingGraph::Entry best;
        const auto consider = [&](RowId vertex) {
            const std::size_t height = graph_.height(vertex);
            if (height > best.height && graph_.record(vertex).died.load(std::memory_order_relaxed) == never &&
                entries_.first(vertex) != no_row) {
                best = {vertex, height};
            }
        };
        std::array<RowId, max_batch> links;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        for (std::size_t layer = graph_.height(old); layer-- > 0 && best.vertex == no_row;) {
            const std::size_t count = graph_.read(layer, old, links.data());
            for (std::size_t i = 0; i < count; ++i) consider(links[i]);
        }
        if (best.vertex != no_row) return best;
        for (std::size_t i = 0; i < graph_.vertices(); ++i) consider(static_cast<RowId>(i));
        return best;
    }

    // --- Leaving.

    void help() noexcept {
        if (waiting_.load(std::memory_order_relaxed) == 0) return;
        try {
            const Borrowed writer(*this);
            help(*writer, steps_per_write, false);
        } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): then somebody else, later
        }
    }
    /// Up to `steps` steps of what is due. True if any was. `all`: sweeps are due, however few wait for one.
    bool help(Writer& writer, std::size_t steps, bool all) noexcept {
        bool any = false;
        for (std::size_t i = 0; i < steps && waiting_.load(std::memory_order_relaxed) != 0; ++i) {
            if (!step(writer, all)) break;
            any = true;
        }
        return any;
    }
    bool step(Writer& writer, bool all) noexcept {
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

    /// Is it the last root's, which nobody could replace, while there are or may come others that hang on it?
    [[nodiscard]] bool holds_others(std::uint32_t entry) const noexcept {
        return entries_.at(entry).vertex.load(std::memory_order_relaxed) == tree_.root() && takes_vertex(entry) &&
               (coming_ > 0 || dead_.size() > 1);
    }
    /// Does the entry's vertex go with it?
    [[nodiscard]] bool takes_vertex(std::uint32_t entry) const noexcept {
        const EntryRecord& record = entries_.at(entry);
        return graph_.record(record.vertex.load(std::memory_order_relaxed)).died.load(std::memory_order_relaxed) ==
               record.died.load(std::memory_order_relaxed);
    }
    /// A dead entry's `born` says since when it has been out of reach: it is visible at no moment any more.
    [[nodiscard]] Moment stamp(std::uint32_t entry) const noexcept {
        return entries_.at(entry).born.load(std::memory_order_relaxed);
    }
    void out_of_reach(std::uint32_t entry) noexcept {
        const Moment moment = epoch_.now() + 1;
        entries_.at(entry).born.store(moment, std::memory_order_relaxed);
        entries_.push(left_, entry);
        turn(moment);
    }

    void leave(std::uint32_t entry, Writer& writer) noexcept {
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

    void free(std::uint32_t entry, Writer& writer) noexcept {
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

    /// A slice of a pass over all vertices, after which nobody names those in `swept_`.
    void sweep(Writer& writer) noexcept {
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

    class Retiring;
    /// Says who compacts.
    class Compactor {
    public:
        explicit Compactor(std::atomic<std::thread::id>& who) noexcept : who_(&who) {
            who_->store(std::this_thread::get_id());
        }
        Compactor(const Compactor&) = delete;
        Compactor& operator=(const Compactor&) = delete;
        ~Compactor() { who_->store({}); }

    private:
        std::atomic<std::thread::id>* who_;
    };
    [[nodiscard]] bool has_free_place() const {
        const std::lock_guard books(books_);
        return graph_.free() > 0;
    }
    /// Moves the ids of `vertex` to another place: true if there were any.
    Result<bool> move_ids(RowId vertex, Writer& writer);
    /// Gives the memory of dropped places back when no reader can look at them. True if there is none left to give.
    bool discard_end() noexcept {
        const std::lock_guard books(books_);
        if (dropped_ == never) return true;
        if (epoch_.oldest() < dropped_) return false;
        graph_.discard_end();
        rows_.discard(graph_.vertices());
        dropped_ = never;
        return true;
    }

    static constexpr std::size_t steps_per_write = 4;
    static constexpr std::size_t sweep_slice = 256;
    static constexpr std::size_t sweep_share = 64;  // a sweep is due when one vertex in so many waits for it

    BuildOptions options_;
    mutable Reclaimer epoch_;
    GrowingGraph graph_;
    SpanningTree tree_;
    GrowingRows<C> rows_;

    mutable std::mutex books_;  // guards what follows, and giving out and taking back of vertices
    GrowingEntries entries_;
    EntryQueue dead_;         // still linked
    EntryQueue named_;        // left, but somebody far off names them
    EntryQueue swept_;        // the same, while a sweep goes through all links
    EntryQueue left_;         // out of reach; freed when their stamp is past
    std::size_t coming_ = 0;  // rows that have a place and no id yet
    std::uint64_t drawn_ = 0;
    Id next_id_ = 0;
    bool sweeping_ = false;  // somebody is at it, who alone reads and writes the next three meanwhile
    std::size_t sweep_at_ = 0;
    std::size_t sweep_end_ = 0;
    Moment sweep_moment_ = 0;
    Moment dropped_ = never;  // who looks at a later moment sees no place behind the last vertex

    std::atomic<std::size_t> size_{0};
    std::atomic<std::size_t> waiting_{0};  // dead entries not yet freed

    std::mutex compacting_;  // one at a time
    std::atomic<std::thread::id> compactor_{};
    std::mutex idle_lock_;
    std::vector<std::unique_ptr<Writer>> idle_;
    std::size_t writers_ = 0;
};

}  // namespace tonari
