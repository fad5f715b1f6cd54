// The builder for every metric and element that kernels compute: compiled once.
#include <tonari/graph/batch_builder.hpp>

#include <tonari/codec/flat.hpp>

namespace tonari {

template class BatchBuilder<Flat<AnyMetric>>;

}  // namespace tonari
