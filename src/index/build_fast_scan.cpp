// From rows to an index over codes of 4 bits a part, refined or not.
#include <tonari/codec/sq8.hpp>
#include <tonari/index/build.hpp>
#include <tonari/index/registry.hpp>
#include <tonari/index/row_check.hpp>

#include "index/fast_scan.hpp"

namespace tonari::detail {
namespace {

template <class Inner, class Fine>
Result<Index> refine_by(Inner inner, Result<Fine> fine, MatrixView rows, std::span<const Id> ids,
                        const BuildOptions& options, const GivenRows* given) {
    if (!fine) return std::move(fine).error();
    auto refined = Refined<Inner, Fine>::build(std::move(inner), *std::move(fine), rows, ids, options,
                                               given == nullptr ? std::nullopt : std::optional<RowMap>(given->map));
    if (!refined) return std::move(refined).error();
    return make_index(*std::move(refined));
}

/// Behind it, what the spec refines by.
template <class Inner>
Result<Index> finish(Result<Inner> inner, const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                     const BuildOptions& options, const GivenRows* given) {
    if (!inner) return std::move(inner).error();
    if (!spec.fine) return make_index(*std::move(inner));
    if (given != nullptr) {
        rows = given->rows;
        metric = given->metric;
    }
    if (spec.fine->codec == CodecKind::sq8) {
        return refine_by(*std::move(inner), Sq8<AnyMetric>::train(rows, {metric, options.seed}), rows, ids, options,
                         given);
    }
    const Element element = spec.fine->store_as.value_or(rows.element());
    return refine_by(*std::move(inner), Flat<AnyMetric>::create(element, rows.dim(), metric), rows, ids, options,
                     given);
}

}  // namespace

Status check_fine(const Spec& spec, MetricKind metric, MatrixView rows, const Threads& threads) {
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

Result<Index> build_fast_scan(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                              const BuildOptions& options, const GivenRows* given) {
    if (spec.fine && given == nullptr) {
        if (Status s = check_fine(spec, metric, rows, options.threads); !s) return s;
    }
    constexpr double found =
        0.95;  // what rows are found by, as a share of the time: a guess; then the finer ones are encoded
    BuildOptions coarse = options;
    if (spec.fine) coarse.progress = progress_between(options.progress, rows.rows(), 0, found);
    const FastScanParams params{metric, spec.parts, options.seed, options.threads};
    if (spec.kind == IndexKind::flat) {
        auto codec = train_block_codec<FastScan>(rows, params, [](RowId) { return Origin{}; });
        if (!codec) return std::move(codec).error();
        return finish(FlatIndex<FastScan>::build(*std::move(codec), rows, ids, coarse), spec, metric, rows, ids,
                      options, given);
    }
    const IvfParams lists{spec.lists, spec.coarse_links};
    if (spec.coarse_links > 0) {
        return finish(IvfIndex<FastScan, GraphCoarse<FastScan>>::build(params, rows, ids, lists, coarse), spec, metric,
                      rows, ids, options, given);
    }
    return finish(IvfIndex<FastScan, FlatCoarse<FastScan>>::build(params, rows, ids, lists, coarse), spec, metric, rows,
                  ids, options, given);
}

}  // namespace tonari::detail
