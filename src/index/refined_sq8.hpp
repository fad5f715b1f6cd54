// Building and opening what specs name by SQ8 with a refinement.
#pragma once

#include <span>

#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/index.hpp>
#include <tonari/index/spec.hpp>
#include <tonari/io/section_reader.hpp>
#include <tonari/metric/metric.hpp>

#include "index/given_rows.hpp"

namespace tonari::detail {

/// Rows, ids and options were checked as for every build, and that SQ8 takes them (`check_codec`). `given` is null where
/// rows were not mapped, as it is for graphs. Throws bad_alloc.
Result<Index> build_refined_sq8(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                                const BuildOptions& options, const GivenRows* given);

/// The index that the sections hold, which begin with such a codec and say that it is refined.
Result<Index> open_refined_sq8(const SectionReader& reader);

}  // namespace tonari::detail
