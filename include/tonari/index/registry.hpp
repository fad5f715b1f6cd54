// The kinds of index that a file can hold, and how each is opened. A structure is instantiated once over each run-time
// codec, whose scorer serves every built-in metric and element.
#pragma once

#include <cstdint>
#include <string>

#include <tonari/codec/fast_scan.hpp>
#include <tonari/codec/pq.hpp>
#include <tonari/codec/rabitq.hpp>
#include <tonari/codec/sq4.hpp>
#include <tonari/codec/sq8.hpp>
#include <tonari/core/export.hpp>
#include <tonari/index/flat_index.hpp>
#include <tonari/index/hnsw_index.hpp>
#include <tonari/index/index_model.hpp>
#include <tonari/index/ivf_hnsw_index.hpp>
#include <tonari/index/ivf_index.hpp>
#include <tonari/index/refined.hpp>

namespace tonari {

extern template class FlatIndex<Flat<AnyMetric>>;
extern template class HnswIndex<Flat<AnyMetric>>;
extern template class IvfIndex<Flat<AnyMetric>, FlatIndex<Flat<AnyMetric>>>;
extern template class IvfIndex<Flat<AnyMetric>, HnswIndex<Flat<AnyMetric>>>;
extern template class IndexModelOf<FlatIndex<Flat<AnyMetric>>>;
extern template class IndexModelOf<HnswIndex<Flat<AnyMetric>>>;
extern template class IndexModelOf<IvfIndex<Flat<AnyMetric>, FlatIndex<Flat<AnyMetric>>>>;
extern template class IndexModelOf<IvfIndex<Flat<AnyMetric>, HnswIndex<Flat<AnyMetric>>>>;

extern template class FlatIndex<Sq8<AnyMetric>>;
extern template class HnswIndex<Sq8<AnyMetric>>;
extern template class IvfIndex<Sq8<AnyMetric>, FlatIndex<Flat<AnyMetric>>>;
extern template class IvfIndex<Sq8<AnyMetric>, HnswIndex<Flat<AnyMetric>>>;
extern template class IndexModelOf<FlatIndex<Sq8<AnyMetric>>>;
extern template class IndexModelOf<HnswIndex<Sq8<AnyMetric>>>;
extern template class IndexModelOf<IvfIndex<Sq8<AnyMetric>, FlatIndex<Flat<AnyMetric>>>>;
extern template class IndexModelOf<IvfIndex<Sq8<AnyMetric>, HnswIndex<Flat<AnyMetric>>>>;

extern template class IvfHnswIndex<Flat<AnyMetric>, FlatIndex<Flat<AnyMetric>>>;
extern template class IvfHnswIndex<Flat<AnyMetric>, HnswIndex<Flat<AnyMetric>>>;
extern template class IndexModelOf<IvfHnswIndex<Flat<AnyMetric>, FlatIndex<Flat<AnyMetric>>>>;
extern template class IndexModelOf<IvfHnswIndex<Flat<AnyMetric>, HnswIndex<Flat<AnyMetric>>>>;
extern template class IvfHnswIndex<Sq8<AnyMetric>, FlatIndex<Flat<AnyMetric>>>;
extern template class IvfHnswIndex<Sq8<AnyMetric>, HnswIndex<Flat<AnyMetric>>>;
extern template class IndexModelOf<IvfHnswIndex<Sq8<AnyMetric>, FlatIndex<Flat<AnyMetric>>>>;
extern template class IndexModelOf<IvfHnswIndex<Sq8<AnyMetric>, HnswIndex<Flat<AnyMetric>>>>;

extern template class FlatIndex<FastScan>;
extern template class IvfIndex<FastScan, FlatIndex<Flat<AnyMetric>>>;
extern template class IvfIndex<FastScan, HnswIndex<Flat<AnyMetric>>>;

extern template class FlatIndex<Pq>;
extern template class IvfIndex<Pq, FlatIndex<Flat<AnyMetric>>>;
extern template class IvfIndex<Pq, HnswIndex<Flat<AnyMetric>>>;
extern template class FlatIndex<Sq4>;
extern template class IvfIndex<Sq4, FlatIndex<Flat<AnyMetric>>>;
extern template class IvfIndex<Sq4, HnswIndex<Flat<AnyMetric>>>;
extern template class FlatIndex<RaBitQ>;
extern template class IvfIndex<RaBitQ, FlatIndex<Flat<AnyMetric>>>;
extern template class IvfIndex<RaBitQ, HnswIndex<Flat<AnyMetric>>>;

/// The section that says what the rest of the file is.
struct IndexRecord {
    std::uint8_t kind;       ///< IndexKind
    std::uint8_t inner;      ///< refined: of the index that finds; transformed: of the one behind the map
    std::uint8_t innermost;  ///< transformed and refined: of the index that finds
    std::uint8_t reserved[5];
};

/// The record without the transform, which is there where there is a section of that name. Errors: corrupt, where the
/// two disagree.
TONARI_API Result<IndexRecord> read_index_record(const SectionReader& reader);

/// Opens the index that the sections hold, over `codec`, which was opened from them.
template <Codec C>
Result<Index> open_index(const SectionReader& reader, C codec) {
    auto record = read_index_record(reader);
    if (!record) return std::move(record).error();
    if (record->kind == static_cast<std::uint8_t>(IndexKind::flat)) {
        auto index = FlatIndex<C>::open(reader, std::move(codec));
        if (!index) return std::move(index).error();
        return make_index(*std::move(index));
    }
    if (record->kind == static_cast<std::uint8_t>(IndexKind::hnsw)) {
        auto index = HnswIndex<C>::open(reader, std::move(codec));
        if (!index) return std::move(index).error();
        return make_index(*std::move(index));
    }
    if (record->kind == static_cast<std::uint8_t>(IndexKind::ivf)) {
        if (reader.within("coarse").has("layers")) {
            auto index = IvfIndex<C, GraphCoarse<C>>::open(reader, std::move(codec));
            if (!index) return std::move(index).error();
            return make_index(*std::move(index));
        }
        auto index = IvfIndex<C, FlatCoarse<C>>::open(reader, std::move(codec));
        if (!index) return std::move(index).error();
        return make_index(*std::move(index));
    }
    if (record->kind == static_cast<std::uint8_t>(IndexKind::ivf_hnsw)) {
        if (reader.within("coarse").has("layers")) {
            auto index = IvfHnswIndex<C, GraphCoarse<C>>::open(reader, std::move(codec));
            if (!index) return std::move(index).error();
            return make_index(*std::move(index));
        }
        auto index = IvfHnswIndex<C, FlatCoarse<C>>::open(reader, std::move(codec));
        if (!index) return std::move(index).error();
        return make_index(*std::move(index));
    }
    return Error{ErrorCode::unsupported,
                 "expected an index of kind 1 (flat), 2 (hnsw), 3 (ivf) or 6 (ivf of graphs), got kind " +
                     std::to_string(record->kind) + "; a newer version of the library may have written it"};
}

/// The same for every run-time codec: which one it is, the file's sections tell.
TONARI_API Result<Index> open_index(const SectionReader& reader);
/// Writes the record and the index's own sections.
TONARI_API Status save_index(SectionWriter& writer, const Index& index);

}  // namespace tonari
