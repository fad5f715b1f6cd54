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
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include <tonari/codec/flat.hpp>
#include <tonari/core/epoch.hpp>
#include <tonari/core/idle_pool.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/random.hpp>
#include <tonari/graph/growing_graph.hpp>
#include <tonari/graph/growing_rows.hpp>
#include <tonari/graph/repair.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/compacting.hpp>
#include <tonari/index/growing_entries.hpp>
#include <tonari/index/growing_health.hpp>
#include <tonari/index/hnsw_index.hpp>
#include <tonari/index/id_counter.hpp>
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
    [[nodiscard]] std::size_t most_ids() const noexcept {
        const std::size_t living = size();  // first: who dies meanwhile is counted here or there, or twice
        return living + waiting_.load(std::memory_order_acquire);
    }
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
        return next_id_.reserve(count);
    }

    /// One row; it was checked. About as many distances as a search of width `ef_construction`, and as many again to link.
    /// Errors: already_exists, not_found (by the mode), out_of_range, out_of_memory; the index is then as it was.
    Status put(Row row, Id id, PutMode mode) try {
        const auto writer = borrow();
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
            if (entry == no_row) return id_not_there(id);
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
        const auto writer = borrow();
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

    /// A writer's tools.
    typename IdlePool<Writer>::Borrowed borrow() {
        return idle_.borrow([this] { return std::make_unique<Writer>(graph_, tree_, rows_.links()); });
    }
    [[nodiscard]] Error no_memory() const { return no_memory_for_row(dim(), size()); }

    Status check(Id id, PutMode mode) const {
        const std::lock_guard books(books_);
        return check_put(entries_.find(id) != no_row, id, mode);
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
                next_id_.given(id);
            }
            turn(moment);
        }
        if (taken) return id_there_already(id);
        if (missing) return id_not_there(id);
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

    // --- Leaving (index/growing_leave.hpp).

    void help() noexcept;
    /// Up to `steps` steps of what is due. True if any was. `all`: sweeps are due, however few wait for one.
    bool help(Writer& writer, std::size_t steps, bool all) noexcept;
    bool step(Writer& writer, bool all) noexcept;
    /// Is it the last root's, which nobody could replace, while there are or may come others that hang on it?
    [[nodiscard]] bool holds_others(std::uint32_t entry) const noexcept;
    /// Does the entry's vertex go with it?
    [[nodiscard]] bool takes_vertex(std::uint32_t entry) const noexcept;
    /// A dead entry's `born` says since when it has been out of reach: it is visible at no moment any more.
    [[nodiscard]] Moment stamp(std::uint32_t entry) const noexcept {
        return entries_.at(entry).born.load(std::memory_order_relaxed);
    }
    void out_of_reach(std::uint32_t entry) noexcept;
    void leave(std::uint32_t entry, Writer& writer) noexcept;
    void free(std::uint32_t entry, Writer& writer) noexcept;
    /// A slice of a pass over all vertices, after which nobody names those in `swept_`.
    void sweep(Writer& writer) noexcept;

    // --- Fewer places (index/growing_compact.hpp).

    class Retiring;
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
    IdCounter next_id_;
    bool sweeping_ = false;  // somebody is at it, who alone reads and writes the next three meanwhile
    std::size_t sweep_at_ = 0;
    std::size_t sweep_end_ = 0;
    Moment sweep_moment_ = 0;
    Moment dropped_ = never;  // who looks at a later moment sees no place behind the last vertex

    std::atomic<std::size_t> size_{0};
    std::atomic<std::size_t> waiting_{0};  // dead entries not yet freed

    Compacting compacting_;
    IdlePool<Writer> idle_;
};

}  // namespace tonari

#include <tonari/index/growing_leave.hpp>  // its members
