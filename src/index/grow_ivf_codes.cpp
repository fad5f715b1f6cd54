// Growing inverted lists of codes that are relative to centroids, with the rows as given beside them or without, compiled here.
#include <tonari/index/growing_ivf_model.hpp>
#include <tonari/index/registry.hpp>

namespace tonari {

template class GrowingIvf<Pq, FlatIndex<Flat<AnyMetric>>>;
template class GrowingIvf<Pq, HnswIndex<Flat<AnyMetric>>>;
template class GrowingIvf<Pq, FlatIndex<Flat<AnyMetric>>, Flat<AnyMetric>>;
template class GrowingIvf<Pq, HnswIndex<Flat<AnyMetric>>, Flat<AnyMetric>>;
template class GrowingIvfModel<Pq, FlatIndex<Flat<AnyMetric>>>;
template class GrowingIvfModel<Pq, HnswIndex<Flat<AnyMetric>>>;
template class GrowingIvfModel<Pq, FlatIndex<Flat<AnyMetric>>, Flat<AnyMetric>>;
template class GrowingIvfModel<Pq, HnswIndex<Flat<AnyMetric>>, Flat<AnyMetric>>;
template class GrowingIvf<Sq4, FlatIndex<Flat<AnyMetric>>>;
template class GrowingIvf<Sq4, HnswIndex<Flat<AnyMetric>>>;
template class GrowingIvf<Sq4, FlatIndex<Flat<AnyMetric>>, Flat<AnyMetric>>;
template class GrowingIvf<Sq4, HnswIndex<Flat<AnyMetric>>, Flat<AnyMetric>>;
template class GrowingIvfModel<Sq4, FlatIndex<Flat<AnyMetric>>>;
template class GrowingIvfModel<Sq4, HnswIndex<Flat<AnyMetric>>>;
template class GrowingIvfModel<Sq4, FlatIndex<Flat<AnyMetric>>, Flat<AnyMetric>>;
template class GrowingIvfModel<Sq4, HnswIndex<Flat<AnyMetric>>, Flat<AnyMetric>>;

}  // namespace tonari
