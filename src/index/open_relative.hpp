// How an index over codes that are relative to origins is opened, refined or not: for every such codec.
#pragma once

#include <string>

#include <tonari/index/registry.hpp>

#include "index/relative.hpp"
#include "index/relative_models.hpp"

namespace tonari::detail {

template <class I>
Result<Index> open_as(const SectionReader& reader) {
    auto index = I::open(reader);
    if (!index) return std::move(index).error();
    return make_index(*std::move(index));
}

template <class I>
Result<Index> open_refined(const SectionReader& reader) {
    if (reader.within("fine").has("sq8")) return open_as<Refined<I, Sq8<AnyMetric>>>(reader);
    return open_as<Refined<I, Flat<AnyMetric>>>(reader);
}

/// `codes`: what they are called in an error.
template <RelativeCodec C>
Result<Index> open_relative(const SectionReader& reader, const std::string& codes) {
    auto record = read_index_record(reader);
    if (!record) return std::move(record).error();
    const bool refined = record->kind == static_cast<std::uint8_t>(IndexKind::refined);
    const std::uint8_t kind = refined ? record->inner : record->kind;
    if (kind == static_cast<std::uint8_t>(IndexKind::flat)) {
        return refined ? open_refined<FlatIndex<C>>(reader) : open_as<FlatIndex<C>>(reader);
    }
    if (kind == static_cast<std::uint8_t>(IndexKind::ivf)) {
        using ByFlat = IvfIndex<C, FlatCoarse<C>>;
        using ByGraph = IvfIndex<C, GraphCoarse<C>>;
        if (reader.within("coarse").has("layers")) {
            return refined ? open_refined<ByGraph>(reader) : open_as<ByGraph>(reader);
        }
        return refined ? open_refined<ByFlat>(reader) : open_as<ByFlat>(reader);
    }
    return Error{ErrorCode::unsupported, "expected " + codes + " in an index of kind 1 (flat) or 3 (ivf), got kind " +
                                             std::to_string(kind) +
                                             "; a newer version of the library may have written it"};
}

/// The same of codes that graphs walk, too.
template <RelativeCodec C>
Result<Index> open_relative_or_graph(const SectionReader& reader, const std::string& codes) {
    auto record = read_index_record(reader);
    if (!record) return std::move(record).error();
    if (record->kind == static_cast<std::uint8_t>(IndexKind::hnsw)) return open_as<HnswIndex<C>>(reader);
    if (record->inner == static_cast<std::uint8_t>(IndexKind::hnsw)) return open_refined<HnswIndex<C>>(reader);
    return open_relative<C>(reader, codes);
}

}  // namespace tonari::detail
