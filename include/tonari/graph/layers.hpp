// The links of a frozen HNSW graph (Malkov, Yashunin 2016), one table a layer.
//
// Vertices are numbered so that those of the upper layers come first: layer l holds the vertices [0, count(l)), and
// vertex 0, which stands on every layer, is the entry. So no layer needs a table of where its vertices' links lie.
//
//     layer 2: 0 .. c2-1
//     layer 1: 0 ........ c1-1
//     layer 0: 0 .................. n-1
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <tonari/graph/link_table.hpp>
#include <tonari/io/section_reader.hpp>
#include <tonari/io/section_writer.hpp>

namespace tonari {

class Layers {
public:
    Layers() = default;
    /// `tables[l]` has a row for each of the first `counts[l]` vertices.
    Layers(std::vector<LinkTable> tables, std::vector<std::size_t> counts)
        : tables_(std::move(tables)), counts_(std::move(counts)) {}

    [[nodiscard]] std::size_t height() const noexcept { return tables_.size(); }
    [[nodiscard]] const LinkTable& links(std::size_t layer) const noexcept { return tables_[layer]; }
    [[nodiscard]] std::size_t count(std::size_t layer) const noexcept { return counts_[layer]; }
    [[nodiscard]] std::size_t vertices() const noexcept { return counts_.empty() ? 0 : counts_[0]; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        std::size_t sum = 0;
        for (const LinkTable& table : tables_) sum += table.bytes().size();
        return sum;
    }

    /// The same in memory of its own, whatever file it lies in.
    [[nodiscard]] TONARI_API Result<Layers> in_memory() const;

    TONARI_API Status save(SectionWriter& writer) const;
    /// Places a vertex on the lowest layer of the graph that the sections hold.
    TONARI_API static Result<std::size_t> bottom_degree(const SectionReader& reader);
    /// Sizes are checked; links are checked where a walk follows them. `bottom`: where links of the lowest layer stand in records of
    /// their vertices, if they do.
    TONARI_API static Result<Layers> open(const SectionReader& reader, std::optional<LinkPlace> bottom = std::nullopt);

private:
    std::vector<LinkTable> tables_;
    std::vector<std::size_t> counts_;
};

}  // namespace tonari
