// Building and opening what specs name by codes that are relative to origins: RaBitQ, PQ<parts>x4fs, PQ<parts>,
// RaBitQ<bits> and SQ4.
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

/// What the codec that the spec names refuses before it looks at values.
Status check_relative(const Spec& spec, MetricKind metric, std::size_t rows, Dim dim);

/// Rows, ids and options were checked as for every build, and that the codec takes them (`check_codec`). `given` is null
/// where rows were not mapped. Throws bad_alloc.
Result<Index> build_fast_scan(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                              const BuildOptions& options, const GivenRows* given);
Result<Index> build_pq(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                       const BuildOptions& options, const GivenRows* given);
Result<Index> build_sq4(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                        const BuildOptions& options, const GivenRows* given);
Result<Index> build_rabitq(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                           const BuildOptions& options, const GivenRows* given);
/// The one of them that the spec names.
inline Result<Index> build_relative(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                                    const BuildOptions& options, const GivenRows* given) {
    if (spec.codec == CodecKind::pq) return build_pq(spec, metric, rows, ids, options, given);
    if (spec.codec == CodecKind::sq4) return build_sq4(spec, metric, rows, ids, options, given);
    if (spec.codec == CodecKind::rabitq) return build_rabitq(spec, metric, rows, ids, options, given);
    return build_fast_scan(spec, metric, rows, ids, options, given);
}

/// The index that the sections hold, which begin with such a codec.
Result<Index> open_fast_scan(const SectionReader& reader);
Result<Index> open_pq(const SectionReader& reader);
Result<Index> open_sq4(const SectionReader& reader);
Result<Index> open_rabitq(const SectionReader& reader);

}  // namespace tonari::detail
