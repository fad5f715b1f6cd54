// Growing inverted lists of rows rounded to 8 bits, compiled here.
#include <tonari/index/growing_ivf_model.hpp>
#include <tonari/index/registry.hpp>

namespace tonari {

template class GrowingIvf<Sq8<AnyMetric>, FlatIndex<Flat<AnyMetric>>>;
template class GrowingIvf<Sq8<AnyMetric>, HnswIndex<Flat<AnyMetric>>>;
template class GrowingIvfModel<Sq8<AnyMetric>, FlatIndex<Flat<AnyMetric>>>;
template class GrowingIvfModel<Sq8<AnyMetric>, HnswIndex<Flat<AnyMetric>>>;

}  // namespace tonari
