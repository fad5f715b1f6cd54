// Growing lists at one moment, as queries scan them: by the codes of the lists, or by finer ones beside them.
//
// A block whose places are all shown, or the first of them, is compared as it lies, and blocks that follow each other in one
// call; of others the shown places are gathered. What is near enough is then asked whether it was alive at the moment: few
// rows are, and few of those were not.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <tonari/core/clock.hpp>
#include <tonari/core/collector.hpp>
#include <tonari/graph/expander.hpp>
#include <tonari/index/growing_ivf.hpp>
#include <tonari/index/id_set.hpp>
#include <tonari/index/nearest_ids.hpp>
#include <tonari/index/stored_rows.hpp>
#include <tonari/simd/prefetch.hpp>

namespace tonari {

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
        at_ = pin_.moment();
        most_ids_ = index.most_ids();  // after the moment was pinned: nobody is freed any more who is alive at it
        if (filter != nullptr) most_ids_ = std::min(most_ids_, filter->size());
    }
    /// The same moment by finer codes, as long as `coarse` holds it.
    explicit GrowingIvfMoment(const GrowingIvfMoment<Growing, false>& coarse) noexcept
        requires by_fine
        : index_(coarse.index_),
          lists_(coarse.lists_),
          places_(coarse.places_),
          filter_(coarse.filter_),
          at_(coarse.at_),
          most_ids_(coarse.most_ids_) {}

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
    /// Places, nearest first, into the nearest k ids; true if some were left out. Throws bad_alloc where `out` has less room.
    bool answer(std::span<const OrderedKey> places, std::size_t k, std::vector<Neighbor>& out) const {
        out.reserve(std::min(k, places.size()));
        NearestIds nearest(out, k);
        for (const OrderedKey key : places) {
            if (nearest.is_full_before(distance_of(key))) return true;
            nearest.offer({id(row_of(key)), distance_of(key)});
        }
        return nearest.left_out();
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
        Comparing<Found> comparing{*this, scorer, deadline, found, space, outcome};
        Pass<Comparing<Found>> pass(*this, comparing);
        while (block != GrowingLists::no_block && outcome.complete) block = pass.add(block);
        pass.end();
        outcome.complete = outcome.complete && !deadline.expired();  // where no row passes, too
        return block;
    }

    /// Rows of a list that are to be compared with several queries: which of its blocks' places are alive and pass is found out once.
    struct Piece {
        struct Part {
            RowId first = no_row;  // of places whose codes lie one behind another; `no_row` where they were gathered
            std::size_t length = 0;
        };
        std::vector<Part> parts;
        std::vector<const std::byte*> codes;  // of those that were gathered, part after part
        std::vector<RowId> places;            // theirs
    };
    /// Fills `piece` with the rows of `block` and of those behind it, at most so many blocks. The block to go on with. Throws bad_alloc.
    Block take(Block block, std::size_t blocks, Piece& piece) const {
        piece.parts.clear();
        piece.codes.clear();
        piece.places.clear();
        Taking taking{piece};
        Pass<Taking> pass(*this, taking);
        for (std::size_t i = 0; block != GrowingLists::no_block && i < blocks; ++i) block = pass.add(block);
        pass.end();
        return block;
    }
    /// Offers the rows of a piece as `scan` does. How many were compared.
    template <Collector Found>
    std::uint32_t compare(const Piece& piece, Scorer& scorer, Found& found, Survivors& space) const noexcept {
        Outcome outcome;
        const Deadline none;
        Comparing<Found> comparing{*this, scorer, none, found, space, outcome};
        std::size_t gathered = 0;
        for (const auto& [first, length] : piece.parts) {
            if (first != no_row) {
                comparing.run(first, length);
                continue;
            }
            comparing.gathered({piece.codes.data() + gathered, length}, {piece.places.data() + gathered, length});
            gathered += length;
        }
        return outcome.distances;
    }
    /// The rows of a piece as `compare` does: calls `visit(codes, row_of)` for some at a time. How many they were.
    template <class Visit>
    std::uint32_t for_each_block(const Piece& piece, const Visit& visit) const noexcept {
        std::size_t gathered = 0;
        std::size_t all = 0;
        for (const auto& [first, length] : piece.parts) {
            all += length;
            if (first != no_row) {
                visit(CodeBlock{code(first), code_size(), length}, [this, from = first](std::size_t i) {
                    const auto place = static_cast<RowId>(from + i);
                    return places_->visible(place, at_) ? place : no_row;
                });
                continue;
            }
            const RowId* const places = piece.places.data() + gathered;
            visit(std::span<const std::byte* const>(piece.codes.data() + gathered, length),
                  [=](std::size_t i) { return places[i]; });
            gathered += length;
        }
        return static_cast<std::uint32_t>(all);
    }

private:
    [[nodiscard]] bool passes(RowId place) const noexcept {
        return (filter_ == nullptr || filter_->contains(id(place))) && places_->visible(place, at_);
    }
    [[nodiscard]] const std::byte* code(RowId place) const noexcept {
        return by_fine ? lists_->fine(place) : lists_->code(place);
    }
    [[nodiscard]] std::size_t code_size() const noexcept { return by_fine ? lists_->fine_size() : lists_->code_size(); }
    void prefetch_block(Block block) const noexcept {
        simd::prefetch(code(GrowingLists::first_place(block)), GrowingLists::block_rows * code_size(), 16);
    }

    /// Goes from block to block and tells `To` what is to be compared at once.
    template <class To>
    class Pass {
    public:
        Pass(const GrowingIvfMoment& moment, To& to) noexcept : moment_(&moment), to_(&to) {}

        /// The block behind it.
        Block add(Block block) {
            const Block next = moment_->lists_->next(block);
            if (next != GrowingLists::no_block) moment_->prefetch_block(next);
            const std::uint32_t shown = moment_->lists_->shown(block);
            if (moment_->filter_ == nullptr && (shown & (shown + 1)) == 0) {
                add_first(block, static_cast<std::size_t>(std::popcount(shown)));
            } else {
                add_some(block, shown);
            }
            return next;
        }
        void end() {
            flush_run();
            flush_gathered();
        }

    private:
        void add_first(Block block, std::size_t rows) {
            const RowId first = GrowingLists::first_place(block);
            const std::byte* code = moment_->code(first);  // memory grows in pieces: numbers alone do not tell
            if (first != run_ + length_ || code != end_of_run_ || length_ + rows > max_batch) {
                flush_run();
                run_ = first;
            }
            length_ += rows;
            end_of_run_ = code + rows * moment_->code_size();
        }
        void add_some(Block block, std::uint32_t shown) {
            for (; shown != 0; shown &= shown - 1) {
                const RowId place = GrowingLists::first_place(block) + static_cast<RowId>(std::countr_zero(shown));
                if (!moment_->passes(place)) continue;
                codes_[count_] = moment_->code(place);
                simd::prefetch(codes_[count_], moment_->code_size(), 4);
                places_[count_++] = place;
                if (count_ == codes_.size()) flush_gathered();
            }
        }
        void flush_run() {
            if (length_ > 0) to_->run(run_, length_);
            length_ = 0;
        }
        void flush_gathered() {
            if (count_ > 0) to_->gathered({codes_.data(), count_}, {places_.data(), count_});
            count_ = 0;
        }

        const GrowingIvfMoment* moment_;
        To* to_;
        RowId run_ = 0;  // places [run, run + length) are to be compared, whose codes lie one behind another
        std::size_t length_ = 0;
        const std::byte* end_of_run_ = nullptr;
        std::size_t count_ = 0;  // gathered
        std::array<const std::byte*, 64> codes_{};
        std::array<RowId, 64> places_{};
    };

    /// What compares the rows of a pass, or of a piece.
    template <Collector Found>
    struct Comparing {
        const GrowingIvfMoment& moment;
        Scorer& scorer;
        const Deadline& deadline;
        Found& found;
        Survivors& space;
        Outcome& outcome;

        void run(RowId first, std::size_t length) noexcept {
            offer_block(scorer, {moment.code(first), moment.code_size(), length}, false, found, space,
                        [&](std::size_t i) {
                            const auto place = static_cast<RowId>(first + i);
                            return moment.places_->visible(place, moment.at_) ? place : no_row;
                        });
            compared(length);
        }
        void gathered(std::span<const std::byte* const> codes, std::span<const RowId> places) noexcept {
            offer_block(scorer, codes, true, found, space, [&](std::size_t i) { return places[i]; });
            compared(codes.size());
        }
        void compared(std::size_t rows) noexcept {
            outcome.distances += static_cast<std::uint32_t>(rows);
            outcome.complete = outcome.complete && !deadline.expired();
        }
    };
    /// What makes a piece of them.
    struct Taking {
        Piece& piece;
        void run(RowId first, std::size_t length) { piece.parts.push_back({first, length}); }
        void gathered(std::span<const std::byte* const> codes, std::span<const RowId> places) {
            piece.parts.push_back({no_row, codes.size()});
            piece.codes.insert(piece.codes.end(), codes.begin(), codes.end());
            piece.places.insert(piece.places.end(), places.begin(), places.end());
        }
    };

    const Growing* index_;
    const GrowingLists* lists_;
    const GrowingPlaces* places_;
    const IdSet* filter_;
    Epoch::Pin pin_;
    Moment at_ = 0;
    std::size_t most_ids_ = 0;

    friend class GrowingIvfMoment<Growing, !by_fine>;
};

}  // namespace tonari
