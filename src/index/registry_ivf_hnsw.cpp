// The run-time instantiations of lists that are graphs, over rows as given.
#include <tonari/index/registry.hpp>

namespace tonari {

template class IvfHnswIndex<Flat<AnyMetric>, FlatIndex<Flat<AnyMetric>>>;
template class IvfHnswIndex<Flat<AnyMetric>, HnswIndex<Flat<AnyMetric>>>;
template class IndexModelOf<IvfHnswIndex<Flat<AnyMetric>, FlatIndex<Flat<AnyMetric>>>>;
template class IndexModelOf<IvfHnswIndex<Flat<AnyMetric>, HnswIndex<Flat<AnyMetric>>>>;

}  // namespace tonari
