// The graphs of cells in a file: "cells" (a record), "links/<layer>" (the tables), and below "upper/<layer>/" from layer 1 on which
// vertices are which cell's.
#include <tonari/graph/cell_layers.hpp>

#include <algorithm>
#include <string>

#include "graph/layer_sections.hpp"

namespace tonari {

using detail::LayersRecord;
using detail::max_degree;
using detail::max_height;
using detail::table_name;

namespace {

std::string upper_name(std::size_t layer) { return "upper/" + std::to_string(layer); }

/// The links of a cell's vertices as links between rows, of which the cell's first is `first`.
void copy_links(std::span<const RowId> links, RowId first, RowId* out) noexcept {
    std::transform(links.begin(), links.end(), out,
                   [first](RowId link) { return link == no_row ? no_row : link + first; });
}

}  // namespace

Status CellLayers::save(SectionWriter& writer) const {
    LayersRecord record{};
    record.height = static_cast<std::uint32_t>(1 + uppers_.size());
    record.degree0 = static_cast<std::uint32_t>(bottom_.degree());
    record.degree = record.degree0 / 2;
    if (Status s = writer.add_record("cells", 1, record); !s) return s;
    if (Status s = writer.add(table_name(0), 1, bottom_.bytes().span()); !s) return s;
    for (std::size_t layer = 1; layer <= uppers_.size(); ++layer) {
        const Upper& upper = uppers_[layer - 1];
        SectionWriter within = writer.within(upper_name(layer));
        if (Status s = upper.vertices.save(within); !s) return s;
        if (Status s = writer.add(table_name(layer), 1, upper.links.bytes().span()); !s) return s;
    }
    return {};
}

Result<CellLayers> CellLayers::open(const SectionReader& reader, const Partition& rows) {
    auto record = reader.record<LayersRecord>("cells", 1);
    if (!record) return std::move(record).error();
    if (record->height == 0 || record->height > max_height) {
        return reader.corrupt(
            "cells", "expected 1 to " + std::to_string(max_height) + " layers, got " + std::to_string(record->height));
    }
    if (record->degree == 0 || record->degree0 > max_degree || record->degree0 != 2 * record->degree) {
        return reader.corrupt("cells", "expected 1 to " + std::to_string(max_degree / 2) +
                                           " links a vertex and twice as many on layer 0, got " +
                                           std::to_string(record->degree) + " and " + std::to_string(record->degree0));
    }
    auto bottom = reader.array<RowId>(table_name(0), std::uint64_t{rows.rows()} * record->degree0);
    if (!bottom) return std::move(bottom).error();
    std::vector<Upper> uppers;
    for (std::size_t layer = 1; layer < record->height; ++layer) {
        auto vertices = Partition::open(reader.within(upper_name(layer)));
        if (!vertices) return std::move(vertices).error();
        const Partition& below = layer == 1 ? rows : uppers.back().vertices;
        if (vertices->lists() != rows.lists()) {
            return reader.corrupt(upper_name(layer), "expected " + std::to_string(rows.lists()) + " cells, got " +
                                                         std::to_string(vertices->lists()));
        }
        for (std::size_t cell = 0; cell < rows.lists(); ++cell) {
            const auto [first, last] = vertices->rows_of(cell);
            const auto [first_below, last_below] = below.rows_of(cell);
            if (last - first <= last_below - first_below) continue;
            return reader.corrupt(upper_name(layer), "cell " + std::to_string(cell) + ": expected at most " +
                                                         std::to_string(last_below - first_below) +
                                                         " vertices, as on the layer below, got " +
                                                         std::to_string(last - first));
        }
        auto links = reader.array<RowId>(table_name(layer), std::uint64_t{vertices->rows()} * record->degree);
        if (!links) return std::move(links).error();
        uppers.push_back({*std::move(vertices), LinkTable(*std::move(links), record->degree)});
    }
    return CellLayers(LinkTable(*std::move(bottom), record->degree0), std::move(uppers));
}

Result<CellLayersBuilder> CellLayersBuilder::create(const Partition& rows, std::size_t links) {
    auto bottom = AlignedBuffer::allocate(rows.rows() * 2 * links * sizeof(RowId));
    if (!bottom) return std::move(bottom).error();
    return CellLayersBuilder(rows, links, *std::move(bottom));
}

void CellLayersBuilder::put(std::size_t cell, const Layers& graph) {
    const auto first = static_cast<RowId>(rows_.rows_of(cell).first);
    copy_links(graph.links(0).bytes().as<RowId>(), first, bottom_.as<RowId>().data() + std::size_t{first} * 2 * links_);
    for (std::size_t layer = 1; layer < graph.height(); ++layer) {
        const auto links = graph.links(layer).bytes().as<RowId>();
        Table& table = uppers_[cell].emplace_back(Table{graph.count(layer), std::vector<RowId>(links.size())});
        copy_links(links, first, table.links.data());
    }
}

Result<CellLayers> CellLayersBuilder::finish() && {
    std::vector<CellLayers::Upper> uppers;
    for (std::size_t layer = 0;; ++layer) {
        std::vector<std::size_t> counts(uppers_.size());
        for (std::size_t cell = 0; cell < counts.size(); ++cell) {
            if (layer < uppers_[cell].size()) counts[cell] = uppers_[cell][layer].count;
        }
        auto vertices = Partition::create(counts);
        if (!vertices) return std::move(vertices).error();
        if (vertices->rows() == 0) break;
        auto links = AlignedBuffer::allocate(vertices->rows() * links_ * sizeof(RowId));
        if (!links) return std::move(links).error();
        RowId* out = links->as<RowId>().data();
        for (std::vector<Table>& tables : uppers_) {
            if (layer < tables.size()) out = std::copy(tables[layer].links.begin(), tables[layer].links.end(), out);
        }
        uppers.push_back({*std::move(vertices), LinkTable(std::move(*links).freeze(), links_)});
    }
    return CellLayers(LinkTable(std::move(bottom_).freeze(), 2 * links_), std::move(uppers));
}

}  // namespace tonari
