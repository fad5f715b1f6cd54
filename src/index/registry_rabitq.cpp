// The run-time instantiations over codes of 2 to 8 bits a value, refined and not, and how they are opened.
#include "index/open_relative.hpp"

namespace tonari {

template class FlatIndex<RaBitQ>;
template class IvfIndex<RaBitQ, FlatIndex<Flat<AnyMetric>>>;
template class IvfIndex<RaBitQ, HnswIndex<Flat<AnyMetric>>>;
TONARI_MODELS_OF(, FlatIndex<RaBitQ>)
TONARI_MODELS_OF(, RaBitQByFlat)
TONARI_MODELS_OF(, RaBitQByGraph)

Result<Index> detail::open_rabitq(const SectionReader& reader) {
    return open_relative<RaBitQ>(reader, "codes of 2 to 8 bits");
}

}  // namespace tonari
