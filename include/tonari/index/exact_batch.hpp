// Exact search for many queries at once, over all rows or over those that pass a filter. Blocks of rows meet panels of 32 queries in
// register-blocked products, or in tiles (simd/kernels.hpp, BlockKernel and TileKernels); what comes within the error bound of a
// query's k-th distance is compared again with the exact kernel, so the answers are those of a search one by one.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>

#include <tonari/codec/scaled_scorer.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>
#include <tonari/index/id_map.hpp>
#include <tonari/index/search_options.hpp>

namespace tonari {

/// Rows as codec/flat.hpp lays them out.
struct ExactRows {
    MetricKind metric;
    Element element;
    Dim dim;
    const std::byte* codes;
    std::size_t code_size;
    std::size_t rows;
    std::size_t query_size;     ///< bytes of a prepared query
    std::size_t factor_at = 0;  ///< where it has the factor of its distances (codec/scaled_scorer.hpp); 0: it has none
};

/// Those of rows whose codec can say how they lie.
template <class Rows>
    requires requires(const Rows rows) { rows.codec().erased(); }
ExactRows exact_rows_of(const Rows& rows) noexcept {
    const auto& codec = rows.codec();
    ExactRows exact{codec.metric_kind(), codec.erased().element(), codec.dim(), rows.codes().data(), codec.code_size(),
                    rows.rows(),         codec.query_size()};
    if constexpr (std::same_as<typename Rows::Scorer, ScaledScorer>) exact.factor_at = codec.code_size();
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
