// The run-time instantiations: one of each structure.
#include <tonari/index/registry.hpp>

namespace tonari {

template class FlatIndex<Flat<AnyMetric>>;
template class HnswIndex<Flat<AnyMetric>>;
template class IvfIndex<Flat<AnyMetric>, FlatIndex<Flat<AnyMetric>>>;
template class IvfIndex<Flat<AnyMetric>, HnswIndex<Flat<AnyMetric>>>;
template class IndexModelOf<FlatIndex<Flat<AnyMetric>>>;
template class IndexModelOf<HnswIndex<Flat<AnyMetric>>>;
template class IndexModelOf<IvfIndex<Flat<AnyMetric>, FlatIndex<Flat<AnyMetric>>>>;
template class IndexModelOf<IvfIndex<Flat<AnyMetric>, HnswIndex<Flat<AnyMetric>>>>;

Result<Index> open_index(const SectionReader& reader) {
    auto codec = Flat<AnyMetric>::open(reader);
    if (!codec) return std::move(codec).error();
    return open_index(reader, *std::move(codec));
}

Status save_index(SectionWriter& writer, const Index& index) {
    IndexRecord record{};
    record.kind = static_cast<std::uint8_t>(index.model().kind());
    if (Status s = writer.add_record("index", 1, record); !s) return s;
    return index.save(writer);
}

}  // namespace tonari
