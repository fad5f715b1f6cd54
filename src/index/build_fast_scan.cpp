// From rows to an index over codes of 4 bits a part.
#include "index/build_relative.hpp"

namespace tonari::detail {

Result<Index> build_fast_scan(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                              const BuildOptions& options, const GivenRows* given) {
    const FastScanParams params{metric, spec.parts, options.seed, options.threads};
    if (Status s = FastScan::check(rows.dim(), params); !s) return s;
    return build_over_relative<FastScan>(spec, params, rows, ids, options, given);
}

}  // namespace tonari::detail
