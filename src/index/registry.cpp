// The run-time instantiations over rows as given: one of each structure. And the table of all codecs that files have.
#include <tonari/index/registry.hpp>

#include <array>
#include <string_view>

#include <tonari/index/transformed.hpp>

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
    const auto record = read_index_record(reader);
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
    StoredCodec{"rabitq", &detail::open_rabitq},       StoredCodec{"sq4", &detail::open_sq4},
};

Result<Index> open_by_codec(const SectionReader& reader) {
    for (const StoredCodec& known : stored_codecs) {
        if (reader.has(known.section)) return known.open(reader);
    }
    return stored_codecs.front().open(reader);  // says what it misses
}

}  // namespace

Result<IndexRecord> read_index_record(const SectionReader& reader) {
    auto record = reader.record<IndexRecord>("index", 1);
    if (!record) return record;
    const bool transformed = record->kind == static_cast<std::uint8_t>(IndexKind::transformed);
    if (transformed != reader.has("transform")) {
        return reader.corrupt("index", std::string("expected ") + (transformed ? "a" : "no") +
                                           " section 'transform' with an index of kind " +
                                           std::to_string(record->kind));
    }
    if (transformed) *record = {record->inner, record->innermost, 0, {}};
    return record;
}

Result<Index> open_index(const SectionReader& reader) {
    auto index = open_by_codec(reader);
    if (!index || !reader.has("transform") || index->model().kind() == IndexKind::refined) return index;
    auto map = RowMap::open(reader);
    if (!map) return std::move(map).error();
    auto whole = Transformed::create(*std::move(map), *index);
    return whole ? whole : Result<Index>(reader.corrupt("transform", whole.error().message));
}

Status save_index(SectionWriter& writer, const Index& index) {
    IndexRecord record{};
    const Spec spec = index.model().spec();
    record.kind = static_cast<std::uint8_t>(spec.kind);
    if (spec.fine) record = {static_cast<std::uint8_t>(IndexKind::refined), record.kind, 0, {}};
    if (spec.transform) {
        record = {static_cast<std::uint8_t>(IndexKind::transformed), record.kind, record.inner, {}};
    }
    if (Status s = writer.add_record("index", 1, record); !s) return s;
    return index.save(writer);
}

}  // namespace tonari
