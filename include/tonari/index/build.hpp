// From rows and a spec string to an index.
#pragma once

#include <algorithm>
#include <new>
#include <span>
#include <string_view>

#include <tonari/core/export.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/flat_index.hpp>
#include <tonari/index/hnsw_index.hpp>
#include <tonari/index/index.hpp>
#include <tonari/index/index_model.hpp>
#include <tonari/index/ivf_hnsw_index.hpp>
#include <tonari/index/ivf_index.hpp>
#include <tonari/index/spec.hpp>
#include <tonari/metric/metric.hpp>

namespace tonari {

/// Builds the index that `spec` names over `rows` (copied).
///
/// Spec words, separated by commas:
///   "Flat"               exact search, rows as given
///   "HNSW32"             graph with up to 64 links a row on the lowest layer and 32 above (M = 32), rows as given
///   "IVF1024,Flat"       1,024 inverted lists; a search looks at the `nprobe` nearest. About 4 sqrt(n) lists suit n rows
///   "IVF65536_HNSW32,Flat"  the same with a graph over the centroids: for many lists
///   "IVF1024_SOAR,Flat"  each row in a second list, too, so that fewer need to be looked at (lists/second_list.hpp): also
///                        "IVF65536_HNSW32_SOAR,PQ32x4fs,RFlat", whatever the lists hold but graphs. From 2 lists on, under
///                        L2, inner product and cosine
///   "IVF64,HNSW16"       lists that are searched by graphs, one each; a search walks those of the `nprobe` nearest lists, `ef`
///                        wide in all. Also "IVF65536_HNSW32,HNSW16", and with SQ8, FP16 or BF16 behind it (index/ivf_hnsw_index.hpp)
///   "...,SQ8"            float rows rounded to 8 bits a value, and queries too ("Flat,SQ8" is "SQ8"): codec/sq8.hpp
///   "...,FP16" "...,BF16"  rows stored in half precision ("Flat,FP16" is "FP16"); "SQfp16" and "SQbf16" are the same words
///   "...,SQ4"            4 bits a value and 12 bytes a row, compared with queries of 8 bits: alone, behind IVF or walked by a graph
///                        ("HNSW32,SQ4"), under L2, inner product and cosine; rows of numbers (codec/sq4.hpp)
///   "PQ32"               a byte for each of 32 parts of a row, which divide its dimensions ("PQ32x8" is the same word):
///                        alone, behind IVF or walked by a graph ("HNSW32,PQ32"), under L2, inner product and cosine (codec/pq.hpp)
///   "RaBitQ" "PQ32x4fs"  a bit a value, and 4 bits for each of 32 parts (which divide the dimensions), compared 32 rows at a
///                        time: alone or behind IVF, under L2, inner product and cosine (codec/fast_scan.hpp)
///   "RaBitQ4"            4 bits a value, of 2 to 8: compared by their signs first, then by all bits where these say that a row may
///                        be near enough (codec/rabitq.hpp)
///   "...,PQ32,RFlat" "...,RaBitQ,RFlat"  and the rows as given beside them ("R(FP16)", "R(BF16)", "R(SQ8)": as those),
///                        by which the rows are ranked that may be among the nearest (index/refined.hpp)
///   "HNSW32,SQ8,RFlat"   a graph over the rows as given, walked by their 8-bit codes, and the rows themselves (or "R(FP16)",
///                        "R(BF16)") to rank what the walk found; also "SQ8,RFlat" and behind IVF
///   "HNSW32,RaBitQ,RFlat"  a graph whose records hold a row, 1-bit codes of its neighbours and its links: walked by estimates, each
///                        expanded row compared as it is (or as "R(FP16)", "R(BF16)"). M a multiple of 16 (index/fused_hnsw.hpp)
///   "RR,..." "RR64,..."  before any of these: rows and queries turned by a random rotation, of whose values the first 64
///                        are kept
///   "PCA64,..."          projected to the 64 directions along which rows differ most (ip, cosine: of the largest products)
///   "PCAR64,..."         the same, turned at random within those: no value differs more than others, which suits "SQ8" and "SQ4"
///   "OPQ32,..." "OPQ32_64,..."  turned so that the 32 parts of a PQ fit, which need not be the PQ behind it; "_64": of the
///                        first 64 directions. Distances are of mapped rows (index/row_map.hpp), those of refined ones
///                        ("PCA64,RaBitQ,RFlat") of rows as given. A refined graph ("PCAR128,HNSW32,SQ8,RFlat") is
///                        about mapped rows; "HNSW32,RaBitQ,RFlat" takes no map. L2, inner product and cosine; any element but bits;
///                        mapped rows are held as float32 while it builds, once, and twice for a refined graph
///   "auto"               what fits the rows, some of which are looked at (index/advise.hpp); `spec()` of the index says what
///                        that was
/// ids: one per row, not negative, unique; empty: 0 ... n-1.
/// Errors: unknown words, no rows or no dimensions, non-finite values (by row and column), duplicate ids, metric and
/// element that do not go together (hamming wants bits, the others do not take them; SQ8 takes float rows alone,
/// SQ4, RaBitQ, PQ and transforms neither bits nor L1), parts that do not divide the dimensions, transforms to more
/// dimensions than rows have, PQ<parts>x4fs over fewer than 16 rows and PQ<parts> over fewer than 256; under cosine,
/// rows whose norm is below 1.1e-19 without being zeros, or that half precision turns into zeros (by row).
TONARI_API Result<Index> build(std::string_view spec, MetricKind metric, MatrixView rows, std::span<const Id> ids = {},
                               const BuildOptions& options = {});

namespace detail {
/// What the door of every build checks: the level, the rows' shape, their values, the ids.
TONARI_API Status check_build(MatrixView rows, std::span<const Id> ids, const BuildOptions& options);
/// What `text` names, "auto" for such rows, too. Throws bad_alloc.
TONARI_API Result<Spec> parse_spec_for(std::string_view text, MetricKind metric, MatrixView rows,
                                       const Threads& threads);
/// What rows are stored as. Errors: a half-precision word over integer rows.
TONARI_API Result<Element> stored_element(const Spec& spec, Element given);
/// The same for `codes`, one of the words of the spec.
TONARI_API Result<Element> stored_element(const Spec& spec, const CodeSpec& codes, Element given);
/// Whether the codec that the spec names takes such rows under that metric. Errors: unsupported, with a spec that does.
TONARI_API Status check_codec(const Spec& spec, MetricKind metric, Element given);
TONARI_API Error no_memory_to_build(MatrixView rows);

/// Any structure over one codec.
template <Codec C>
Result<Index> build_over(C codec, const Spec& spec, MatrixView rows, std::span<const Id> ids,
                         const BuildOptions& asked) {
    BuildOptions options = asked;
    options.ef_construction = std::min(options.ef_construction, rows.rows());  // more finds no more, but takes room
    if (spec.kind == IndexKind::flat) {
        auto index = FlatIndex<C>::build(std::move(codec), rows, ids, options);
        if (!index) return std::move(index).error();
        return make_index(*std::move(index));
    }
    if (spec.kind == IndexKind::ivf) {
        const IvfParams params{spec.lists, spec.coarse_links, spec.soar};
        if (spec.coarse_links > 0) {
            auto index = IvfIndex<C, GraphCoarse<C>>::build(std::move(codec), rows, ids, params, asked);
            if (!index) return std::move(index).error();
            return make_index(*std::move(index));
        }
        auto index = IvfIndex<C, FlatCoarse<C>>::build(std::move(codec), rows, ids, params, asked);
        if (!index) return std::move(index).error();
        return make_index(*std::move(index));
    }
    if (spec.kind == IndexKind::ivf_hnsw) {
        const IvfParams params{spec.lists, spec.coarse_links};
        if (spec.coarse_links > 0) {
            auto index = IvfHnswIndex<C, GraphCoarse<C>>::build(std::move(codec), rows, ids, params, spec.links, asked);
            if (!index) return std::move(index).error();
            return make_index(*std::move(index));
        }
        auto index = IvfHnswIndex<C, FlatCoarse<C>>::build(std::move(codec), rows, ids, params, spec.links, asked);
        if (!index) return std::move(index).error();
        return make_index(*std::move(index));
    }
    auto index = HnswIndex<C>::build(std::move(codec), rows, ids, spec.links, options);
    if (!index) return std::move(index).error();
    return make_index(*std::move(index));
}
}  // namespace detail

/// The same with the metric as a type: the built-in tags, or a user's own metric over float32 rows (which is compiled
/// here, into the caller's code).
template <Metric M>
Result<Index> build(std::string_view spec, M metric, MatrixView rows, std::span<const Id> ids = {},
                    const BuildOptions& options = {}) {
    if constexpr (!UserMetric<M>) {
        return build(spec, M::kind, rows, ids, options);
    } else {
        try {
            auto parsed = detail::parse_spec_for(spec, M::kind, rows, options.threads);
            if (!parsed) return std::move(parsed).error();
            if (Status s = detail::check_build(rows, ids, options); !s) return s;
            if (Status s = detail::check_codec(*parsed, M::kind, rows.element()); !s) return s;
            auto element = detail::stored_element(*parsed, rows.element());
            if (!element) return std::move(element).error();
            auto codec = Flat<M>::create(*element, rows.dim(), std::move(metric));
            if (!codec) return std::move(codec).error();
            return detail::build_over(*std::move(codec), *parsed, rows, ids, options);
        } catch (const std::bad_alloc&) {
            return detail::no_memory_to_build(rows);
        }
    }
}

}  // namespace tonari
