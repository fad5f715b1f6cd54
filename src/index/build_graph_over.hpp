// A graph over rows as they were given, walked over codes of them: what the links are about, no code has rounded.
#pragma once

#include <algorithm>
#include <concepts>
#include <span>
#include <type_traits>
#include <utility>

#include <tonari/codec/sq8_estimate.hpp>
#include <tonari/index/distinct_rows.hpp>
#include <tonari/index/hnsw_index.hpp>
#include <tonari/index/index_model.hpp>
#include <tonari/index/refined.hpp>
#include <tonari/index/spec.hpp>
#include <tonari/index/train_relative.hpp>

#include "index/build_refined.hpp"

namespace tonari::detail {

/// Ranked by what the spec refines by, if it does: the graph lends its rows where they are stored as given. `codes` were trained
/// on `rows`, which are mapped where `given` says from what: then the graph is about mapped rows, too, with a vertex for each row
/// that differs as given.
template <class Codes>
Result<Index> build_graph_over(Codes codes, const Spec& spec, MetricKind metric, MatrixView rows,
                               std::span<const Id> ids, const BuildOptions& asked, const GivenRows* given) {
    using AsGiven = Flat<AnyMetric>;
    using Graph = HnswIndex<Codes>;
    BuildOptions options = asked;
    constexpr double linked = 0.95;  // as a share of the time, a guess: then codes are made of the rows
    options.progress = progress_between(asked.progress, rows.rows(), 0, linked);
    options.ef_construction = std::min(options.ef_construction, rows.rows());  // more finds no more, but takes room
    auto as_given = AsGiven::create(rows.element(), rows.dim(), metric);
    if (!as_given) return std::move(as_given).error();
    if (given != nullptr) {
        const auto before = AsGiven::create(given->rows.element(), given->rows.dim(), given->metric);
        if (!before) return before.error();
        const DistinctRows distinct = find_distinct_rows(*before, given->rows, options.threads);
        const auto walked_over = [&]() -> Result<Graph> {
            auto built = HnswIndex<AsGiven>::build(*std::move(as_given), rows, ids, spec.links, options, distinct);
            if (!built) return std::move(built).error();
            return Graph::over(*built, std::move(codes), options.threads);
        };
        return finish(walked_over(), spec, metric, rows, ids, asked, given);
    }
    auto built = HnswIndex<AsGiven>::build(*std::move(as_given), rows, ids, spec.links, options);
    if (!built) return std::move(built).error();
    auto graph = Graph::over(*built, std::move(codes), options.threads);
    if (!graph) return std::move(graph).error();
    if (asked.progress) asked.progress(rows.rows(), rows.rows());
    if (!spec.fine) return make_index(*std::move(graph));

    const auto refine_by = [&](auto fine) -> Result<Index> {
        using Fine = std::remove_cvref_t<decltype(*fine)>;
        if (!fine) return std::move(fine).error();
        auto finer = StoredRows<Fine>::encode_codes(*fine, built->rows().view(), options.threads);
        if (!finer) return std::move(finer).error();
        StoredRows<Fine> stored(*std::move(fine), *std::move(finer), graph->ids());
        return make_index(Refined<Graph, Fine>::over(*std::move(graph), std::move(stored)));
    };
    if constexpr (!std::same_as<Codes, Sq8Estimate<AnyMetric>>) {
        if (spec.fine->codec == CodecKind::sq8) return refine_by(Sq8<AnyMetric>::train(rows, {metric, options.seed}));
    }
    const Element element = spec.fine->store_as.value_or(rows.element());
    if (element == rows.element()) {
        return make_index(Refined<Graph, AsGiven>::over(*std::move(graph), built->rows()));
    }
    return refine_by(AsGiven::create(element, rows.dim(), metric));
}

/// The same over codes that are relative to their middle and trained by `params`.
template <RelativeCodec C>
Result<Index> build_graph_of_codes(const Spec& spec, const typename C::Params& params, MatrixView rows,
                                   std::span<const Id> ids, const BuildOptions& options, const GivenRows* given) {
    if (spec.fine && given == nullptr) {
        if (Status s = check_fine(spec, params.metric, rows, options.threads); !s) return s;
    }
    auto codec = train_relative_codec<C>(rows, params, [](RowId) { return Origin{}; });
    if (!codec) return std::move(codec).error();
    return build_graph_over(*std::move(codec), spec, params.metric, rows, ids, options, given);
}

}  // namespace tonari::detail
