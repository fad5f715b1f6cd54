// The run-time instantiations over codes of 4 bits a value, refined and not, and how they are opened.
#include "index/open_relative.hpp"

namespace tonari {

template class FlatIndex<Sq4>;
template class IvfIndex<Sq4, FlatIndex<Flat<AnyMetric>>>;
template class IvfIndex<Sq4, HnswIndex<Flat<AnyMetric>>>;
TONARI_MODELS_OF(, FlatIndex<Sq4>)
TONARI_MODELS_OF(, Sq4ByFlat)
TONARI_MODELS_OF(, Sq4ByGraph)
TONARI_MODELS_OF(, HnswIndex<Sq4>)

Result<Index> detail::open_sq4(const SectionReader& reader) {
    return open_relative_or_graph<Sq4>(reader, "codes of SQ4");
}

}  // namespace tonari
