// Which ids a stored row answers for. Rows that are equal are stored once and answer for several ids.
//
//     slots:  | ids of row 0 | ids of row 1 | ...        offsets[r] = first slot of row r
//
// Offsets are kept only if some row has several ids; ids only if they are not 0, 1, 2, ..., and in four bytes if they fit.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <tonari/core/bytes.hpp>
#include <tonari/core/filter.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/types.hpp>
#include <tonari/index/search_options.hpp>
#include <tonari/io/section_reader.hpp>
#include <tonari/io/section_writer.hpp>

namespace tonari {

class IdMap {
public:
    IdMap() = default;
    /// `ids` in slot order; `offsets` (rows + 1 of them) or empty when every row has one id.
    TONARI_API static Result<IdMap> create(std::span<const Id> ids, std::span<const std::uint32_t> offsets);

    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return ids_.size() + offsets_.size(); }
    [[nodiscard]] bool one_each() const noexcept { return offsets_.empty(); }

    /// The slots [first, last) of a row. Clamped, because offsets come from files that may lie.
    [[nodiscard]] std::pair<std::size_t, std::size_t> slots(RowId row) const noexcept {
        if (offsets_.empty()) return {row, row + 1};
        const auto offsets = offsets_.as<std::uint32_t>();
        const std::size_t last = std::min<std::size_t>(offsets[row + 1], size_);
        return {std::min<std::size_t>(offsets[row], last), last};
    }
    [[nodiscard]] Id id(std::size_t slot) const noexcept {
        if (ids_.empty()) return static_cast<Id>(slot);
        return wide_ ? ids_.as<std::int64_t>()[slot] : static_cast<Id>(ids_.as<std::uint32_t>()[slot]);
    }

    /// O(size()); for a list of ids, O(size() log list).
    [[nodiscard]] TONARI_API Result<RowFilter> translate(const Filter& filter) const;

    /// The same in memory of its own, whatever file it lies in.
    [[nodiscard]] TONARI_API Result<IdMap> in_memory() const;

    TONARI_API Status save(SectionWriter& writer) const;
    TONARI_API static Result<IdMap> open(const SectionReader& reader);

private:
    std::size_t rows_ = 0;
    std::size_t size_ = 0;
    bool wide_ = false;
    Bytes ids_;
    Bytes offsets_;
};

/// Ids for `rows` rows as the caller gave them: as many as rows, not negative, no two alike; none means 0, 1, 2, ...
TONARI_API Status check_ids(std::span<const Id> ids, std::size_t rows);

}  // namespace tonari
