// Equal rows, found before a graph is built: it holds each distinct row once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/types.hpp>

namespace tonari {

struct DistinctRows {
    std::vector<RowId> first;  ///< of each distinct row the first source row, ascending
    /// Source rows by distinct row: those of `first[i]` are members[offsets[i]] ... members[offsets[i + 1] - 1], ascending.
    /// Both empty when all rows are distinct.
    std::vector<std::uint32_t> offsets;
    std::vector<RowId> members;
};

/// `encode(row, code)` writes the `code_size` bytes that are compared. O(rows) on average; 16 bytes a row of extra memory.
TONARI_API DistinctRows find_distinct_rows(std::size_t rows, std::size_t code_size,
                                           const std::function<void(std::size_t row, std::byte* code)>& encode,
                                           const Threads& threads);

}  // namespace tonari
