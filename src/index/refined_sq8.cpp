// From rows to an index over 8-bit codes that finer ones refine, and from a file to one. The instantiations stand here, too: they
// are asked for nowhere else.
#include "index/refined_sq8.hpp"

#include <utility>

#include <tonari/codec/sq8_estimate.hpp>
#include <tonari/index/registry.hpp>

#include "index/build_graph_over.hpp"
#include "index/build_refined.hpp"

namespace tonari::detail {
namespace {

using Codes = Sq8Estimate<AnyMetric>;
using Fine = Flat<AnyMetric>;
using Scan = FlatIndex<Codes>;
using Graph = HnswIndex<Codes>;
using ByFlat = IvfIndex<Codes, FlatCoarse<Codes>>;
using ByGraph = IvfIndex<Codes, GraphCoarse<Codes>>;

template <class Inner>
Result<Index> open_as(const SectionReader& reader) {
    auto index = Refined<Inner, Fine>::open(reader);
    if (!index) return std::move(index).error();
    return make_index(*std::move(index));
}

}  // namespace

Result<Index> build_refined_sq8(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                                const BuildOptions& options, const GivenRows* given) {
    if (given == nullptr) {
        if (Status s = check_fine(spec, metric, rows, options.threads); !s) return s;
    }
    auto codes = Codes::train(rows, {metric, options.seed});
    if (!codes) return std::move(codes).error();
    const BuildOptions coarse = before_refinement(spec, rows, options);
    if (spec.kind == IndexKind::hnsw) {
        return build_graph_over(*std::move(codes), spec, metric, rows, ids, options, given);
    }
    if (spec.kind == IndexKind::flat) {
        return finish(Scan::build(*std::move(codes), rows, ids, coarse), spec, metric, rows, ids, options, given);
    }
    const IvfParams lists{spec.lists, spec.coarse_links, spec.soar};
    if (spec.coarse_links > 0) {
        return finish(ByGraph::build(*std::move(codes), rows, ids, lists, coarse), spec, metric, rows, ids, options,
                      given);
    }
    return finish(ByFlat::build(*std::move(codes), rows, ids, lists, coarse), spec, metric, rows, ids, options, given);
}

Result<Index> open_refined_sq8(const SectionReader& reader) {
    auto record = read_index_record(reader);
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
