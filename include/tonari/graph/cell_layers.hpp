// The links of many frozen graphs, one a cell: the rows of a cell lie one behind another (lists/partition.hpp) and are the
// vertices of its graph, numbered as in graph/layers.hpp, those of its upper layers first.
//
//     cell       0               1         2 (empty)   3
//     layer 1    0 1             5                     7 8
//     layer 0    0 1 2 3 4       5 6                   7 8 9 10
//
// A link names a row, on whatever layer, and leads to a row of the same cell. Each layer has one table for all cells; where
// a cell's vertices begin there, a partition says: on layer 0 that of the rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <tonari/core/aligned.hpp>
#include <tonari/core/export.hpp>
#include <tonari/graph/beam_search.hpp>
#include <tonari/graph/layers.hpp>
#include <tonari/graph/link_table.hpp>
#include <tonari/io/section_reader.hpp>
#include <tonari/io/section_writer.hpp>
#include <tonari/lists/partition.hpp>

namespace tonari {

class CellLayers {
public:
    struct Upper {
        Partition vertices;  ///< which rows of the table are those of which cell
        LinkTable links;
    };

    CellLayers() = default;
    /// `uppers[l]` is layer l + 1.
    CellLayers(LinkTable bottom, std::vector<Upper> uppers) : bottom_(std::move(bottom)), uppers_(std::move(uppers)) {}

    [[nodiscard]] const LinkTable& bottom() const noexcept { return bottom_; }
    [[nodiscard]] const std::vector<Upper>& uppers() const noexcept { return uppers_; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        std::size_t sum = bottom_.bytes().size();
        for (const Upper& upper : uppers_) sum += upper.links.bytes().size() + upper.vertices.bytes();
        return sum;
    }

    /// From the first row of a cell down its upper layers to the vertex to begin with on layer 0. `first` is that row,
    /// `best` the same with its distance. A link that leads out of the cell ends its list, as in a file that lies.
    template <class S>
    [[nodiscard]] Candidate descend_in(std::size_t cell, RowId first, const std::byte* codes, std::size_t code_size,
                                       S& scorer, Expansion& scratch, Candidate best,
                                       std::uint32_t& distances) const noexcept {
        for (std::size_t layer = uppers_.size(); layer-- > 0;) {
            const LinkTable& table = uppers_[layer].links;
            const auto [from, to] = uppers_[layer].vertices.rows_of(cell);
            if (from == to) continue;
            const std::size_t here = to - from;
            const auto neighbours = [&, at = from](RowId vertex, RowId* rows, const std::byte** batch) {
                const RowId* links = table.at(static_cast<RowId>(at + (vertex - first)));
                std::size_t count = 0;
                while (count < table.degree() && RowId{links[count] - first} < here) {  // below `first`: it wraps round
                    rows[count] = links[count];
                    batch[count] = codes + std::size_t{links[count]} * code_size;
                    simd::prefetch(batch[count], code_size, 12);
                    ++count;
                }
                return count;
            };
            best = descend(neighbours, scorer, scratch, best, distances);
        }
        return best;
    }

    TONARI_API Status save(SectionWriter& writer) const;
    /// For the cells `rows`. O(cells): a layer has no more vertices of a cell than the one below; links are checked where a
    /// walk follows them.
    TONARI_API static Result<CellLayers> open(const SectionReader& reader, const Partition& rows);

private:
    LinkTable bottom_;
    std::vector<Upper> uppers_;
};

/// Layer 0 of all cells as a walk sees it, which stays in the cell where a candidate is, whatever links say: so no row of another cell is
/// met twice, by its own walk or scan and by this one.
template <class S>
class CellExpander {
public:
    static constexpr bool bounded = S::bounded;

    CellExpander(const SplitExpander<S>& rows, const Partition& cells) noexcept : rows_(rows), cells_(&cells) {}

    std::optional<float> expand(RowId vertex, float bound, Expansion& out) noexcept {
        if (vertex < first_ || vertex >= last_) {
            std::tie(first_, last_) = cells_->rows_of(cells_->list_of(vertex));
            rows_.stay_within(static_cast<RowId>(first_), static_cast<RowId>(last_));
        }
        return rows_.expand(vertex, bound, out);
    }
    void prefetch(RowId vertex) noexcept { rows_.prefetch(vertex); }

private:
    SplitExpander<S> rows_;
    const Partition* cells_;
    std::size_t first_ = 0;
    std::size_t last_ = 0;
};

/// Puts the graphs of cells together, each built by itself. `put` may be called from several threads, once for each cell.
class CellLayersBuilder {
public:
    /// `links` is M.
    TONARI_API static Result<CellLayersBuilder> create(const Partition& rows, std::size_t links);

    /// `graph` has a vertex for each row of the cell. Throws bad_alloc.
    TONARI_API void put(std::size_t cell, const Layers& graph);
    TONARI_API Result<CellLayers> finish() &&;

private:
    struct Table {  // of one cell on one layer
        std::size_t count = 0;
        std::vector<RowId> links;
    };
    CellLayersBuilder(const Partition& rows, std::size_t links, AlignedBuffer bottom)
        : rows_(rows), links_(links), bottom_(std::move(bottom)), uppers_(rows.lists()) {}

    Partition rows_;
    std::size_t links_;
    AlignedBuffer bottom_;
    std::vector<std::vector<Table>> uppers_;  // by cell, layer 1 first: about one vertex of M stands there
};

}  // namespace tonari
