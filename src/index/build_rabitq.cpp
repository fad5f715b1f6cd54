// From rows to an index over codes of 2 to 8 bits a value, refined or not.
#include "index/build_blocks.hpp"
#include "index/rabitq.hpp"

namespace tonari::detail {

Result<Index> build_rabitq(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                           const BuildOptions& options) {
    return build_blocks<RaBitQ>({metric, spec.bits, options.seed, options.threads}, spec, metric, rows, ids, options);
}

}  // namespace tonari::detail
