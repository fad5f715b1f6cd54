// Exact search for many queries at once, over all rows or over those that pass a filter: blocks of rows meet panels of 32 queries
// (codec/query_panels.hpp). The answers are those of a search one by one.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>

#include <tonari/codec/query_panels.hpp>
#include <tonari/codec/scaled_scorer.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>
#include <tonari/index/id_map.hpp>
#include <tonari/index/search_options.hpp>

namespace tonari {

/// Rows that lie one behind another.
struct ExactRows {
    KernelRows kind;
    const std::byte* codes;
    std::size_t rows;
    std::size_t factor_at =
        0;  ///< where a prepared query has the factor of its distances (codec/scaled_scorer.hpp); 0: it has none
};

/// Those of rows whose codec can say how they lie.
template <class Rows>
    requires requires(const Rows rows) { kernel_rows_of(rows.codec()); }
ExactRows exact_rows_of(const Rows& rows) noexcept {
    ExactRows exact{kernel_rows_of(rows.codec()), rows.codes().data(), rows.rows()};
    if constexpr (std::same_as<typename Rows::Scorer, ScaledScorer>) exact.factor_at = rows.codec().code_size();
    return exact;
}

/// Whether so many queries go together: enough of them, kernels for the rows.
TONARI_API bool suits_exact_batch(const ExactRows& rows, std::size_t queries) noexcept;

/// All rows, or those that pass `options.filter`, for all queries. `out` has room for the answers. Rows have one id each; of equal
/// distances the rows that come first are kept. O(queries x rows) products. False, and nothing done, where that does not suit.
TONARI_API Result<bool> exact_batch(const ExactRows& rows, const IdMap& ids, MatrixView queries,
                                    const std::function<void(RowView query, std::byte* prepared)>& prepare,
                                    const SearchOptions& options, Answers& out);

/// The same over rows as an index holds them.
template <class Rows>
Result<bool> exact_batch(const Rows& rows, MatrixView queries, const SearchOptions& options, Answers& out) {
    return exact_batch(
        exact_rows_of(rows), rows.ids(), queries,
        [&](RowView query, std::byte* to) { rows.codec().prepare(query, to); }, options, out);
}

}  // namespace tonari
