// The run-time instantiations over codes of a byte a part, refined and not, and how they are opened.
#include "index/open_relative.hpp"

namespace tonari {

template class FlatIndex<Pq>;
template class IvfIndex<Pq, FlatIndex<Flat<AnyMetric>>>;
template class IvfIndex<Pq, HnswIndex<Flat<AnyMetric>>>;

Result<Index> detail::open_pq(const SectionReader& reader) {
    auto record = read_index_record(reader);
    if (!record) return std::move(record).error();
    if (record->kind == static_cast<std::uint8_t>(IndexKind::hnsw)) return open_as<HnswIndex<Pq>>(reader);
    if (record->inner == static_cast<std::uint8_t>(IndexKind::hnsw)) return open_refined<HnswIndex<Pq>>(reader);
    return open_relative<Pq>(reader, "codes of PQ");
}

}  // namespace tonari
