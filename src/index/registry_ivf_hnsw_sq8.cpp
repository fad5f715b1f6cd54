// The run-time instantiations of lists that are graphs, over rows rounded to 8 bits.
#include <tonari/index/registry.hpp>

namespace tonari {

template class IvfHnswIndex<Sq8<AnyMetric>, FlatIndex<Flat<AnyMetric>>>;
template class IvfHnswIndex<Sq8<AnyMetric>, HnswIndex<Flat<AnyMetric>>>;
template class IndexModelOf<IvfHnswIndex<Sq8<AnyMetric>, FlatIndex<Flat<AnyMetric>>>>;
template class IndexModelOf<IvfHnswIndex<Sq8<AnyMetric>, HnswIndex<Flat<AnyMetric>>>>;

}  // namespace tonari
