// Which rows lie in which list, where the rows of a list lie one behind another:
//
//     list      0         1    2 (empty)   3
//     rows   [0 .. 4]  [5 .. 6]         [7 .. 11]
//     offsets   0         5        7       7        12
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include <tonari/core/bytes.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/types.hpp>
#include <tonari/io/section_reader.hpp>
#include <tonari/io/section_writer.hpp>

namespace tonari {

class Partition {
public:
    Partition() = default;
    /// `sizes[l]` rows in list l; lists may be empty.
    TONARI_API static Result<Partition> create(std::span<const std::size_t> sizes);

    [[nodiscard]] std::size_t lists() const noexcept { return lists_; }
    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return offsets_.size(); }
    /// The rows [first, last) of a list.
    [[nodiscard]] std::pair<std::size_t, std::size_t> rows_of(std::size_t list) const noexcept {
        const auto offsets = offsets_.as<std::uint32_t>();
        return {offsets[list], offsets[list + 1]};
    }

    /// The list of a row. O(log lists).
    [[nodiscard]] std::size_t list_of(std::size_t row) const noexcept {
        const auto offsets = offsets_.as<std::uint32_t>();
        return static_cast<std::size_t>(std::upper_bound(offsets.begin(), offsets.end(), row) - offsets.begin() - 1);
    }

    TONARI_API Status save(SectionWriter& writer) const;
    /// O(lists): offsets are checked here, so that every list lies within the rows and no two overlap.
    TONARI_API static Result<Partition> open(const SectionReader& reader);

private:
    std::size_t lists_ = 0;
    std::size_t rows_ = 0;
    Bytes offsets_;  // lists + 1 numbers of 32 bits
};

}  // namespace tonari
