// Which rows may be answered. At the door a filter speaks of ids; an index translates it once into a row bitmap,
// so that a query tests one bit and the number of rows that pass is known exactly.
#pragma once

#include <bit>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include <tonari/core/types.hpp>

namespace tonari {

/// A set of rows as bits.
class RowBitmap {
public:
    RowBitmap() noexcept = default;
    explicit RowBitmap(std::size_t rows) : words_((rows + 63) / 64), rows_(rows) {}

    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
    [[nodiscard]] bool test(RowId row) const noexcept { return (words_[row >> 6] >> (row & 63) & 1) != 0; }
    void set(RowId row) noexcept { words_[row >> 6] |= std::uint64_t{1} << (row & 63); }
    [[nodiscard]] std::size_t count() const noexcept {
        std::size_t total = 0;
        for (const std::uint64_t word : words_) total += static_cast<std::size_t>(std::popcount(word));
        return total;
    }
    /// Is any of the rows [first, last) in it?
    [[nodiscard]] bool any(std::size_t first, std::size_t last) const noexcept {
        for (std::size_t w = first >> 6; w << 6 < last; ++w) {
            std::uint64_t word = words_[w];
            if (w == first >> 6) word &= ~std::uint64_t{0} << (first & 63);
            if (last - (w << 6) < 64) word &= (std::uint64_t{1} << (last & 63)) - 1;
            if (word != 0) return true;
        }
        return false;
    }
    /// Calls `visit(row)` for every row of the set among [first, last), in order, until it answers false: that row, or `last`.
    template <class Visit>
    std::size_t for_each_until(std::size_t first, std::size_t last, Visit&& visit) const {
        for (std::size_t w = first >> 6; w << 6 < last; ++w) {
            std::uint64_t word = words_[w];
            if (w == first >> 6) word &= ~std::uint64_t{0} << (first & 63);
            if (last - (w << 6) < 64) word &= (std::uint64_t{1} << (last & 63)) - 1;
            for (; word != 0; word &= word - 1) {
                const std::size_t row = w * 64 + static_cast<std::size_t>(std::countr_zero(word));
                if (!visit(static_cast<RowId>(row))) return row;
            }
        }
        return last;
    }
    /// Calls `visit(row)` for every row of the set, in order.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (std::size_t w = 0; w < words_.size(); ++w) {
            for (std::uint64_t word = words_[w]; word != 0; word &= word - 1) {
                visit(static_cast<RowId>(w * 64 + static_cast<std::size_t>(std::countr_zero(word))));
            }
        }
    }

private:
    std::vector<std::uint64_t> words_;
    std::size_t rows_ = 0;
};

/// Ids that may be answered: a list, a bitmap, or a predicate. A view: what it is made from must outlive it.
class Filter {
public:
    using Predicate = std::function<bool(Id)>;

    /// Only these ids, in any order. Ids that the index does not hold are ignored.
    static Filter ids(std::span<const Id> allowed) { return {Kind::ids, allowed, {}, {}}; }
    /// Id i may be answered if bit i (lowest bit first) of `words` is set; ids beyond it may not.
    static Filter bitmap(std::span<const std::uint64_t> words) { return {Kind::bitmap, {}, words, {}}; }
    /// Called once for every id of the index when the filter is prepared. Must not throw.
    static Filter predicate(Predicate allowed) { return {Kind::predicate, {}, {}, std::move(allowed)}; }

    enum class Kind : std::uint8_t { ids, bitmap, predicate };
    [[nodiscard]] Kind kind() const noexcept { return kind_; }
    [[nodiscard]] std::span<const Id> listed() const noexcept { return ids_; }
    /// False for a predicate that is an empty function: it cannot be called.
    [[nodiscard]] bool usable() const noexcept { return kind_ != Kind::predicate || predicate_ != nullptr; }
    /// For bitmap and predicate.
    [[nodiscard]] bool allows(Id id) const {
        if (kind_ == Kind::predicate) return predicate_(id);
        const auto at = static_cast<std::uint64_t>(id);
        return at / 64 < words_.size() && (words_[at / 64] >> (at % 64) & 1) != 0;
    }

private:
    Filter(Kind kind, std::span<const Id> ids, std::span<const std::uint64_t> words, Predicate predicate)
        : kind_(kind), ids_(ids), words_(words), predicate_(std::move(predicate)) {}
    Kind kind_;
    std::span<const Id> ids_;
    std::span<const std::uint64_t> words_;
    Predicate predicate_;
};

}  // namespace tonari
