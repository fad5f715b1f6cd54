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

/// Refuses float32 values that `store` (half precision) would make infinite. The values are finite.
TONARI_API Status check_storable(MatrixView rows, Element store, const Threads& threads = {});

}  // namespace tonari
