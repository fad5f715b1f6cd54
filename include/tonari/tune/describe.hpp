// What makes a data set hard: numbers to judge generated rows by, and to compare real ones with.
#pragma once

#include <cstdint>
#include <span>

#include <tonari/core/export.hpp>
#include <tonari/core/types.hpp>
#include <tonari/tune/ground_truth.hpp>

namespace tonari::tune {

/// The local intrinsic dimension at the queries: how fast neighbours become more numerous with distance. Maximum
/// likelihood over the truth's k neighbours (Levina and Bickel 2004; Amsaleg and others 2015),
///     -1 / mean(log(r_i / r_k)),  i < k,
/// the inverse of which is averaged over the queries (MacKay and Ghahramani 2005: the inverses are unbiased, the
/// estimates are not). Queries whose neighbours all stand at one distance are left out.
/// `metric` says what the truth's distances are: l2 is squared, and 1 - cos is half the square between unit vectors, so
/// their roots are taken. 0 if k < 2, and for the inner product, whose "distances" know no smallest value.
TONARI_API double local_intrinsic_dimension(const GroundTruth& truth, MetricKind metric);

/// The share of the first `k` true neighbours that come from another cluster than their query.
TONARI_API double foreign_neighbours(const GroundTruth& truth, std::size_t k,
                                     std::span<const std::uint32_t> base_cluster,
                                     std::span<const std::uint32_t> query_cluster);

}  // namespace tonari::tune
