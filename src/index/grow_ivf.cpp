// Growing inverted lists of rows as given, compiled here.
#include <tonari/index/growing_ivf_model.hpp>
#include <tonari/index/registry.hpp>

namespace tonari {

template class GrowingIvf<Flat<AnyMetric>, FlatIndex<Flat<AnyMetric>>>;
template class GrowingIvf<Flat<AnyMetric>, HnswIndex<Flat<AnyMetric>>>;
template class GrowingIvfModel<Flat<AnyMetric>, FlatIndex<Flat<AnyMetric>>>;
template class GrowingIvfModel<Flat<AnyMetric>, HnswIndex<Flat<AnyMetric>>>;

}  // namespace tonari
