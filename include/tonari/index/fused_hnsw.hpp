// The frozen graph made for searching: a record a vertex on the lowest layer, with the row, codes of its neighbours and its links
// (graph/fused_records.hpp). A search for k rows goes by the codes, and answers rows that it has expanded, whose distances are
// exact. All else, filtered and range searches and cursors, compares rows as any graph does (index/hnsw_index.hpp).
//
// It pays where a neighbour's row is many cache lines and its code a few (README, under measured). A record of M = 16 takes
// 32 ceil(d / 8) + 512 bytes beside the row.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include <tonari/codec/fast_scan.hpp>
#include <tonari/codec/flat.hpp>
#include <tonari/core/export.hpp>
#include <tonari/graph/fused_records.hpp>
#include <tonari/graph/layers.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/concepts.hpp>
#include <tonari/index/cursor_model.hpp>
#include <tonari/index/hnsw_index.hpp>
#include <tonari/index/index.hpp>
#include <tonari/index/spec.hpp>

namespace tonari {

class TONARI_API FusedHnsw {
public:
    static constexpr IndexKind kind = IndexKind::refined;
    using Scratch = SearchScratch;
    using Rows = Flat<AnyMetric>;
    using Graph = HnswIndex<Rows>;

    /// M is a multiple of this: a block has 32 places, and the lowest layer 2 M links.
    static constexpr std::size_t links_step = FusedLayout::block_rows / 2;

    /// Places that pruning left empty get the nearest rows that the first so many links of a vertex link to.
    static constexpr std::size_t looked_behind = 8;

    /// Of so many for each place, the nearest; those come last that lie nearer to another link than so much of their distance. On
    /// sift-128 that is worth 0.3 points of recall at 0.99 and 1.1 at 0.93, for 2 to 3 % more expansions.
    static constexpr std::size_t looked_at = 4;
    static constexpr float beside = 0.7F;

    /// Makes records of a graph over rows as given, which are then stored by `rows`. Empty places are filled: a block costs the
    /// same however full it is. Some 40 M distances and 2 M codes a row; the same bytes for any number of threads. Both graphs are
    /// in memory meanwhile, and up to 64 MiB a thread of rotated rows. Errors: out_of_memory.
    static Result<FusedHnsw> build(const Graph& built, FastScan codes, Rows rows, const Threads& threads,
                                   const ProgressFunction& progress = {});
    /// Does the spec name such an index? `refine` is nothing to it: each row that a search expands is compared as it is.
    static bool is_named_by(const Spec& spec) noexcept {
        return spec.kind == IndexKind::hnsw && spec.codec == CodecKind::fast_scan;
    }

    [[nodiscard]] std::size_t size() const noexcept { return graph_.size(); }
    [[nodiscard]] Dim dim() const noexcept { return graph_.dim(); }
    /// Of the rows: it decides what queries may be made of.
    [[nodiscard]] const Rows& codec() const noexcept { return graph_.codec(); }
    [[nodiscard]] const IdMap& ids() const noexcept { return graph_.ids(); }
    [[nodiscard]] const Layers& layers() const noexcept { return graph_.layers(); }
    [[nodiscard]] const FusedLayout& layout() const noexcept { return layout_; }
    [[nodiscard]] Spec spec() const;
    [[nodiscard]] std::vector<IndexPart> parts() const;

    Status reserve(const SearchOptions& options, SearchScratch& scratch) const;
    Outcome search(RowView query, const SearchOptions& options, SearchScratch& scratch) const noexcept;
    /// Whether walks of so many queries take turns.
    [[nodiscard]] bool has_batch(std::size_t queries, const SearchOptions& options) const noexcept {
        return graph_.has_batch(queries, options);
    }
    Result<bool> search_batch(MatrixView queries, const SearchOptions& options, Answers& out) const;
    Status reserve(const RangeOptions& options, SearchScratch& scratch) const {
        return graph_.reserve(options, scratch);
    }
    Outcome range_search(RowView query, const RangeOptions& options, SearchScratch& scratch) const noexcept {
        return graph_.range_search(query, options, scratch);
    }
    [[nodiscard]] std::unique_ptr<CursorModel> cursor(RowView query, const CursorOptions& options) const {
        return graph_.cursor(query, options);
    }

    Status save(SectionWriter& writer) const;
    static Result<FusedHnsw> open(const SectionReader& reader);

private:
    class Walk;

    FusedHnsw(FastScan codes, FusedLayout layout, Graph graph) noexcept
        : codes_(std::move(codes)), layout_(layout), graph_(std::move(graph)) {}

    [[nodiscard]] const Bytes& records() const noexcept { return graph_.rows().codes(); }
    [[nodiscard]] bool once_each(const SearchOptions& options) const noexcept;
    [[nodiscard]] std::size_t walk_width(const SearchOptions& options) const noexcept;

    FastScan codes_;
    FusedLayout layout_;
    Graph graph_;  // its rows and the links of its lowest layer lie in the records
};

}  // namespace tonari
