// Growing lists at one moment, as one query scans them: by the codes of the lists, or by finer ones beside them.
//
// A block whose places are all shown, or the first of them, is compared as it lies, and blocks that follow each other in one
// call; of others the shown places are gathered. What is near enough is then asked whether it was alive at the moment: few
// rows are, and few of those were not.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <tonari/core/clock.hpp>
#include <tonari/core/collector.hpp>
#include <tonari/graph/expander.hpp>
#include <tonari/index/growing_ivf.hpp>
#include <tonari/index/id_set.hpp>
#include <tonari/index/stored_rows.hpp>
#include <tonari/simd/prefetch.hpp>

namespace tonari {

/// The finer codes of growing lists, as those of a RefiningCollector.
template <class Codec>
class GrowingFineRows {
public:
    using Scorer = typename Codec::Scorer;
    GrowingFineRows(const GrowingLists& lists, const Codec& codec) noexcept : lists_(&lists), codec_(&codec) {}
    [[nodiscard]] const Codec& codec() const noexcept { return *codec_; }
    [[nodiscard]] const std::byte* code(RowId place) const noexcept { return lists_->fine(place); }
    [[nodiscard]] static constexpr bool on_disk() noexcept { return false; }
    static void fetch(std::size_t /*first*/, std::size_t /*last*/) noexcept {}

private:
    const GrowingLists* lists_;
    const Codec* codec_;
};

/// Holds the moment, and lets it go when it ends. `by_fine`: scans compare the finer codes.
template <class Growing, bool by_fine = false>
class GrowingIvfMoment {
public:
    using Block = GrowingLists::Block;
    using Codec = std::conditional_t<by_fine, std::remove_cvref_t<decltype(std::declval<const Growing&>().codec())>,
                                     typename Growing::ListCodec>;
    using Scorer = typename Codec::Scorer;
    static constexpr bool relative = RelativeCodec<Codec>;

    /// Only ids of `filter`, if there is one.
    GrowingIvfMoment(const Growing& index, const IdSet* filter)
        : index_(&index), lists_(&index.lists()), places_(&index.places()), filter_(filter), pin_(index.pin()) {
        most_ids_ = index.most_ids();  // after the moment was pinned: nobody is freed any more who is alive at it
        if (filter != nullptr) most_ids_ = std::min(most_ids_, filter->size());
    }

    /// No more can be answered.
    [[nodiscard]] std::size_t most_ids() const noexcept { return most_ids_; }
    [[nodiscard]] Id id(RowId place) const noexcept { return places_->id(place); }
    [[nodiscard]] const Codec& codec() const noexcept {
        if constexpr (by_fine) {
            return index_->codec();
        } else {
            return index_->list_codec();
        }
    }
    [[nodiscard]] Scorer aim(typename Growing::Row query, SearchScratch& scratch) const noexcept {
        codec().prepare(query, scratch.query());
        auto scorer = codec().scorer();
        scorer.set_query(scratch.query());
        return scorer;
    }
    /// From here on rows of this list are compared, which a search among the centroids has found.
    void enter([[maybe_unused]] const Neighbor& list, [[maybe_unused]] Scorer& scorer) const noexcept {
        if constexpr (relative) scorer.enter(index_->origin(list));
    }

    void prefetch(std::size_t list) const noexcept {
        if (const Block block = lists_->first(list); block != GrowingLists::no_block) prefetch_block(block);
    }
    /// Compares the rows of `block` and those behind it in its list. Adds to `outcome`; one that is not complete ends it. The
    /// block to go on with: every row before it has been offered.
    template <Collector Found>
    Block scan(Block block, Scorer& scorer, const Deadline& deadline, Found& found, Survivors& space,
               Outcome& outcome) const noexcept {
        Pass<Found> pass{*this, scorer, deadline, found, space, outcome};
        while (block != GrowingLists::no_block && outcome.complete) {
            const Block next = lists_->next(block);
            if (next != GrowingLists::no_block) prefetch_block(next);
            const std::uint32_t shown = lists_->shown(block);
            if (filter_ == nullptr && (shown & (shown + 1)) == 0) {
                pass.add_first(block, static_cast<std::size_t>(std::popcount(shown)));
            } else {
                pass.add_some(block, shown);
            }
            block = next;
        }
        pass.end();
        return block;
    }

private:
    [[nodiscard]] bool passes(RowId place) const noexcept {
        return places_->visible(place, pin_.moment()) && (filter_ == nullptr || filter_->contains(id(place)));
    }
    [[nodiscard]] const std::byte* code(RowId place) const noexcept {
        return by_fine ? lists_->fine(place) : lists_->code(place);
    }
    [[nodiscard]] std::size_t code_size() const noexcept { return by_fine ? lists_->fine_size() : lists_->code_size(); }
    void prefetch_block(Block block) const noexcept {
        simd::prefetch(code(GrowingLists::first_place(block)), GrowingLists::block_rows * code_size(), 16);
    }

    template <Collector Found>
    struct Pass {
        const GrowingIvfMoment& moment;
        Scorer& scorer;
        const Deadline& deadline;
        Found& found;
        Survivors& space;
        Outcome& outcome;
        RowId run = 0;  // places [run, run + length) are to be compared, whose codes lie one behind another
        std::size_t length = 0;
        const std::byte* end_of_run = nullptr;
        std::size_t count = 0;  // gathered
        std::array<const std::byte*, 64> codes{};
        std::array<RowId, 64> places{};

        void add_first(Block block, std::size_t rows) noexcept {
            const RowId first = GrowingLists::first_place(block);
            const std::byte* code = moment.code(first);  // memory grows in pieces: numbers alone do not tell
            if (first != run + length || code != end_of_run || length + rows > max_batch) {
                flush_run();
                run = first;
            }
            length += rows;
            end_of_run = code + rows * moment.code_size();
        }
        void add_some(Block block, std::uint32_t shown) noexcept {
            for (; shown != 0; shown &= shown - 1) {
                const RowId place = GrowingLists::first_place(block) + static_cast<RowId>(std::countr_zero(shown));
                if (!moment.passes(place)) continue;
                codes[count] = moment.code(place);
                simd::prefetch(codes[count], moment.code_size(), 4);
                places[count++] = place;
                if (count == codes.size()) flush_gathered();
            }
        }
        void flush_run() noexcept {
            if (length == 0) return;
            space.clear();
            scorer.scan(CodeBlock{moment.code(run), moment.code_size(), length}, beyond(found.bound()), space);
            for (std::size_t i = 0; i < space.count; ++i) {
                const RowId place = run + space.index[i];
                if (moment.places_->visible(place, moment.pin_.moment())) offer(place, i);
            }
            flushed(length);
        }
        void flush_gathered() noexcept {
            if (count == 0) return;
            space.clear();
            scorer.gather({codes.data(), count}, beyond(found.bound()), space);
            for (std::size_t i = 0; i < space.count; ++i) offer(places[space.index[i]], i);
            flushed(count);
        }
        void end() noexcept {
            flush_run();
            flush_gathered();
            outcome.complete = outcome.complete && !deadline.expired();  // where no row passes, too
        }
        void offer(RowId place, std::size_t i) noexcept {
            found.offer(place, space.estimate[i], lower_of<Scorer>(space, i));
        }
        void flushed(std::size_t& rows) noexcept {
            if constexpr (requires { found.flush(); }) found.flush();
            outcome.distances += static_cast<std::uint32_t>(rows);
            rows = 0;
            outcome.complete = outcome.complete && !deadline.expired();
        }
    };

    const Growing* index_;
    const GrowingLists* lists_;
    const GrowingPlaces* places_;
    const IdSet* filter_;
    Epoch::Pin pin_;
    std::size_t most_ids_ = 0;
};

}  // namespace tonari
