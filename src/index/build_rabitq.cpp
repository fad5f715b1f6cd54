// From rows to an index over codes of 2 to 8 bits a value.
#include "index/build_relative.hpp"

namespace tonari::detail {

Result<Index> build_rabitq(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                           const BuildOptions& options, const GivenRows* given) {
    const RaBitQParams params{metric, spec.bits, options.seed, options.threads};
    if (Status s = RaBitQ::check(rows.dim(), params); !s) return s;
    return build_over_relative<RaBitQ>(spec, params, rows, ids, options, given);
}

}  // namespace tonari::detail
