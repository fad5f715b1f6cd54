// Building and opening what specs name by RaBitQ and PQ<parts>x4fs.
#pragma once

#include <span>

#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/index.hpp>
#include <tonari/index/row_map.hpp>
#include <tonari/index/spec.hpp>
#include <tonari/io/section_reader.hpp>
#include <tonari/metric/metric.hpp>

namespace tonari::detail {

/// Whether the finer codes take the rows: asked before anything is built.
Status check_fine(const Spec& spec, MetricKind metric, MatrixView rows, const Threads& threads);

/// What the rows of an index were before they were mapped: finer codes are of these.
struct GivenRows {
    MatrixView rows;
    RowMap map;
    MetricKind metric;
};

/// Rows, ids and options were checked as for every build, and that the codec takes them (`check_codec`). Throws
/// bad_alloc. `given` is null where rows were not mapped.
Result<Index> build_fast_scan(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                              const BuildOptions& options, const GivenRows* given = nullptr);

/// The index that the sections hold, which begin with such a codec.
Result<Index> open_fast_scan(const SectionReader& reader);

}  // namespace tonari::detail
