// Inverted lists as a batch of queries goes through them (index/ivf_batch.hpp): a piece at a time that fits into a cache.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <tonari/codec/codec.hpp>
#include <tonari/core/collector.hpp>
#include <tonari/core/ordered_key.hpp>
#include <tonari/index/prepared_queries.hpp>
#include <tonari/index/search_options.hpp>
#include <tonari/index/search_scratch.hpp>
#include <tonari/index/stored_rows.hpp>

namespace tonari {

/// Bytes of a piece: an eighth of a common L2 cache, or less.
inline constexpr std::size_t piece_bytes = std::size_t{128} << 10;

/// Those of an IvfIndex whose rows stand in one list each, and the rows of them that pass a filter.
template <class Ivf>
class IvfPieces {
public:
    using Lists = Ivf;
    using Codec = std::remove_cvref_t<decltype(std::declval<const Ivf&>().codec())>;
    using Scorer = typename Ivf::Scorer;
    static constexpr bool in_order = true;  // list by list rows come by their numbers, and all of them do
    /// Where no list is looked for: the rows of a piece that pass.
    using Room = std::vector<RowId>;
    /// Places [first, last) of the rows; where they are taken from the room, all of it.
    struct Piece {
        std::size_t first = 0;
        std::size_t last = 0;
    };

    /// How many lists a query looks for; none where all rows that pass are compared.
    static std::size_t ranked(const Ivf& lists, const SearchOptions& options) noexcept {
        if (!lists.looks_at_passing(options.filter, options.nprobe)) {
            return std::min(options.nprobe, lists.partition().lists());
        }
        return RelativeCodec<Codec> ? lists.partition().lists() : 0;
    }
    /// Makes the room as large as it is ever needed. Throws bad_alloc.
    static void prepare(const Ivf& lists, const SearchOptions& options, Room& room) {
        if constexpr (!RelativeCodec<Codec>) {
            if (ranked(lists, options) == 0) room.reserve(rows_at_once(lists));
        }
    }

    IvfPieces(const Ivf& lists, const SearchOptions& options, Room& room) noexcept
        : lists_(&lists), options_(&options), room_(&room) {}

    static const Codec& codec_of(const Ivf& lists) noexcept { return lists.codec(); }
    [[nodiscard]] const Codec& codec() const noexcept { return lists_->codec(); }
    [[nodiscard]] std::size_t lists() const noexcept { return lists_->partition().lists(); }
    /// So many answers there may be, and so many are looked for on and on.
    [[nodiscard]] std::size_t most() const noexcept { return std::min(options_->k, lists_->size()); }
    [[nodiscard]] std::size_t wanted() const noexcept {
        return options_->filter == nullptr ? most() : std::min(most(), options_->filter->passing);
    }
    [[nodiscard]] Scorer scorer(const std::byte* prepared) const noexcept {
        return scorer_of(codec(), prepared, *options_);
    }
    /// From here on it compares rows of this list.
    void enter(const Neighbor& list, Scorer& scorer) const noexcept { scorer.enter(lists_->origin(list)); }

    /// Asks the disk for a list that comes soon.
    void fetch(std::size_t list) const noexcept {
        if (!rows().on_disk()) return;
        const auto [first, last] = lists_->partition().rows_of(list);
        rows().fetch(first, last);
        rows().tend_cache();
    }
    /// Calls `visit(piece)` for each of the list, for which `fetch` was called: for a long one it asks the disk on. False if `visit`
    /// was: it ends there.
    template <class Visit>
    bool for_each_piece(std::size_t list, const Visit& visit) const {
        const auto [first, last] = lists_->partition().rows_of(list);
        std::size_t fetched = first + rows().fetched_rows();
        for (std::size_t from = first; from < last;) {
            const std::size_t to = std::min(rows().break_after(from, piece_bytes, options_->filter), last);
            if (rows().on_disk() && to > fetched) {
                rows().fetch(from, last);
                fetched = from + rows().fetched_rows();
            }
            if (!visit(Piece{from, to})) return false;
            from = to;
        }
        return true;
    }
    /// The same for the rows that pass.
    template <class Visit>
    bool for_each_passing_piece(const Visit& visit) const {
        const std::size_t most = rows_at_once(*lists_);
        for (std::size_t from = 0; from < rows().rows();) {
            room_->clear();
            const auto take = [&](RowId row) {
                room_->push_back(row);
                return room_->size() < most;
            };
            const std::size_t last = options_->filter->rows.for_each_until(from, rows().rows(), take);
            from = last + (room_->size() == most ? 1 : 0);
            if (!room_->empty() && !visit(Piece{0, room_->size()})) return false;
        }
        return true;
    }
    /// Offers the rows of a piece. How many were compared.
    template <Collector Found>
    std::uint32_t scan(Piece piece, Scorer& scorer, Found& found, SearchScratch& scratch) const noexcept {
        Outcome outcome;
        rows().scan(piece.first, piece.last, scorer, options_->filter, {}, found, scratch, outcome);
        return outcome.distances;
    }
    template <Collector Found>
    std::uint32_t scan_passing(Piece /*piece*/, Scorer& scorer, Found& found, SearchScratch& scratch) const noexcept {
        Outcome outcome;
        rows().scan_some(*room_, scorer, nullptr, {}, found, scratch, outcome, {});
        return outcome.distances;
    }
    /// The rows of a piece as `scan` compares them: calls `visit(codes, row_of)` for some at a time. How many they were.
    template <class Visit>
    std::uint32_t for_each_block(Piece piece, const Visit& visit) const noexcept {
        return rows().for_each_block(piece.first, piece.last, options_->filter, visit);
    }
    /// For several queries at most `Scorer::most_together`.
    template <Collector Found>
    std::uint32_t scan_together(Piece piece, std::span<const Scorer* const> scorers, std::span<Found> found,
                                std::span<Survivors> space) const noexcept {
        return rows().scan_together(piece.first, piece.last, scorers, options_->filter, found, space);
    }

    /// Rows, nearest first, as they are answered.
    void answer(std::span<const OrderedKey> nearest, std::vector<Neighbor>& out) const noexcept {
        rows().answer(nearest, most(), options_->filter, out);
    }

private:
    /// Of a piece: as many calls of a kernel as there would be without pieces.
    static std::size_t rows_at_once(const Ivf& lists) noexcept {
        return std::max<std::size_t>(piece_bytes / lists.codec().code_size() / gathered_at_once, 1) * gathered_at_once;
    }
    [[nodiscard]] const auto& rows() const noexcept { return lists_->rows(); }

    const Ivf* lists_;
    const SearchOptions* options_;
    Room* room_;
};

}  // namespace tonari
