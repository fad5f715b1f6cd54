// The run-time face: any index behind one type. `build` makes it from a spec string, `Segment::open` from a file.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>
#include <tonari/graph/summary.hpp>
#include <tonari/index/cursor.hpp>
#include <tonari/index/search_options.hpp>
#include <tonari/index/search_scratch.hpp>
#include <tonari/lists/hot_cache.hpp>
#include <tonari/lists/list_summary.hpp>

namespace tonari {

class SectionWriter;
class IndexModel;

/// One part of an index and its bytes, for `info` and memory accounting.
struct IndexPart {
    std::string name;
    std::size_t bytes = 0;
};

/// A searcher holds one thread's scratch: after its first query of a size, a query allocates nothing.
/// It keeps the index alive. Not for use by two threads at once. Answers lie in it, so a temporary one does not answer.
class TONARI_API Searcher {
public:
    explicit Searcher(std::shared_ptr<const IndexModel> index) : index_(std::move(index)) {}
    /// The k nearest rows of one query. Errors: wrong dimension or element, non-finite values, k = 0.
    Result<Nearest> operator()(RowView query, const SearchOptions& options = {}) &;
    /// All rows within `options.radius`, nearest first.
    Result<Nearest> range(RowView query, const RangeOptions& options) &;

private:
    std::shared_ptr<const IndexModel> index_;
    SearchScratch scratch_;
};

/// An immutable index. Copies share it; every member is safe from many threads.
class TONARI_API Index {
public:
    explicit Index(std::shared_ptr<const IndexModel> model) : model_(std::move(model)) {}

    [[nodiscard]] std::size_t size() const noexcept;  ///< ids held
    [[nodiscard]] Dim dim() const noexcept;
    [[nodiscard]] Element element() const noexcept;  ///< what rows are stored as
    [[nodiscard]] MetricKind metric() const noexcept;
    [[nodiscard]] std::string spec() const;  ///< the spec that would build it again
    [[nodiscard]] std::vector<IndexPart> parts() const;
    [[nodiscard]] std::size_t bytes() const;                   ///< sum of `parts()`
    [[nodiscard]] bool accepts(Element query) const noexcept;  ///< may queries be made of this?
    /// Degrees and reachability of a graph; nothing of other indexes. Reads every link. Throws bad_alloc.
    [[nodiscard]] std::optional<GraphSummary> graph() const;
    /// How long inverted lists are; nothing of other indexes, nor of growing ones (their `health` says it). O(lists).
    [[nodiscard]] std::optional<ListSummary> lists() const;
    /// Of the cache that the file was opened with, if it was with one.
    [[nodiscard]] std::optional<HotCacheStats> cache_stats() const;

    [[nodiscard]] Searcher searcher() const { return Searcher(model_); }
    /// One query per row, in parallel over queries when `options.threads` says so.
    /// Errors: wrong dimension or element, non-finite values (by row), k = 0.
    [[nodiscard]] Result<Answers> search(MatrixView queries, const SearchOptions& options = {}) const;
    [[nodiscard]] Result<RangeAnswers> range_search(MatrixView queries, const RangeOptions& options) const;
    /// One query's neighbours, batch by batch, for as long as they are asked for.
    /// Errors: wrong dimension or element, non-finite values, ef = 0, another index's filter, out_of_memory.
    [[nodiscard]] Result<Cursor> cursor(RowView query, const CursorOptions& options = {}) const;
    /// Translates a filter for this index: O(size()), then any number of queries share it.
    [[nodiscard]] Result<RowFilter> prepare(const Filter& filter) const;

    /// Writes the sections of the index (what `write_segment` puts into a file).
    Status save(SectionWriter& writer) const;
    [[nodiscard]] const IndexModel& model() const noexcept { return *model_; }

private:
    std::shared_ptr<const IndexModel> model_;
};

}  // namespace tonari
