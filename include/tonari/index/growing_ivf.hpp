// Growing inverted lists: rows come, go and change while queries run. Any thread may call any member at any time. The
// centroids are those that it begins with, and stay; so does what codes were trained on. Beside the codes that a search finds rows
// by there may be finer ones of the same rows that it ranks them by, as in index/refined.hpp.
//
// How an id lives
//     add      its list is looked for, its row is encoded into a free place there, and *born* at the next moment of the clock
//     update   the same, and at the moment at which the new place is born the old one dies
//     remove   its place *dies*; the row stays in its list for those who look at an earlier moment
//     leave    when no such reader is left, the list does not show the place any more
//     free     when no reader is left that had begun before, the place is used again, and its block if no other is taken
// The last two are done by whoever writes next, a few at a time, so that there is no thread and no pause.
//
// Invariants, each with its test (tests/unit/index/growing_ivf_test.cpp, tests/concurrency/growing_ivf_test.cpp)
//   - A search answers what was alive at the moment that it pinned: every id at most once, with a row that it had then.
//   - Readers take no lock. Writers lock the books (places, lists, clock, queues) for some hundred instructions (compact: for
//     a look at every block, and to move a few rows); nobody holds the books while measuring distances.
//   - The list of a row that is added depends on the row alone: the same ids and rows added to the same beginning freeze to the
//     same bytes, whatever else came and went and whoever added them. (A build measures by products, which round otherwise: a
//     row that was there at the beginning may stand in the other of two lists that are about as near when it comes again.)
//   - A place is given a new row only when no list shows it and a moment has passed that every reader is beyond.
//   - Whoever fails (no memory, id taken meanwhile) leaves the ids as they were.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <tonari/core/epoch.hpp>
#include <tonari/core/idle_pool.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/coarse_lists.hpp>
#include <tonari/index/compacting.hpp>
#include <tonari/index/growing_health.hpp>
#include <tonari/index/growing_places.hpp>
#include <tonari/index/id_counter.hpp>
#include <tonari/index/ivf_index.hpp>
#include <tonari/index/put_mode.hpp>
#include <tonari/index/refined.hpp>
#include <tonari/lists/growing_lists.hpp>

namespace tonari {

/// In the place of a finer codec: rows have the codes of their lists alone.
struct NoFine {
    [[nodiscard]] static constexpr std::size_t code_size() noexcept { return 0; }
};

namespace detail {
template <Codec C, SearchIndex Coarse, class Fine>
struct FrozenLists {
    using type = Refined<IvfIndex<C, Coarse>, Fine>;
};
template <Codec C, SearchIndex Coarse>
struct FrozenLists<C, Coarse, NoFine> {
    using type = IvfIndex<C, Coarse>;
};
}  // namespace detail

/// `Reclaimer` says when a place may be used again; tests pass one that says so too early.
template <Codec C, SearchIndex Coarse, class Fine = NoFine, class Reclaimer = Epoch>
class GrowingIvf {
public:
    static constexpr IndexKind kind = IndexKind::ivf;
    static constexpr bool refined = !std::is_same_v<Fine, NoFine>;
    using Frozen = typename detail::FrozenLists<C, Coarse, Fine>::type;
    using Row = typename C::Row;
    using ListCodec = C;
    using CoarseIndex = Coarse;
    using Block = GrowingLists::Block;

    /// Empty lists about these centroids, which are taken `lengths` times as long (`IvfIndex::lengths`). Throws bad_alloc.
    GrowingIvf(C codec, CoarseLists<Coarse> coarse, std::span<const float> lengths = {}, Fine fine = {})
        : codec_(std::move(codec)),
          fine_(std::move(fine)),
          coarse_(std::move(coarse)),
          lengths_(lengths.begin(), lengths.end()),
          lists_(coarse_.size(), codec_.code_size(), fine_.code_size()) {
        if constexpr (RelativeCodec<C>) centroids_ = coarse_.centroids();
    }
    GrowingIvf(const GrowingIvf&) = delete;
    GrowingIvf& operator=(const GrowingIvf&) = delete;
    ~GrowingIvf() = default;

    /// That of the codes in the lists.
    [[nodiscard]] const C& list_codec() const noexcept { return codec_; }
    /// The finest: it decides what queries may be made of.
    [[nodiscard]] const auto& codec() const noexcept {
        if constexpr (refined) {
            return fine_;
        } else {
            return codec_;
        }
    }
    [[nodiscard]] Dim dim() const noexcept { return codec_.dim(); }
    /// What the rows of a list are relative to, for a query whose search among the centroids has found `list`.
    [[nodiscard]] Origin origin(const Neighbor& list) const noexcept {
        return {.length = length_of(static_cast<std::size_t>(list.id)), .distance = list.distance};
    }
    /// Ids held.
    [[nodiscard]] std::size_t size() const noexcept { return size_.load(std::memory_order_acquire); }
    /// No search that has begun can answer more.
    [[nodiscard]] std::size_t most_ids() const noexcept {
        const std::size_t living = size();  // first: who dies meanwhile is counted here or there, or twice
        return living + waiting_.load(std::memory_order_acquire);
    }
    [[nodiscard]] const GrowingLists& lists() const noexcept { return lists_; }
    [[nodiscard]] const GrowingPlaces& places() const noexcept { return places_; }
    [[nodiscard]] const CoarseLists<Coarse>& coarse_lists() const noexcept { return coarse_; }
    [[nodiscard]] Epoch::Pin pin() const noexcept { return epoch_.pin(); }
    [[nodiscard]] std::size_t row_bytes() const {
        const std::lock_guard books(books_);
        return lists_.code_bytes();
    }
    [[nodiscard]] std::size_t fine_bytes() const {
        const std::lock_guard books(books_);
        return lists_.fine_bytes();
    }
    [[nodiscard]] std::size_t list_bytes() const {
        const std::lock_guard books(books_);
        return lists_.book_bytes() + (centroids_.size() + lengths_.size()) * sizeof(float);
    }
    [[nodiscard]] std::span<const float> lengths() const noexcept { return lengths_; }
    [[nodiscard]] std::size_t id_bytes() const {
        const std::lock_guard books(books_);
        return places_.bytes();
    }
    /// Are all lists to be looked at, where so few rows pass a filter? Among the rows of `nprobe` lists no more would be
    /// compared without one; every row is asked whether it passes.
    [[nodiscard]] bool looks_at_all(std::size_t passing, std::size_t nprobe) const noexcept {
        return static_cast<double>(passing) * static_cast<double>(lists_.lists()) <=
               static_cast<double>(nprobe) * static_cast<double>(size());
    }
    /// Are they ranked by their finer codes, and by these alone? As in index/refined.hpp.
    [[nodiscard]] bool ranks_passing(std::size_t passing, std::size_t nprobe) const noexcept {
        return refined && RelativeCodec<C> && looks_at_all(passing, nprobe) &&
               passing * fine_.code_size() <= size() * codec_.code_size();
    }
    /// Calls `visit(place)` for each row of a list that was alive at the pinned `moment`. Without a lock.
    template <class Visit>
    void for_each_place(std::size_t list, Moment moment, Visit&& visit) const {
        for (Block block = lists_.first(list); block != GrowingLists::no_block; block = lists_.next(block)) {
            for (std::uint32_t shown = lists_.shown(block); shown != 0; shown &= shown - 1) {
                const RowId place = GrowingLists::first_place(block) + static_cast<RowId>(std::countr_zero(shown));
                if (places_.visible(place, moment)) visit(place);
            }
        }
    }
    /// Calls `visit(id)` for each id that was there at the pinned `moment`. Without a lock.
    template <class Visit>
    void for_each_id(Moment moment, Visit&& visit) const {
        for (std::size_t list = 0; list < lists_.lists(); ++list) {
            for_each_place(list, moment, [&](RowId place) { visit(places_.id(place)); });
        }
    }

    [[nodiscard]] bool contains(Id id) const {
        const std::lock_guard books(books_);
        return places_.find(id) != no_row;
    }
    /// The first of `count` ids above all that were ever given. Errors: out_of_range.
    [[nodiscard]] Result<Id> reserve_ids(std::size_t count) {
        const std::lock_guard books(books_);
        return next_id_.reserve(count);
    }

    /// One row; it was checked. As many distances as a search among the centroids for one.
    /// Errors: already_exists, not_found (by the mode), out_of_range, out_of_memory; the index is then as it was.
    Status put(Row row, Id id, PutMode mode) try {
        if (Status s = check(id, mode); !s) return s;
        const std::size_t list = list_of(row);
        auto place = take_place(list, id);
        if (!place) return std::move(place).error();
        codec_.encode(row, origin_in(list), {lists_.room(*place), codec_.code_size()});
        if constexpr (refined) fine_.encode(row, {}, {lists_.fine_room(*place), fine_.code_size()});
        const std::lock_guard books(books_);
        Status done = commit(*place, id, mode);
        help(steps_per_write);
        return done;
    } catch (const std::bad_alloc&) {
        return no_memory();
    }

    /// Errors: not_found.
    Status remove(Id id) {
        const std::lock_guard books(books_);
        const RowId place = places_.find(id);
        if (place == no_row) return id_not_there(id);
        const Moment moment = epoch_.now() + 1;
        bury(place, moment);
        places_.forget(id);
        turn(moment);
        help(steps_per_write);
        return {};
    }

    /// Takes out and frees what no reader holds back any more. True if nothing is left to do.
    bool tidy() noexcept {
        constexpr std::size_t at_once = 64;
        for (;;) {
            const std::lock_guard books(books_);
            if (!help(at_once)) return waiting_.load(std::memory_order_relaxed) == 0 && lists_.waiting_blocks() == 0;
        }
    }

    /// Moves rows into free places and gives the memory of the blocks that become free back (index/growing_ivf_compact.hpp).
    /// False if readers still hold some of it. Errors: out_of_memory (what was moved stays so, and nothing is lost), busy.
    Result<bool> compact(const std::function<void(std::size_t done, std::size_t total)>& progress);

    /// How it is at this moment. O(rows), without a lock: searches and changes go on.
    [[nodiscard]] Result<GrowingHealth> health() const {
        GrowingHealth health;
        {
            const Epoch::Pin pin = epoch_.pin();
            health.lists = lists_.lists();
            for (std::size_t list = 0; list < health.lists; ++list) {
                std::size_t rows = 0;
                for_each_place(list, pin.moment(), [&](RowId) { ++rows; });
                health.ids += rows;
                health.largest_list = std::max(health.largest_list, rows);
                health.empty_lists += rows == 0 ? 1 : 0;
            }
        }
        health.vertices = health.ids;
        const std::lock_guard books(books_);
        health.waiting = waiting_.load(std::memory_order_relaxed);
        const std::size_t places = lists_.blocks() * GrowingLists::block_rows;
        health.free = places - places_.size() - health.waiting - coming_;
        return health;
    }

    /// Takes over the rows of frozen lists (index/freeze_ivf.hpp). For an empty index about the same centroids only.
    Status take_over(const Frozen& frozen);

private:
    [[nodiscard]] Error no_memory() const { return no_memory_for_row(dim(), size()); }

    [[nodiscard]] float length_of(std::size_t list) const noexcept { return lengths_.empty() ? 1.0F : lengths_[list]; }
    /// What a row that is encoded for a list is relative to.
    [[nodiscard]] Origin origin_in(std::size_t list) const noexcept {
        if constexpr (RelativeCodec<C>) {
            return {.centroid = centroids_.data() + list * dim(), .length = length_of(list)};
        } else {
            return {};
        }
    }

    Status check(Id id, PutMode mode) const {
        const std::lock_guard books(books_);
        return check_put(places_.find(id) != no_row, id, mode);
    }

    /// The list of the centroid that is nearest to the row, by a writer's own scratch.
    std::size_t list_of(Row row) {
        const auto scratch = idle_.borrow([this] {
            auto made = std::make_unique<SearchScratch>();
            coarse_.reserve(*made);
            made->reserve_query(coarse_.query_size());
            return made;
        });
        coarse_.find(row, 1, *scratch);
        return static_cast<std::size_t>((*scratch).lists.front().id);
    }

    Result<RowId> take_place(std::size_t list, Id id) {
        const std::lock_guard books(books_);
        auto place = lists_.take(list);
        if (!place) return place;
        Status reserved = reserve_places();
        if (!reserved) {
            give_back(*place);
            return std::move(reserved).error();
        }
        places_.expect(*place, id);
        ++coming_;
        return place;
    }
    /// For the place that was taken just now, and its id. Holds the books.
    Status reserve_places() try {
        return places_.reserve(lists_.blocks() * GrowingLists::block_rows, places_.size() + coming_ + 1);
    } catch (const std::bad_alloc&) {
        return no_memory();
    }

    /// The moment at which an id comes, or changes its row. Holds the books.
    Status commit(RowId place, Id id, PutMode mode) {
        --coming_;
        if (Status s = check_put(places_.find(id) != no_row, id, mode); !s) {
            give_back(place);
            return s;
        }
        const Moment moment = epoch_.now() + 1;
        if (const RowId old = places_.find(id); old != no_row) bury(old, moment);
        settle(place, moment);
        next_id_.given(id);
        turn(moment);
        return {};
    }
    /// The code and the id of the place are there: it is in its list. Holds the books.
    void settle(RowId place, Moment moment) noexcept {
        places_.live(place, moment);
        lists_.show(place);
    }
    /// What was prepared for `moment` is so from now on. Holds the books.
    void turn(Moment moment) noexcept {
        size_.store(places_.size(), std::memory_order_release);
        epoch_.advance(moment);
    }
    /// A place that no reader looks at. Holds the books.
    void give_back(RowId place) noexcept {
        const Moment moment = epoch_.now() + 1;
        if (lists_.give_back(place, moment)) turn(moment);  // its block has left its list
    }
    /// A place dies at `moment`. Holds the books.
    void bury(RowId place, Moment moment) noexcept {
        places_.die(place, moment);
        places_.push(dead_, place);
        waiting_.fetch_add(1, std::memory_order_release);
    }

    /// Up to `steps` steps of what is due. True if any was. Holds the books.
    bool help(std::size_t steps) noexcept {
        if (waiting_.load(std::memory_order_relaxed) == 0 && lists_.waiting_blocks() == 0) return false;
        const Moment oldest = epoch_.oldest();
        const std::size_t blocks = lists_.waiting_blocks();
        lists_.reclaim(oldest);
        bool any = lists_.waiting_blocks() < blocks;
        for (std::size_t i = 0; i < steps; ++i, any = true) {
            if (!left_.empty() && places_.stamp(left_.first) <= oldest) {
                give_back(places_.pop(left_));
                waiting_.fetch_sub(1, std::memory_order_relaxed);
            } else if (!dead_.empty() && places_.died(dead_.first) <= oldest) {
                const RowId place = places_.pop(dead_);
                const Moment moment = epoch_.now() + 1;
                lists_.hide(place);
                places_.set_stamp(place, moment);
                places_.push(left_, place);
                turn(moment);
            } else {
                break;
            }
        }
        return any;
    }

    class Closed;
    /// Moves up to some of the rows of a block that is closed: true if there may be more.
    Result<bool> move_rows(Block block);

    static constexpr std::size_t steps_per_write = 4;

    C codec_;
    Fine fine_;
    CoarseLists<Coarse> coarse_;
    std::vector<float> centroids_;  // by list, where codes are relative to them
    std::vector<float> lengths_;
    mutable Reclaimer epoch_;

    mutable std::mutex books_;  // guards what follows; of lists and places what is not for readers
    GrowingLists lists_;
    GrowingPlaces places_;
    PlaceQueue dead_;         // still shown
    PlaceQueue left_;         // not shown any more; freed when their stamp is past
    std::size_t coming_ = 0;  // places that were taken and have no row yet
    IdCounter next_id_;

    std::atomic<std::size_t> size_{0};
    std::atomic<std::size_t> waiting_{0};  // dead places not yet freed

    Compacting compacting_;
    IdlePool<SearchScratch> idle_;  // writers'
};

}  // namespace tonari
