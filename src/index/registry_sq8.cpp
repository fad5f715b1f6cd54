// The run-time instantiations over rows rounded to 8 bits: one of each structure.
#include <tonari/index/registry.hpp>

namespace tonari {

template class FlatIndex<Sq8<AnyMetric>>;
template class HnswIndex<Sq8<AnyMetric>>;
template class IvfIndex<Sq8<AnyMetric>, FlatIndex<Flat<AnyMetric>>>;
template class IvfIndex<Sq8<AnyMetric>, HnswIndex<Flat<AnyMetric>>>;
template class IndexModelOf<FlatIndex<Sq8<AnyMetric>>>;
template class IndexModelOf<HnswIndex<Sq8<AnyMetric>>>;
template class IndexModelOf<IvfIndex<Sq8<AnyMetric>, FlatIndex<Flat<AnyMetric>>>>;
template class IndexModelOf<IvfIndex<Sq8<AnyMetric>, HnswIndex<Flat<AnyMetric>>>>;

}  // namespace tonari
