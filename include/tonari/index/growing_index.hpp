// The run-time face of growing graphs and growing inverted lists: rows are added, changed and removed while they are
// searched, from any threads.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/core/filter.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/growing_health.hpp>
#include <tonari/index/index.hpp>
#include <tonari/index/put_mode.hpp>

namespace tonari {

class GrowingModel;

/// How rows are added.
struct AddOptions {
    /// `add` with ids: one that is there already gets the new row; else it is refused (already_exists).
    bool replace = false;
    Threads threads{};  ///< of `add` and `update` over several rows
    /// Called now and then with (rows done, rows in all), from the calling thread.
    std::function<void(std::size_t done, std::size_t total)> progress{};
};

/// Copies share one index. Every member may be called from any thread at any time; a search takes no lock, and answers what
/// was there at one moment within the call. A change that has returned is seen by every search that begins afterwards.
class TONARI_API GrowingIndex {
public:
    explicit GrowingIndex(std::shared_ptr<GrowingModel> model);

    // --- Changing.

    /// Rows with ids of their own, in parallel when `options.threads` says so. A graph compares a row with a few thousand
    /// others, O(log n); lists with their centroids.
    /// Errors: as for `build`; already_exists (names the id; nothing was added, unless another thread added that id at the
    /// same time); out_of_memory, out_of_range (rows before the failing one may be added, each whole).
    Status add(MatrixView rows, std::span<const Id> ids, const AddOptions& options = {});
    /// Rows that get the next free ids, one after another: the first of them.
    Result<Id> add(MatrixView rows, const AddOptions& options = {});
    /// New rows for ids that are there: every search finds an id's old row or its new one. Errors: not_found (nothing
    /// changed, unless another thread removed that id at the same time), else as `add`.
    Status update(MatrixView rows, std::span<const Id> ids, const AddOptions& options = {});
    /// Takes ids out. Their memory is used again, and a graph's neighbourhoods are mended, as soon as no search looks at them.
    /// Errors: not_found (names the id; nothing was removed, unless another thread removed that id at the same time).
    Status remove(std::span<const Id> ids);

    // One row at a time: nothing is allocated for it but what the index keeps.
    Status add(RowView row, Id id, bool replace = false);
    Status update(RowView row, Id id);
    Status remove(Id id);

    // --- Asking: as `Index`. A prepared filter knows the ids that passed when it was prepared.

    [[nodiscard]] std::size_t size() const noexcept;  ///< ids held
    [[nodiscard]] bool contains(Id id) const;
    [[nodiscard]] Searcher searcher() const { return index().searcher(); }
    [[nodiscard]] Result<Answers> search(MatrixView queries, const SearchOptions& options = {}) const {
        return index().search(queries, options);
    }
    [[nodiscard]] Result<RangeAnswers> range_search(MatrixView queries, const RangeOptions& options) const {
        return index().range_search(queries, options);
    }
    /// Of this moment. What is removed while it lives keeps its place.
    [[nodiscard]] Result<Cursor> cursor(RowView query, const CursorOptions& options = {}) const {
        return index().cursor(query, options);
    }
    [[nodiscard]] Result<RowFilter> prepare(const Filter& filter) const { return index().prepare(filter); }
    /// The same index as one that is only asked: dim, element, metric, spec, parts. It goes on changing.
    [[nodiscard]] Index index() const;

    // --- Keeping.

    /// The rows of one moment as a frozen index, while this one goes on living. Errors: not_found if it holds no row.
    [[nodiscard]] Result<Index> freeze() const;
    /// Frees the places of removed rows, which otherwise the next changes do a few at a time. False if searches that are
    /// still running hold some back.
    bool tidy();
    /// Makes the index as small as its rows, after many were removed: rows from the last places move into free ones, which
    /// takes each as long as an update (in lists: as a copy), and the memory of rows and links behind them goes back to the
    /// system (that of ids, 48 bytes each, waits for ids to come; lists give theirs back, too). Searches and changes go on
    /// meanwhile. False if searches that are still running hold some of it back: call it again later. `progress` is called from
    /// this thread with (rows done, rows to move), which may begin anew a few times. Errors: out_of_memory (nothing is lost),
    /// busy (called from its own progress).
    Result<bool> compact(const std::function<void(std::size_t done, std::size_t total)>& progress = {});
    /// How it is at this moment. O(links), or O(rows) in lists; searches and changes go on.
    [[nodiscard]] Result<GrowingHealth> health() const;

private:
    Status put(MatrixView rows, std::span<const Id> ids, bool must_exist, const AddOptions& options);
    Status put(RowView row, Id id, PutMode mode);

    std::shared_ptr<GrowingModel> model_;
};

}  // namespace tonari
