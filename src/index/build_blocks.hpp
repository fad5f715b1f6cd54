// From rows to an index over codes that lie in blocks, refined or not: one function for each codec instantiates it.
#pragma once

#include <tonari/codec/sq8.hpp>
#include <tonari/index/build.hpp>
#include <tonari/index/registry.hpp>
#include <tonari/index/row_check.hpp>

namespace tonari::detail {

template <class Inner, class Fine>
Result<Index> refine_by(Inner inner, Result<Fine> fine, MatrixView rows, std::span<const Id> ids,
                        const BuildOptions& options) {
    if (!fine) return std::move(fine).error();
    auto refined = Refined<Inner, Fine>::build(std::move(inner), *std::move(fine), rows, ids, options);
    if (!refined) return std::move(refined).error();
    return make_index(*std::move(refined));
}

/// Behind it, what the spec refines by.
template <class Inner>
Result<Index> finish(Result<Inner> inner, const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                     const BuildOptions& options) {
    if (!inner) return std::move(inner).error();
    if (!spec.fine) return make_index(*std::move(inner));
    if (spec.fine->codec == CodecKind::sq8) {
        return refine_by(*std::move(inner), Sq8<AnyMetric>::train(rows, {metric, options.seed}), rows, ids, options);
    }
    const Element element = spec.fine->store_as.value_or(rows.element());
    return refine_by(*std::move(inner), Flat<AnyMetric>::create(element, rows.dim(), metric), rows, ids, options);
}

/// Whether the finer codes take the rows: asked before anything is built.
inline Status check_fine(const Spec& spec, MetricKind metric, MatrixView rows, const Threads& threads) {
    if (spec.fine->codec == CodecKind::sq8) {
        if (Sq8<>::takes(rows.element())) return {};
        return Error{ErrorCode::unsupported,
                     "spec '" + to_string(spec) +
                         "': expected float32, float16 or bfloat16 rows to round to 8 bits, got " +
                         std::string(name(rows.element())) + "; refine them by RFlat"};
    }
    auto element = stored_element(spec, *spec.fine, rows.element());
    if (!element) return std::move(element).error();
    if (Status s = check_storable(rows, *element, threads); !s) return s;
    return metric == MetricKind::cosine ? check_direction(rows, *element, "rows", threads) : Status{};
}

/// Rows, ids and options were checked as for every build, and that the codec takes them (`check_codec`). Throws bad_alloc.
template <BlockCodec C>
Result<Index> build_blocks(const typename C::Params& params, const Spec& spec, MetricKind metric, MatrixView rows,
                           std::span<const Id> ids, const BuildOptions& options) {
    if (spec.fine) {
        if (Status s = check_fine(spec, metric, rows, options.threads); !s) return s;
    }
    constexpr double found =
        0.95;  // what rows are found by, as a share of the time: a guess; then the finer ones are encoded
    BuildOptions coarse = options;
    if (spec.fine) coarse.progress = progress_between(options.progress, rows.rows(), 0, found);
    if (spec.kind == IndexKind::flat) {
        auto codec = train_block_codec<C>(rows, params, [](RowId) { return Origin{}; });
        if (!codec) return std::move(codec).error();
        return finish(FlatIndex<C>::build(*std::move(codec), rows, ids, coarse), spec, metric, rows, ids, options);
    }
    const IvfParams lists{spec.lists, spec.coarse_links};
    if (spec.coarse_links > 0) {
        return finish(IvfIndex<C, GraphCoarse<C>>::build(params, rows, ids, lists, coarse), spec, metric, rows, ids,
                      options);
    }
    return finish(IvfIndex<C, FlatCoarse<C>>::build(params, rows, ids, lists, coarse), spec, metric, rows, ids,
                  options);
}

}  // namespace tonari::detail
