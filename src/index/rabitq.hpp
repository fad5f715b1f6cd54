// Building and opening what specs name by RaBitQ2 to RaBitQ8.
#pragma once

#include <span>

#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/index.hpp>
#include <tonari/index/spec.hpp>
#include <tonari/io/section_reader.hpp>
#include <tonari/metric/metric.hpp>

namespace tonari::detail {

/// Rows, ids and options were checked as for every build, and that the codec takes them (`check_codec`). Throws bad_alloc.
Result<Index> build_rabitq(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                           const BuildOptions& options);

/// The index that the sections hold, which begin with such a codec.
Result<Index> open_rabitq(const SectionReader& reader);

}  // namespace tonari::detail
