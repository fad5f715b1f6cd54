// From rows to an index over codes of 4 bits a part, refined or not.
#include <tonari/index/registry.hpp>

#include "index/build_refined.hpp"
#include "index/fast_scan.hpp"

namespace tonari::detail {
Result<Index> build_fast_scan(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                              const BuildOptions& options) {
    if (spec.fine) {
        if (Status s = check_fine(spec, metric, rows, options.threads); !s) return s;
    }
    const BuildOptions coarse = before_refinement(spec, rows, options);
    const FastScanParams params{metric, spec.parts, options.seed, options.threads};
    if (spec.kind == IndexKind::flat) {
        auto codec = train_block_codec<FastScan>(rows, params, [](RowId) { return Origin{}; });
        if (!codec) return std::move(codec).error();
        return finish(FlatIndex<FastScan>::build(*std::move(codec), rows, ids, coarse), spec, metric, rows, ids,
                      options);
    }
    const IvfParams lists{spec.lists, spec.coarse_links};
    if (spec.coarse_links > 0) {
        return finish(IvfIndex<FastScan, GraphCoarse<FastScan>>::build(params, rows, ids, lists, coarse), spec, metric,
                      rows, ids, options);
    }
    return finish(IvfIndex<FastScan, FlatCoarse<FastScan>>::build(params, rows, ids, lists, coarse), spec, metric, rows,
                  ids, options);
}

}  // namespace tonari::detail
