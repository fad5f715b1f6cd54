// An index over mapped rows: it maps queries and asks. What it answers are the distances of mapped rows
// (index/row_map.hpp): those of the rows themselves, up to rounding, where the map drops no dimension; where it does,
// l2 distances are too short by what was dropped, and products and cosines lack its part. A refined index has its map
// within (index/refined.hpp), and answers the distances of rows as given.
//
// Whatever index it is: one call more for a query is nothing beside its mapping, and one class serves them all.
#pragma once

#include <memory>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/index/index_model.hpp>
#include <tonari/index/row_map.hpp>

namespace tonari {

class TONARI_API Transformed final : public IndexModel {
public:
    /// `mapped` holds what `map` made of rows, under `map.mapped_metric()`. Errors: invalid_argument where it does not.
    static Result<Index> create(RowMap map, const Index& mapped);

    [[nodiscard]] const RowMap& map() const noexcept { return map_; }
    [[nodiscard]] const IndexModel& mapped() const noexcept { return inner_.model(); }

    [[nodiscard]] IndexKind kind() const noexcept override { return IndexKind::transformed; }
    [[nodiscard]] Dim dim() const noexcept override { return map_.dim(); }
    [[nodiscard]] Element element() const noexcept override { return mapped().element(); }
    [[nodiscard]] MetricKind metric() const noexcept override { return map_.metric(); }
    [[nodiscard]] bool accepts(Element query) const noexcept override { return map_.accepts(query); }
    [[nodiscard]] std::size_t size() const noexcept override { return mapped().size(); }
    [[nodiscard]] Result<RowFilter> translate(const Filter& filter) const override {
        return mapped().translate(filter);
    }
    [[nodiscard]] Spec spec() const override;
    [[nodiscard]] std::vector<IndexPart> parts() const override;
    [[nodiscard]] std::optional<GraphSummary> graph() const override { return mapped().graph(); }
    [[nodiscard]] std::optional<ListSummary> lists() const override { return mapped().lists(); }
    [[nodiscard]] std::optional<HotCacheStats> cache_stats() const override { return mapped().cache_stats(); }

    Result<Outcome> search(RowView query, const SearchOptions& options, SearchScratch& scratch) const override;
    Result<Outcome> range_search(RowView query, const RangeOptions& options, SearchScratch& scratch) const override;
    [[nodiscard]] bool has_batch(std::size_t queries, const SearchOptions& options) const noexcept override {
        return mapped().has_batch(queries, options);
    }
    Result<bool> search_batch(MatrixView queries, const SearchOptions& options, Answers& out) const override;
    [[nodiscard]] Result<std::unique_ptr<CursorModel>> cursor(RowView query,
                                                              const CursorOptions& options) const override;
    Status save(SectionWriter& writer) const override;

private:
    Transformed(RowMap map, Index inner) noexcept : map_(std::move(map)), inner_(std::move(inner)) {}

    RowMap map_;
    Index inner_;
};

}  // namespace tonari
