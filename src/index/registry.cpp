// The run-time instantiations over rows as given: one of each structure. And the table of all codecs that files have.
#include <tonari/index/registry.hpp>

#include <array>
#include <string_view>

#include "index/refined_sq8.hpp"
#include "index/relative.hpp"

namespace tonari {

template class FlatIndex<Flat<AnyMetric>>;
template class HnswIndex<Flat<AnyMetric>>;
template class IvfIndex<Flat<AnyMetric>, FlatIndex<Flat<AnyMetric>>>;
template class IvfIndex<Flat<AnyMetric>, HnswIndex<Flat<AnyMetric>>>;
template class IndexModelOf<FlatIndex<Flat<AnyMetric>>>;
template class IndexModelOf<HnswIndex<Flat<AnyMetric>>>;
template class IndexModelOf<IvfIndex<Flat<AnyMetric>, FlatIndex<Flat<AnyMetric>>>>;
template class IndexModelOf<IvfIndex<Flat<AnyMetric>, HnswIndex<Flat<AnyMetric>>>>;

namespace {

template <Codec C>
Result<Index> open_over(const SectionReader& reader) {
    auto codec = C::open(reader);
    if (!codec) return std::move(codec).error();
    return open_index(reader, *std::move(codec));
}

bool is_refined(const SectionReader& reader) {
    const auto record = reader.record<IndexRecord>("index", 1);
    return record && record->kind == static_cast<std::uint8_t>(IndexKind::refined);
}
Result<Index> open_sq8(const SectionReader& reader) {
    return is_refined(reader) ? detail::open_refined_sq8(reader) : open_over<Sq8<AnyMetric>>(reader);
}

/// A codec is known by the section that it begins with.
struct StoredCodec {
    std::string_view section;
    Result<Index> (*open)(const SectionReader& reader);
};
constexpr std::array stored_codecs{
    StoredCodec{"codec", &open_over<Flat<AnyMetric>>}, StoredCodec{"sq8", &open_sq8},
    StoredCodec{"fast_scan", &detail::open_fast_scan}, StoredCodec{"pq", &detail::open_pq},
    StoredCodec{"rabitq", &detail::open_rabitq},
};

}  // namespace

Result<Index> open_index(const SectionReader& reader) {
    for (const StoredCodec& known : stored_codecs) {
        if (reader.has(known.section)) return known.open(reader);
    }
    return stored_codecs.front().open(reader);  // says what it misses
}

Status save_index(SectionWriter& writer, const Index& index) {
    IndexRecord record{};
    record.kind = static_cast<std::uint8_t>(index.model().kind());
    if (index.model().kind() == IndexKind::refined) {
        record.inner = static_cast<std::uint8_t>(index.model().spec().kind);
    }
    if (Status s = writer.add_record("index", 1, record); !s) return s;
    return index.save(writer);
}

}  // namespace tonari
