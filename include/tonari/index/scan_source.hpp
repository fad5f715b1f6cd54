// A cursor's rows by comparing them all.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>

#include <tonari/index/cursor_model.hpp>
#include <tonari/index/stored_rows.hpp>

namespace tonari {

/// Takes whatever a scan finds.
class PendingCollector {
public:
    explicit PendingCollector(PendingRows& pending) noexcept : pending_(&pending) {}
    [[nodiscard]] float bound() const noexcept { return std::numeric_limits<float>::infinity(); }
    void offer(RowId row, float distance, float /*lower*/) noexcept { pending_->offer(make_key(distance, row)); }

private:
    PendingRows* pending_;
};

/// A cursor over the rows that pass the filter, or all. No row is ahead of others here, so `ef` means nothing.
/// `Rows` are StoredRows or BlockRows.
template <class Rows>
std::unique_ptr<CursorModel> scan_cursor(const Rows& rows, RowView query, CursorOptions options);

/// The rows that pass `filter`, or all, in order of their numbers.
template <class Rows>
class ScanSource {
public:
    ScanSource(const Rows& rows, RowView query, const RowFilter* filter)
        : rows_(&rows),
          filter_(filter),
          scratch_(scratch_for_query(rows.codec().query_size())),
          scorer_(rows.scorer(query, scratch_)) {
        pending_.reserve(filter == nullptr ? rows.rows() : std::min(filter->passing, rows.rows()));
    }
    ScanSource(const ScanSource&) = delete;
    ScanSource& operator=(const ScanSource&) = delete;
    ~ScanSource() = default;

    [[nodiscard]] std::size_t ids() const noexcept {
        return filter_ == nullptr ? rows_->ids().size() : filter_->passing;
    }
    [[nodiscard]] PendingRows& pending() noexcept { return pending_; }
    [[nodiscard]] const PendingRows& pending() const noexcept { return pending_; }
    [[nodiscard]] bool exhausted() const noexcept { return next_ == rows_->rows(); }

    Outcome find(const Deadline& deadline) noexcept {
        Outcome outcome;
        PendingCollector found(pending_);
        if (filter_ == nullptr) rows_->fetch(next_, rows_->rows());
        next_ = rows_->scan(next_, rows_->rows(), scorer_, filter_, deadline, found, scratch_, outcome);
        outcome.complete = outcome.complete || exhausted();
        outcome.exact = outcome.complete && !Rows::Scorer::bounded;
        return outcome;
    }
    template <class Visit>
    void for_each_id(RowId row, Visit&& visit) const noexcept {
        rows_->for_each_id(row, filter_, visit);
    }

private:
    const Rows* rows_;
    const RowFilter* filter_;
    SearchScratch scratch_;
    typename Rows::Scorer scorer_;
    PendingRows pending_;
    std::size_t next_ = 0;
};

template <class Rows>
std::unique_ptr<CursorModel> scan_cursor(const Rows& rows, RowView query, CursorOptions options) {
    options.ef = 1;
    return std::make_unique<CursorOf<ScanSource<Rows>>>(options, rows, query, options.filter);
}

}  // namespace tonari
