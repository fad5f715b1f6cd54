// Equal rows, found before a graph is built: it holds each distinct row once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/types.hpp>
#include <tonari/core/view.hpp>
#include <tonari/index/id_map.hpp>

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

/// The same of rows as `codec` stores them.
template <class C>
DistinctRows find_distinct_rows(const C& codec, MatrixView rows, const Threads& threads) {
    const auto encode = [&](std::size_t row, std::byte* code) {
        codec.encode(rows.row(row), {}, {code, codec.code_size()});
        if constexpr (requires { codec.make_comparable(code); }) codec.make_comparable(code);
    };
    return find_distinct_rows(rows.rows(), codec.code_size(), encode, threads);
}

/// The ids of distinct rows that are stored in another order: by place, `source` says which of them stands there. `ids` are those of
/// all rows, none: 0, 1, 2, ...
TONARI_API Result<IdMap> ids_of_distinct(const DistinctRows& distinct, std::span<const RowId> source,
                                         std::span<const Id> ids);

}  // namespace tonari
