// From rows to an index over codes of 4 bits a value.
#include "index/build_graph_over.hpp"
#include "index/build_relative.hpp"

namespace tonari::detail {

Result<Index> build_sq4(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                        const BuildOptions& options, const GivenRows* given) {
    const Sq4Params params{metric, options.seed, options.threads};
    if (Status s = Sq4::check(params); !s) return s;
    if (spec.kind == IndexKind::hnsw) return build_graph_of_codes<Sq4>(spec, params, rows, ids, options, given);
    return build_over_relative<Sq4>(spec, params, rows, ids, options, given);
}

}  // namespace tonari::detail
