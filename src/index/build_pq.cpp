// From rows to an index over codes of a byte a part.
#include "index/build_graph_over.hpp"
#include "index/build_relative.hpp"

namespace tonari::detail {

Result<Index> build_pq(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                       const BuildOptions& options, const GivenRows* given) {
    const PqParams params{metric, spec.parts, options.seed, options.threads};
    if (Status s = Pq::check(rows.rows(), rows.dim(), params); !s) return s;
    if (spec.kind == IndexKind::hnsw) return build_graph_of_codes<Pq>(spec, params, rows, ids, options, given);
    return build_over_relative<Pq>(spec, params, rows, ids, options, given);
}

}  // namespace tonari::detail
