// The run-time instantiations over codes of 4 bits a part, refined and not, and how they are opened.
#include <tonari/index/fused_hnsw.hpp>

#include "index/open_relative.hpp"

namespace tonari {

template class FlatIndex<FastScan>;
template class IvfIndex<FastScan, FlatIndex<Flat<AnyMetric>>>;
template class IvfIndex<FastScan, HnswIndex<Flat<AnyMetric>>>;
TONARI_MODELS_OF(, FlatIndex<FastScan>)
TONARI_MODELS_OF(, FastScanByFlat)
TONARI_MODELS_OF(, FastScanByGraph)

Result<Index> detail::open_fast_scan(const SectionReader& reader) {
    auto record = read_index_record(reader);
    if (!record) return std::move(record).error();
    const bool graph = record->inner == static_cast<std::uint8_t>(IndexKind::hnsw);
    if (graph && record->kind == static_cast<std::uint8_t>(IndexKind::refined)) return open_as<FusedHnsw>(reader);
    return open_relative<FastScan>(reader, "codes of 4 bits");
}

}  // namespace tonari
