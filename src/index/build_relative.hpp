// From rows to an index over codes that are relative to origins, refined or not: for every such codec.
#pragma once

#include <tonari/index/registry.hpp>

#include "index/build_refined.hpp"
#include "index/relative.hpp"
#include "index/relative_models.hpp"

namespace tonari::detail {

/// What `build_fast_scan` and its like do, over codes that are trained by `params`.
template <RelativeCodec C>
Result<Index> build_over_relative(const Spec& spec, const typename C::Params& params, MatrixView rows,
                                  std::span<const Id> ids, const BuildOptions& options, const GivenRows* given) {
    const MetricKind metric = params.metric;
    if (spec.fine && given == nullptr) {
        if (Status s = check_fine(spec, metric, rows, options.threads); !s) return s;
    }
    const BuildOptions coarse = before_refinement(spec, rows, options);
    if (spec.kind == IndexKind::flat) {
        auto codec = train_relative_codec<C>(rows, params, [](RowId) { return Origin{}; });
        if (!codec) return std::move(codec).error();
        return finish(FlatIndex<C>::build(*std::move(codec), rows, ids, coarse), spec, metric, rows, ids, options,
                      given);
    }
    const IvfParams lists{spec.lists, spec.coarse_links, spec.soar};
    if (spec.coarse_links > 0) {
        return finish(IvfIndex<C, GraphCoarse<C>>::build(params, rows, ids, lists, coarse), spec, metric, rows, ids,
                      options, given);
    }
    return finish(IvfIndex<C, FlatCoarse<C>>::build(params, rows, ids, lists, coarse), spec, metric, rows, ids, options,
                  given);
}

}  // namespace tonari::detail
