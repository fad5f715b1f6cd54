// The run-time instantiations over codes of 4 bits a part, refined and not, and how they are opened.
#include <tonari/index/registry.hpp>

#include "index/fast_scan.hpp"

namespace tonari {

template class FlatIndex<FastScan>;
template class IvfIndex<FastScan, FlatIndex<Flat<AnyMetric>>>;
template class IvfIndex<FastScan, HnswIndex<Flat<AnyMetric>>>;

namespace {

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

}  // namespace

Result<Index> detail::open_fast_scan(const SectionReader& reader) {
    auto record = read_index_record(reader);
    if (!record) return std::move(record).error();
    const bool refined = record->kind == static_cast<std::uint8_t>(IndexKind::refined);
    const std::uint8_t kind = refined ? record->inner : record->kind;
    if (kind == static_cast<std::uint8_t>(IndexKind::flat)) {
        return refined ? open_refined<FlatIndex<FastScan>>(reader) : open_as<FlatIndex<FastScan>>(reader);
    }
    if (kind == static_cast<std::uint8_t>(IndexKind::ivf)) {
        using ByFlat = IvfIndex<FastScan, FlatCoarse<FastScan>>;
        using ByGraph = IvfIndex<FastScan, GraphCoarse<FastScan>>;
        if (reader.within("coarse").has("layers")) {
            return refined ? open_refined<ByGraph>(reader) : open_as<ByGraph>(reader);
        }
        return refined ? open_refined<ByFlat>(reader) : open_as<ByFlat>(reader);
    }
    return Error{ErrorCode::unsupported, "expected codes of 4 bits in an index of kind 1 (flat) or 3 (ivf), got kind " +
                                             std::to_string(kind) +
                                             "; a newer version of the library may have written it"};
}

}  // namespace tonari
