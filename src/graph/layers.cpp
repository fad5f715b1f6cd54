// A frozen graph in a file: "layers" (a record), "counts" (one number a layer), "links/<layer>" (the tables).
#include <tonari/graph/layers.hpp>

#include <string>

#include <tonari/io/mapped_file.hpp>

#include "graph/layer_sections.hpp"

namespace tonari {
using detail::LayersRecord;
using detail::max_degree;
using detail::max_height;
using detail::table_name;

Status Layers::save(SectionWriter& writer) const {
    LayersRecord record{};
    record.height = static_cast<std::uint32_t>(height());
    record.degree0 = height() > 0 ? static_cast<std::uint32_t>(tables_[0].degree()) : 0;
    record.degree = height() > 1 ? static_cast<std::uint32_t>(tables_[1].degree()) : record.degree0 / 2;
    if (Status s = writer.add_record("layers", 1, record); !s) return s;
    const std::vector<std::uint64_t> counts(counts_.begin(), counts_.end());
    if (Status s = writer.add_array<std::uint64_t>("counts", 1, counts); !s) return s;
    for (std::size_t layer = 0; layer < height(); ++layer) {
        if (Status s = writer.add(table_name(layer), 1, tables_[layer].bytes().span()); !s) return s;
    }
    return {};
}

Result<Layers> Layers::in_memory() const {
    std::vector<LinkTable> tables;
    for (const LinkTable& table : tables_) {
        auto links = tonari::in_memory(table.bytes());
        if (!links) return std::move(links).error();
        tables.emplace_back(*std::move(links), table.degree(), table.place());
    }
    return Layers(std::move(tables), counts_);
}

namespace {
Result<LayersRecord> read_record(const SectionReader& reader) {
    auto record = reader.record<LayersRecord>("layers", 1);
    if (!record) return record;
    if (record->height == 0 || record->height > max_height) {
        return reader.corrupt(
            "layers", "expected 1 to " + std::to_string(max_height) + " layers, got " + std::to_string(record->height));
    }
    if (record->degree0 == 0 || record->degree0 > max_degree || record->degree == 0 || record->degree > max_degree) {
        return reader.corrupt("layers", "expected 1 to " + std::to_string(max_degree) + " links a vertex, got " +
                                            std::to_string(record->degree0) + " and " + std::to_string(record->degree));
    }
    return record;
}
}  // namespace

Result<std::size_t> Layers::bottom_degree(const SectionReader& reader) {
    auto record = read_record(reader);
    if (!record) return std::move(record).error();
    return std::size_t{record->degree0};
}

Result<Layers> Layers::open(const SectionReader& reader, std::optional<LinkPlace> bottom) {
    auto record = read_record(reader);
    if (!record) return std::move(record).error();
    auto stored = reader.array<std::uint64_t>("counts", record->height);
    if (!stored) return std::move(stored).error();
    const auto numbers = stored->as<std::uint64_t>();
    std::vector<std::size_t> counts(numbers.begin(), numbers.end());
    std::vector<LinkTable> tables;
    for (std::size_t layer = 0; layer < counts.size(); ++layer) {
        const std::size_t most = layer == 0 ? max_rows : counts[layer - 1];
        if (counts[layer] == 0 || counts[layer] > most) {
            return reader.corrupt("counts", "layer " + std::to_string(layer) + ": expected 1 to " +
                                                std::to_string(most) + " vertices, got " +
                                                std::to_string(counts[layer]));
        }
        const std::size_t degree = layer == 0 ? record->degree0 : record->degree;
        const LinkPlace place = layer == 0 && bottom ? *bottom : LinkPlace{degree * sizeof(RowId), 0};
        auto links = reader.array<RowId>(table_name(layer), counts[layer] * (place.stride / sizeof(RowId)));
        if (!links) return std::move(links).error();
        if (links->on_disk() && reader.has_within("fine")) {  // a walk over codes in memory, finer rows on disk
            links = tonari::in_memory(*links);
            if (!links) return std::move(links).error();
        }
        tables.emplace_back(*std::move(links), degree, place);
    }
    return Layers(std::move(tables), std::move(counts));
}

}  // namespace tonari
