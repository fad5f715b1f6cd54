// What every build does that ends in a refinement: the checks before it, and the finer codes behind it.
#pragma once

#include <concepts>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <tonari/codec/sq8_estimate.hpp>
#include <tonari/index/build.hpp>
#include <tonari/index/refined.hpp>
#include <tonari/index/row_check.hpp>

#include "index/given_rows.hpp"

namespace tonari::detail {

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

/// Options of the index that finds what is refined. Where a build spends its time is a guess: then finer codes are encoded.
inline BuildOptions before_refinement(const Spec& spec, MatrixView rows, const BuildOptions& options) {
    BuildOptions inner = options;
    constexpr double found = 0.95;
    if (spec.fine) inner.progress = progress_between(options.progress, rows.rows(), 0, found);
    return inner;
}

template <class Inner, class Fine>
Result<Index> refine_by(Inner inner, Result<Fine> fine, MatrixView rows, std::span<const Id> ids,
                        const BuildOptions& options, const GivenRows* given) {
    if (!fine) return std::move(fine).error();
    auto refined = Refined<Inner, Fine>::build(std::move(inner), *std::move(fine), rows, ids, options,
                                               given == nullptr ? std::nullopt : std::optional<RowMap>(given->map));
    if (!refined) return std::move(refined).error();
    return make_index(*std::move(refined));
}

/// Behind `inner`, what the spec refines by, if it does: the rows, or what they were before they were mapped.
template <class Inner>
Result<Index> finish(Result<Inner> inner, const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                     const BuildOptions& options, const GivenRows* given) {
    if (!inner) return std::move(inner).error();
    if (given != nullptr) {
        rows = given->rows;
        metric = given->metric;
    }
    if constexpr (!std::same_as<std::remove_cvref_t<decltype(inner->codec())>, Sq8Estimate<AnyMetric>>) {
        if (!spec.fine) return make_index(*std::move(inner));
        if (spec.fine->codec == CodecKind::sq8) {
            return refine_by(*std::move(inner), Sq8<AnyMetric>::train(rows, {metric, options.seed}), rows, ids, options,
                             given);
        }
    }
    const Element element = spec.fine->store_as.value_or(rows.element());
    return refine_by(*std::move(inner), Flat<AnyMetric>::create(element, rows.dim(), metric), rows, ids, options,
                     given);
}

}  // namespace tonari::detail
