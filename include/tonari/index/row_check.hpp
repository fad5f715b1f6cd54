// What comes through the door: shapes, elements and values of rows and queries.
#pragma once

#include <string_view>

#include <tonari/core/export.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>

namespace tonari {

/// Refuses NaN, infinities, and rows so large that the squared distance of two such overflows float32 (distances
/// would be infinite or not numbers). Names the first such row and, where it can, the column. O(values).
TONARI_API Status check_finite(MatrixView rows, std::string_view what, const Threads& threads = {});
/// The same for one row. Allocates only to report.
TONARI_API Status check_finite(RowView row, std::string_view what);

/// What cosine asks of rows that are stored as `store`: refuses those whose squared norm is below what float32 holds in
/// full (norms below 1.1e-19), or that `store` turns into zeros, because their direction would be lost. Rows of zeros
/// pass: they are at distance 1 from everything. The values are finite. Names the first such row. O(values).
TONARI_API Status check_direction(MatrixView rows, Element store, std::string_view what, const Threads& threads = {});
/// The same for one row, stored as it is. Allocates only to report.
TONARI_API Status check_direction(RowView row, std::string_view what);

/// Refuses float32 values that `store` (half precision) would make infinite. The values are finite.
TONARI_API Status check_storable(MatrixView rows, Element store, const Threads& threads = {});

}  // namespace tonari
