// The run-time instantiations over codes of a byte a part, refined and not, and how they are opened.
#include "index/open_relative.hpp"

namespace tonari {

template class FlatIndex<Pq>;
template class IvfIndex<Pq, FlatIndex<Flat<AnyMetric>>>;
template class IvfIndex<Pq, HnswIndex<Flat<AnyMetric>>>;
TONARI_MODELS_OF(, FlatIndex<Pq>)
TONARI_MODELS_OF(, PqByFlat)
TONARI_MODELS_OF(, PqByGraph)
TONARI_MODELS_OF(, HnswIndex<Pq>)

Result<Index> detail::open_pq(const SectionReader& reader) { return open_relative_or_graph<Pq>(reader, "codes of PQ"); }

}  // namespace tonari
