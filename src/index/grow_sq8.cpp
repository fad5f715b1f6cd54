// The growing graph over rows rounded to 8 bits, compiled here.
#include <tonari/index/growing_model.hpp>

namespace tonari {

template class GrowingHnsw<Sq8<AnyMetric>>;
template class GrowingSearch<GrowingHnsw<Sq8<AnyMetric>>>;
template class GrowingModelOf<Sq8<AnyMetric>>;

}  // namespace tonari
