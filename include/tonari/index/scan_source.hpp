// A cursor's rows by comparing them all.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

#include <tonari/index/cursor_model.hpp>
#include <tonari/index/stored_rows.hpp>

namespace tonari {

/// A cursor over the rows that pass the filter, or all. No row is ahead of others here, so `ef` means nothing.
template <Codec C>
std::unique_ptr<CursorModel> scan_cursor(const StoredRows<C>& rows, RowView query, CursorOptions options);

/// The rows that pass `filter`, or all, in order of their numbers.
template <Codec C>
class ScanSource {
public:
    ScanSource(const StoredRows<C>& rows, RowView query, const RowFilter* filter)
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
        constexpr std::size_t batch = 256;
        Outcome outcome;
        std::array<const std::byte*, batch> codes{};
        Expansion& space = scratch_.expansion;
        while (!exhausted() && outcome.complete) {
            std::size_t count = 0;
            for (; count < batch && !exhausted(); ++next_) {
                const auto row = static_cast<RowId>(next_);
                if (filter_ != nullptr && !filter_->rows.test(row)) continue;
                codes[count] = rows_->code(row);
                space.rows[count++] = row;
            }
            space.survivors.clear();
            scorer_.gather({codes.data(), count}, std::numeric_limits<float>::infinity(), space.survivors);
            for (std::size_t i = 0; i < space.survivors.count; ++i) {
                pending_.offer(make_key(space.survivors.estimate[i], space.rows[space.survivors.index[i]]));
            }
            outcome.distances += static_cast<std::uint32_t>(count);
            outcome.complete = exhausted() || !deadline.expired();
        }
        outcome.exact = outcome.complete;
        return outcome;
    }
    template <class Visit>
    void for_each_id(RowId row, Visit&& visit) const noexcept {
        rows_->for_each_id(row, filter_, visit);
    }

private:
    const StoredRows<C>* rows_;
    const RowFilter* filter_;
    SearchScratch scratch_;
    typename C::Scorer scorer_;
    PendingRows pending_;
    std::size_t next_ = 0;
};

template <Codec C>
std::unique_ptr<CursorModel> scan_cursor(const StoredRows<C>& rows, RowView query, CursorOptions options) {
    options.ef = 1;
    return std::make_unique<CursorOf<ScanSource<C>>>(options, rows, query, options.filter);
}

}  // namespace tonari
