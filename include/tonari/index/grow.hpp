// From a spec string to a growing index: empty, from rows, or from a frozen index.
#pragma once

#include <memory>
#include <new>
#include <span>
#include <string_view>

#include <tonari/index/build.hpp>
#include <tonari/index/growing_index.hpp>
#include <tonari/index/growing_ivf_model.hpp>
#include <tonari/index/growing_model.hpp>

namespace tonari {

/// An empty growing index for rows of `dim` dimensions. `spec` is that of a graph ("HNSW32", "HNSW16,FP16"); of `options`,
/// `ef_construction` and `seed` count. Errors: unsupported (a spec that does not grow, a metric that does not go with the
/// element, and what is trained on the rows that an index begins with: inverted lists, SQ8 under another metric than cosine),
/// invalid_argument.
TONARI_API Result<GrowingIndex> grow(std::string_view spec, MetricKind metric, Element element, Dim dim,
                                     const BuildOptions& options = {});
/// One that begins with rows, built as the frozen index is (index/build.hpp) and then copied. `spec` is that of a graph or of
/// inverted lists of codes with bytes of their own ("IVF1024,Flat", "IVF65536_HNSW32,SQ8", "IVF1024,PQ32", "IVF1024,SQ4,RFlat"), whose
/// centroids and codewords stay those of these rows; "RFlat", "R(FP16)" and "R(BF16)" go with SQ4 and PQ<parts>.
TONARI_API Result<GrowingIndex> grow(std::string_view spec, MetricKind metric, MatrixView rows,
                                     std::span<const Id> ids = {}, const BuildOptions& options = {});
/// One that begins as a copy of a frozen graph or of frozen lists, also of one from a file. Errors: unsupported (another index,
/// or one over a metric as a type), corrupt (a link or an id that lies, in a file that was not verified), out_of_memory.
TONARI_API Result<GrowingIndex> grow(const Index& frozen, const BuildOptions& options = {});

namespace detail {
/// A spec that grows, and options that fit.
TONARI_API Result<Spec> growing_spec(std::string_view text, const BuildOptions& options);

template <Codec C>
Result<GrowingIndex> grow_empty(C codec, const Spec& spec, const BuildOptions& options) try {
    auto index = std::make_shared<GrowingHnsw<C>>(std::move(codec), spec.links, options);
    return GrowingIndex(std::make_shared<GrowingModelOf<C>>(std::move(index)));
} catch (const std::bad_alloc&) {
    return Error{ErrorCode::out_of_memory, "no memory for an empty index"};
}
template <Codec C>
Result<GrowingIndex> grow_from(const HnswIndex<C>& frozen, const BuildOptions& options) try {
    auto index = thaw(frozen, options);
    if (!index) return std::move(index).error();
    return GrowingIndex(std::make_shared<GrowingModelOf<C>>(*std::move(index)));
} catch (const std::bad_alloc&) {
    return Error{ErrorCode::out_of_memory, "no memory for a growing index"};
}
template <Codec C, SearchIndex Coarse>
Result<GrowingIndex> grow_from(const IvfIndex<C, Coarse>& frozen) try {
    auto index = thaw(frozen);
    if (!index) return std::move(index).error();
    return GrowingIndex(std::make_shared<GrowingIvfModel<C, Coarse>>(*std::move(index)));
} catch (const std::bad_alloc&) {
    return Error{ErrorCode::out_of_memory, "no memory for a growing index"};
}
template <Codec C, SearchIndex Coarse, Codec Fine>
Result<GrowingIndex> grow_from(const Refined<IvfIndex<C, Coarse>, Fine>& frozen) try {
    auto index = thaw(frozen);
    if (!index) return std::move(index).error();
    return GrowingIndex(std::make_shared<GrowingIvfModel<C, Coarse, Fine>>(*std::move(index)));
} catch (const std::bad_alloc&) {
    return Error{ErrorCode::out_of_memory, "no memory for a growing index"};
}
/// Lists begin with rows.
TONARI_API Status check_begins_empty(std::string_view text, const Spec& spec);
/// The lists about centroids that are compared one and all, or by a graph.
template <SearchIndex Coarse, Codec C>
Result<GrowingIndex> grow_lists(C codec, const Spec& spec, MatrixView rows, std::span<const Id> ids,
                                const BuildOptions& options) {
    auto frozen = IvfIndex<C, Coarse>::build(std::move(codec), rows, ids, {spec.lists, spec.coarse_links}, options);
    if (!frozen) return std::move(frozen).error();
    return grow_from(*frozen);
}
}  // namespace detail

/// The same with the metric as a type: a tag, or a user's own metric over float32 rows.
template <Metric M>
Result<GrowingIndex> grow(std::string_view spec, M metric, Element element, Dim dim, const BuildOptions& options = {}) {
    if constexpr (!UserMetric<M>) {
        return grow(spec, M::kind, element, dim, options);
    } else {
        auto parsed = detail::growing_spec(spec, options);
        if (!parsed) return std::move(parsed).error();
        if (Status s = detail::check_codec(*parsed, M::kind, element); !s) return s;
        if (Status s = detail::check_begins_empty(spec, *parsed); !s) return s;
        auto stored = detail::stored_element(*parsed, element);
        if (!stored) return std::move(stored).error();
        auto codec = Flat<M>::create(*stored, dim, std::move(metric));
        if (!codec) return std::move(codec).error();
        return detail::grow_empty(*std::move(codec), *parsed, options);
    }
}
template <Metric M>
Result<GrowingIndex> grow(std::string_view spec, M metric, MatrixView rows, std::span<const Id> ids = {},
                          const BuildOptions& options = {}) {
    if constexpr (!UserMetric<M>) {
        return grow(spec, M::kind, rows, ids, options);
    } else {
        auto parsed = detail::growing_spec(spec, options);
        if (!parsed) return std::move(parsed).error();
        if (Status s = detail::check_build(rows, ids, options); !s) return s;
        if (Status s = detail::check_codec(*parsed, M::kind, rows.element()); !s) return s;
        auto stored = detail::stored_element(*parsed, rows.element());
        if (!stored) return std::move(stored).error();
        auto codec = Flat<M>::create(*stored, rows.dim(), std::move(metric));
        if (!codec) return std::move(codec).error();
        try {
            if (parsed->kind == IndexKind::ivf) {
                return parsed->coarse_links > 0
                           ? detail::grow_lists<GraphCoarse<Flat<M>>>(*std::move(codec), *parsed, rows, ids, options)
                           : detail::grow_lists<FlatCoarse<Flat<M>>>(*std::move(codec), *parsed, rows, ids, options);
            }
            BuildOptions within = options;
            within.ef_construction = std::min(options.ef_construction, rows.rows());
            auto frozen = HnswIndex<Flat<M>>::build(*std::move(codec), rows, ids, parsed->links, within);
            if (!frozen) return std::move(frozen).error();
            return detail::grow_from(*frozen, options);
        } catch (const std::bad_alloc&) {
            return detail::no_memory_to_build(rows);
        }
    }
}

}  // namespace tonari
