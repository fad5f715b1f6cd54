// Exact search for many queries at once. Blocks of rows meet panels of 32 queries in register-blocked products, or in tiles
// (simd/kernels.hpp, BlockKernel and TileKernels); what comes within the error bound of a query's k-th distance is compared again with
// the exact kernel, so the answers are those of a search one by one.
#pragma once

#include <cstddef>
#include <functional>

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

/// Whether so many queries go together: enough of them, no filter, kernels for the rows.
TONARI_API bool suits_exact_batch(const ExactRows& rows, std::size_t queries, const SearchOptions& options) noexcept;

/// `out` has room for the answers. Rows lie in id order and have one id each. O(queries x rows) products.
/// False, and nothing done, where that does not suit.
TONARI_API Result<bool> exact_batch(const ExactRows& rows, const IdMap& ids, MatrixView queries,
                                    const std::function<void(RowView query, std::byte* prepared)>& prepare,
                                    const SearchOptions& options, Answers& out);

}  // namespace tonari
