// From rows to an index over codes of 4 bits a part, refined or not.
#include "index/build_blocks.hpp"
#include "index/fast_scan.hpp"

namespace tonari::detail {

Result<Index> build_fast_scan(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                              const BuildOptions& options) {
    return build_blocks<FastScan>({metric, spec.parts, options.seed, options.threads}, spec, metric, rows, ids,
                                  options);
}

}  // namespace tonari::detail
