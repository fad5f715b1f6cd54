// Growing lists as a batch of queries goes through them (index/ivf_batch.hpp). Each group of queries sees one moment, and holds it
// until all of them are answered; those whose lists hold too few rows are searched by themselves, at a later one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <tonari/index/growing_ivf_moment.hpp>
#include <tonari/index/growing_ivf_search.hpp>
#include <tonari/index/ivf_batch.hpp>
#include <tonari/index/ivf_pieces.hpp>
#include <tonari/index/nearest_by_fine.hpp>
#include <tonari/index/search_options.hpp>
#include <tonari/index/search_scratch.hpp>
#include <tonari/lists/list_rounds.hpp>

namespace tonari {

/// As IvfPieces. Holds the moment. `by_fine`: of the rows that pass, and their finer codes are compared.
template <class Growing, bool by_fine = false>
class GrowingIvfPieces {
    using Moment = GrowingIvfMoment<Growing, by_fine>;

public:
    using Lists = Growing;
    using Codec = typename Moment::Codec;
    using Scorer = typename Moment::Scorer;
    static constexpr bool in_order = false;
    using Piece = typename Moment::Piece;
    using Room = Piece;  // that of the piece at hand

    static const Codec& codec_of(const Growing& lists) noexcept {
        if constexpr (by_fine) {
            return lists.codec();
        } else {
            return lists.list_codec();
        }
    }
    static std::size_t ranked(const Growing& lists, const SearchOptions& options) noexcept {
        const std::size_t all = lists.lists().lists();
        if (by_fine) return 0;
        if (options.filter == nullptr || !lists.looks_at_all(options.filter->passing, options.nprobe)) {
            return std::min(options.nprobe, all);
        }
        return Moment::relative ? all : 0;
    }
    static void prepare(const Growing& /*lists*/, const SearchOptions& /*options*/, Room& /*room*/) noexcept {}

    GrowingIvfPieces(const Growing& lists, const SearchOptions& options, Room& room)
        : lists_(&lists),
          options_(&options),
          room_(&room),
          moment_(lists, options.filter == nullptr ? nullptr : options.filter->named.get()) {}

    [[nodiscard]] const Codec& codec() const noexcept { return moment_.codec(); }
    [[nodiscard]] std::size_t lists() const noexcept { return lists_->lists().lists(); }
    [[nodiscard]] std::size_t most() const noexcept {
        return std::max<std::size_t>(std::min(options_->k, moment_.most_ids()), 1);
    }
    [[nodiscard]] std::size_t wanted() const noexcept { return most(); }
    [[nodiscard]] Scorer scorer(const std::byte* prepared) const noexcept {
        return scorer_of(codec(), prepared, *options_);
    }
    void enter(const Neighbor& list, Scorer& scorer) const noexcept { moment_.enter(list, scorer); }
    void fetch(std::size_t list) const noexcept { moment_.prefetch(list); }
    /// Where it matters when rows are offered, the whole list is a piece: a search of one has no other.
    template <class Visit>
    bool for_each_piece(std::size_t list, const Visit& visit) const {
        const std::size_t fit = piece_bytes / (GrowingLists::block_rows * codec().code_size());
        const std::size_t blocks =
            Growing::refined && !by_fine ? std::numeric_limits<std::size_t>::max() : std::max<std::size_t>(fit, 1);
        for (auto block = lists_->lists().first(list); block != GrowingLists::no_block;) {
            block = moment_.take(block, blocks, *room_);
            const bool go_on = room_->parts.empty() ? !options_->deadline.expired() : visit(*room_);
            if (!go_on) return false;
        }
        return true;
    }
    template <class Visit>
    bool for_each_passing_piece(const Visit& visit) const {
        for (std::size_t list = 0; list < lists(); ++list) {
            if (!for_each_piece(list, visit)) return false;
        }
        return true;
    }
    template <Collector Found>
    std::uint32_t scan(const Piece& piece, Scorer& scorer, Found& found, SearchScratch& scratch) const noexcept {
        return moment_.compare(piece, scorer, found, scratch.expansion.survivors);
    }
    template <class Visit>
    std::uint32_t for_each_block(const Piece& piece, const Visit& visit) const noexcept {
        return moment_.for_each_block(piece, visit);
    }
    template <Collector Found>
    std::uint32_t scan_passing(const Piece& piece, Scorer& scorer, Found& found,
                               SearchScratch& scratch) const noexcept {
        return scan(piece, scorer, found, scratch);
    }
    void answer(std::span<const OrderedKey> nearest, std::vector<Neighbor>& out) const {
        moment_.answer(nearest, most(), out);
    }

private:
    const Growing* lists_;
    const SearchOptions* options_;
    Room* room_;
    Moment moment_;
};

/// What a batch knows of a growing index as of any other. `by_fine`: lists are compared by the finer codes.
template <class Growing, bool by_fine = false>
class GrowingIvfWhole {
    using Codec = std::remove_cvref_t<decltype(std::declval<const Growing&>().codec())>;

public:
    using Scorer = typename std::conditional_t<by_fine, Codec, typename Growing::ListCodec>::Scorer;
    using FineCodec = Codec;
    using FineRows = GrowingFineRows<Codec>;

    explicit GrowingIvfWhole(const Growing& index) noexcept
        : index_(&index), fine_rows_(index.lists(), index.codec()) {}

    [[nodiscard]] std::size_t size() const noexcept { return index_->most_ids(); }
    [[nodiscard]] const Codec& codec() const noexcept { return index_->codec(); }
    [[nodiscard]] const FineRows& fine_rows() const noexcept { return fine_rows_; }
    Status reserve(const SearchOptions& /*options*/, SearchScratch& scratch) const {
        GrowingIvfSearch<Growing>::reserve(*index_, scratch);
        return {};
    }
    Outcome search(RowView query, const SearchOptions& options, SearchScratch& scratch) const {
        return GrowingIvfSearch<Growing>(*index_, scratch, options.filter).nearest(query, options);
    }

private:
    const Growing* index_;
    FineRows fine_rows_;
};

/// Many queries at once. Queries were checked. True, or false where they are to go one by one. Throws bad_alloc.
template <class Growing>
Result<bool> search_growing_batch(const Growing& index, MatrixView queries, const SearchOptions& options,
                                  Answers& out) {
    using Pieces = GrowingIvfPieces<Growing>;
    using Whole = GrowingIvfWhole<Growing>;
    const Whole whole(index);
    if constexpr (Growing::refined) {
        if (options.filter != nullptr && index.ranks_passing(options.filter->passing, options.nprobe)) {
            using ByFine = GrowingIvfWhole<Growing, true>;
            const ByFine by_fine(index);
            return IvfBatch<GrowingIvfPieces<Growing, true>, NearestOfEach<ByFine>>(index, by_fine, queries, options,
                                                                                    out)
                .run();
        }
        return IvfBatch<Pieces, NearestByFine<Whole>>(index, whole, queries, options, out).run();
    } else {
        return IvfBatch<Pieces, NearestOfEach<Whole>>(index, whole, queries, options, out).run();
    }
}

}  // namespace tonari
