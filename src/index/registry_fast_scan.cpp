// The run-time instantiations over codes of 4 bits a part, refined and not, and how they are opened.
#include "index/fast_scan.hpp"
#include "index/open_blocks.hpp"

namespace tonari {

template class FlatIndex<FastScan>;
template class IvfIndex<FastScan, FlatIndex<Flat<AnyMetric>>>;
template class IvfIndex<FastScan, HnswIndex<Flat<AnyMetric>>>;

Result<Index> detail::open_fast_scan(const SectionReader& reader) { return open_blocks<FastScan>(reader); }

}  // namespace tonari
