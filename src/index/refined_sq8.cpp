// From rows to an index over 8-bit codes that finer ones refine, and from a file to one. The instantiations stand here, too: they
// are asked for nowhere else.
#include "index/refined_sq8.hpp"

#include <algorithm>
#include <utility>

#include <tonari/codec/sq8_estimate.hpp>
#include <tonari/index/registry.hpp>

#include "index/build_refined.hpp"

namespace tonari::detail {
namespace {

using Codes = Sq8Estimate<AnyMetric>;
using Fine = Flat<AnyMetric>;
using Scan = FlatIndex<Codes>;
using Graph = HnswIndex<Codes>;
using ByFlat = IvfIndex<Codes, FlatCoarse<Codes>>;
using ByGraph = IvfIndex<Codes, GraphCoarse<Codes>>;

/// A graph over the rows as given, walked over their codes. It lends its rows to refine by where they are stored as given, too.
Result<Index> build_graph(Codes codes, Fine fine, const Spec& spec, MatrixView rows, std::span<const Id> ids,
                          const BuildOptions& asked) {
    BuildOptions options = asked;
    options.ef_construction = std::min(options.ef_construction, rows.rows());  // more finds no more, but takes room
    auto as_given = Fine::create(rows.element(), rows.dim(), fine.metric_kind());
    if (!as_given) return std::move(as_given).error();
    auto built = HnswIndex<Fine>::build(*std::move(as_given), rows, ids, spec.links, options);
    if (!built) return std::move(built).error();
    auto graph = Graph::over(*built, std::move(codes), options.threads);
    if (!graph) return std::move(graph).error();
    if (fine.element() == rows.element()) {
        return make_index(Refined<Graph, Fine>::over(*std::move(graph), built->rows()));
    }
    auto finer = StoredRows<Fine>::encode_codes(fine, built->rows().view(), options.threads);
    if (!finer) return std::move(finer).error();
    StoredRows<Fine> stored(std::move(fine), *std::move(finer), graph->ids());
    return make_index(Refined<Graph, Fine>::over(*std::move(graph), std::move(stored)));
}

template <class Inner>
Result<Index> open_as(const SectionReader& reader) {
    auto index = Refined<Inner, Fine>::open(reader);
    if (!index) return std::move(index).error();
    return make_index(*std::move(index));
}

}  // namespace

Result<Index> build_refined_sq8(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                                const BuildOptions& options) {
    if (Status s = check_fine(spec, metric, rows, options.threads); !s) return s;
    auto codes = Codes::train(rows, {metric, options.seed});
    if (!codes) return std::move(codes).error();
    const BuildOptions coarse = before_refinement(spec, rows, options);
    if (spec.kind == IndexKind::hnsw) {
        auto fine = Fine::create(spec.fine->store_as.value_or(rows.element()), rows.dim(), metric);
        if (!fine) return std::move(fine).error();
        return build_graph(*std::move(codes), *std::move(fine), spec, rows, ids, options);
    }
    if (spec.kind == IndexKind::flat) {
        return finish(Scan::build(*std::move(codes), rows, ids, coarse), spec, metric, rows, ids, options);
    }
    const IvfParams lists{spec.lists, spec.coarse_links};
    if (spec.coarse_links > 0) {
        return finish(ByGraph::build(*std::move(codes), rows, ids, lists, coarse), spec, metric, rows, ids, options);
    }
    return finish(ByFlat::build(*std::move(codes), rows, ids, lists, coarse), spec, metric, rows, ids, options);
}

Result<Index> open_refined_sq8(const SectionReader& reader) {
    auto record = reader.record<IndexRecord>("index", 1);
    if (!record) return std::move(record).error();
    if (record->inner == static_cast<std::uint8_t>(IndexKind::flat)) return open_as<Scan>(reader);
    if (record->inner == static_cast<std::uint8_t>(IndexKind::hnsw)) return open_as<Graph>(reader);
    if (record->inner == static_cast<std::uint8_t>(IndexKind::ivf)) {
        return reader.within("coarse").has("layers") ? open_as<ByGraph>(reader) : open_as<ByFlat>(reader);
    }
    return Error{ErrorCode::unsupported,
                 "expected refined 8-bit codes in an index of kind 1 (flat), 2 (hnsw) or 3 (ivf), got kind " +
                     std::to_string(record->inner) + "; a newer version of the library may have written it"};
}

}  // namespace tonari::detail
