// Rows before a transform: what finer codes are of.
#pragma once

#include <tonari/core/view.hpp>
#include <tonari/index/row_map.hpp>
#include <tonari/metric/metric.hpp>

namespace tonari::detail {

/// What the rows of an index were before they were mapped.
struct GivenRows {
    MatrixView rows;
    RowMap map;
    MetricKind metric;
};

}  // namespace tonari::detail
