// From rows to an index over codes of 4 bits a part.
#include <tonari/index/fused_hnsw.hpp>
#include <tonari/index/train_relative.hpp>

#include "index/build_relative.hpp"

namespace tonari::detail {
namespace {

/// A graph with its rows and the codes of neighbours beside the links.
Result<Index> build_fused(const Spec& spec, const FastScanParams& params, MatrixView rows, std::span<const Id> ids,
                          const BuildOptions& asked) {
    if (Status s = check_fine(spec, params.metric, rows, asked.threads); !s) return s;
    BuildOptions options = asked;
    constexpr double linked = 0.8;  // as a share of the time: three quarters at 128 dimensions, five sixths at 784
    options.progress = progress_between(asked.progress, rows.rows(), 0, linked);
    options.ef_construction = std::min(options.ef_construction, rows.rows());  // more finds no more, but takes room
    auto codes = train_relative_codec<FastScan>(rows, params, [](RowId) { return Origin{}; });
    if (!codes) return std::move(codes).error();
    auto as_given = FusedHnsw::Rows::create(rows.element(), rows.dim(), params.metric);
    if (!as_given) return std::move(as_given).error();
    auto graph = FusedHnsw::Graph::build(*std::move(as_given), rows, ids, spec.links, options);
    if (!graph) return std::move(graph).error();
    auto stored = FusedHnsw::Rows::create(spec.fine->store_as.value_or(rows.element()), rows.dim(), params.metric);
    if (!stored) return std::move(stored).error();
    auto fused = FusedHnsw::build(*graph, *std::move(codes), *std::move(stored), options.threads,
                                  progress_between(asked.progress, rows.rows(), linked, 1));
    if (!fused) return std::move(fused).error();
    return make_index(*std::move(fused));
}

}  // namespace

Result<Index> build_fast_scan(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                              const BuildOptions& options, const GivenRows* given) {
    const FastScanParams params{metric, spec.parts, options.seed, options.threads};
    if (Status s = FastScan::check(rows.dim(), params); !s) return s;
    if (FusedHnsw::is_named_by(spec)) return build_fused(spec, params, rows, ids, options);
    return build_over_relative<FastScan>(spec, params, rows, ids, options, given);
}

}  // namespace tonari::detail
