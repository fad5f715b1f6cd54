// Rows that stand in a second list, too (which one: lists/second_list.hpp). Their codes stand in both:
//
//     list      0                            1                   2
//     codes   [ rows 0 .. 4 | 7, 12, 3 ]   [ rows 5 .. 6 | 0 ]  [ rows 7 .. 12 | ... ]
//               its own       spilled
//
// A place is where a code stands, a row is what answers: rows are numbered by the lists that they stand in first, as where none
// is spilled. So ids, filters and finer rows know nothing of second places, and a row that is met twice is known by its number.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

#include <tonari/core/bytes.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/filter.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/types.hpp>
#include <tonari/core/visited.hpp>
#include <tonari/io/section_reader.hpp>
#include <tonari/io/section_writer.hpp>
#include <tonari/lists/partition.hpp>

namespace tonari {

/// Which rows the codes at some places are of, as a scan asks.
class PlacedRows {
public:
    /// Each row stands at the place of its own number, and there alone.
    PlacedRows() noexcept = default;
    /// Rows that searches may meet elsewhere, too: each is taken once. `met` has room for all `rows` rows.
    PlacedRows(std::size_t rows, VisitedSet& met) noexcept : rows_(rows), met_(&met) {}
    /// The same of one list: those before `spilled_from` are its own, `shift` places behind their numbers; the others `spilled`.
    PlacedRows(std::size_t rows, VisitedSet& met, std::size_t shift, std::size_t spilled_from,
               std::span<const RowId> spilled) noexcept
        : rows_(rows), met_(&met), shift_(shift), spilled_from_(spilled_from), spilled_(spilled) {}

    [[nodiscard]] bool once() const noexcept { return met_ == nullptr; }
    /// `no_row` where a file lies.
    [[nodiscard]] RowId at(std::size_t place) const noexcept {
        if (place < spilled_from_) return static_cast<RowId>(place - shift_);
        const RowId row = spilled_[place - spilled_from_];
        return row < rows_ ? row : no_row;
    }
    /// Is the row worth comparing: it passes, and it was not taken before?
    [[nodiscard]] bool wants(RowId row, const RowBitmap& passing) const noexcept {
        return row != no_row && passing.test(row) && is_new(row);
    }
    /// Does any row at the places [first, last) pass?
    [[nodiscard]] bool any(const RowBitmap& passing, std::size_t first, std::size_t last) const noexcept {
        if (once()) return passing.any(first, last);
        for (std::size_t place = first; place < last; ++place) {
            if (wants(at(place), passing)) return true;
        }
        return false;
    }
    /// Was the row not taken yet?
    [[nodiscard]] bool is_new(RowId row) const noexcept { return met_ == nullptr || !met_->contains(row); }
    /// True if the row is to be offered: once each.
    [[nodiscard]] bool take(RowId row) const noexcept {
        return met_ == nullptr || (row != no_row && met_->insert(row));
    }

private:
    std::size_t rows_ = 0;
    VisitedSet* met_ = nullptr;
    std::size_t shift_ = 0;
    std::size_t spilled_from_ = std::numeric_limits<std::size_t>::max();
    std::span<const RowId> spilled_;
};

/// The places of a list.
struct ListPlaces {
    std::size_t first = 0;
    std::size_t spilled_from = 0;  ///< its own rows stand before it
    std::size_t last = 0;
};

class Spill {
public:
    /// No row stands twice.
    Spill() = default;
    /// `second[row]` is the list in which the row stands again; `own` says in which it stands first. `in_order` has the rows in
    /// the order in which they are to stand within a list. Errors: out_of_memory. Throws bad_alloc.
    TONARI_API static Result<Spill> create(const Partition& own, std::span<const RowId> second,
                                           std::span<const RowId> in_order);

    [[nodiscard]] bool empty() const noexcept { return partition_.lists() == 0; }
    /// How often rows stand a second time: once each, or never.
    [[nodiscard]] std::size_t rows() const noexcept { return partition_.rows(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return partition_.bytes() + rows_.size(); }

    [[nodiscard]] ListPlaces places_of(std::size_t list, const Partition& own) const noexcept {
        const auto [first, last] = own.rows_of(list);
        if (empty()) return {first, last, last};
        const auto [second_first, second_last] = partition_.rows_of(list);
        return {first + second_first, last + second_first, last + second_last};
    }
    /// The rows that stand in a list for the second time. The numbers come from files: they may lie.
    [[nodiscard]] std::span<const RowId> spilled_in(std::size_t list) const noexcept {
        if (empty()) return {};
        const auto [first, last] = partition_.rows_of(list);
        return rows_.as<RowId>().subspan(first, last - first);
    }
    /// Where a row stands first. O(log lists).
    [[nodiscard]] std::size_t place_of(std::size_t row, const Partition& own) const noexcept {
        return empty() ? row : row + partition_.rows_of(own.list_of(row)).first;
    }
    /// The list of a place. O(log lists).
    [[nodiscard]] std::size_t list_at(std::size_t place, const Partition& own) const noexcept {
        std::size_t first = 0;
        std::size_t count = own.lists();  // the last of those from `first` on that begins at or before the place
        while (count > 1) {
            const std::size_t half = count / 2;
            const bool behind = places_of(first + half, own).first <= place;
            first += behind ? half : 0;
            count = behind ? count - half : half;
        }
        return first;
    }
    /// The rows of a list for a scan of its places; `met` has been cleared when the search began.
    [[nodiscard]] PlacedRows in_list(std::size_t list, const Partition& own, VisitedSet& met) const noexcept {
        if (empty()) return {};
        return {own.rows(), met, partition_.rows_of(list).first, places_of(list, own).spilled_from, spilled_in(list)};
    }

    /// Sections "lists", "offsets" and "rows"; nothing where empty.
    TONARI_API Status save(SectionWriter& writer) const;
    /// Empty where nothing was saved. O(lists).
    TONARI_API static Result<Spill> open(const SectionReader& reader, const Partition& own);

private:
    Partition partition_;  // of the rows that stand in each list for the second time
    Bytes rows_;           // their numbers, 32 bits each
};

}  // namespace tonari
