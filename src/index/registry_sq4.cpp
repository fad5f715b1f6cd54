// The run-time instantiations over codes of 4 bits a value, refined and not, and how they are opened.
#include "index/open_relative.hpp"

namespace tonari {

template class FlatIndex<Sq4>;
template class IvfIndex<Sq4, FlatIndex<Flat<AnyMetric>>>;
template class IvfIndex<Sq4, HnswIndex<Flat<AnyMetric>>>;

Result<Index> detail::open_sq4(const SectionReader& reader) {
    return open_relative_or_graph<Sq4>(reader, "codes of SQ4");
}

}  // namespace tonari
