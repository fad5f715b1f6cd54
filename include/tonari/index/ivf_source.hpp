// A cursor's rows from inverted lists: those of the nearest `nprobe` lists, then, whenever more are needed, those of as many
// further ones.
#pragma once

#include <limits>
#include <memory>
#include <span>
#include <tuple>
#include <type_traits>
#include <vector>

#include <tonari/index/scan_source.hpp>
#include <tonari/index/search_scratch.hpp>
#include <tonari/lists/spill.hpp>

namespace tonari {

/// `Ivf` is an IvfIndex, `Rows` are its own or others in the same places.
template <class Ivf, class Rows>
class IvfSource {
public:
    IvfSource(const Ivf& index, const Rows& rows, RowView query, RowView of_lists, const CursorOptions& options)
        : index_(&index),
          rows_(&rows),
          filter_(options.filter),
          nprobe_(options.nprobe),
          scratch_(scratch_for_query(rows.codec().query_size())),
          scorer_(rows.scorer(query, scratch_)) {
        lists_ = index.coarse_lists().cursor(of_lists, options.ef);
        pending_.reserve(filter_ == nullptr ? index.size() : filter_->passing);
        nearest_.reserve(index.partition().lists());
        if (!index.spill().empty()) scratch_.met.reserve(index.size());
    }
    IvfSource(const IvfSource&) = delete;
    IvfSource& operator=(const IvfSource&) = delete;
    ~IvfSource() = default;

    [[nodiscard]] std::size_t ids() const noexcept { return filter_ == nullptr ? index_->size() : filter_->passing; }
    [[nodiscard]] PendingRows& pending() noexcept { return pending_; }
    [[nodiscard]] const PendingRows& pending() const noexcept { return pending_; }
    [[nodiscard]] bool exhausted() const noexcept {
        return next_ == last_ && spilled_.empty() && looked_at_ == nearest_.size() && at_end_;
    }

    /// Goes on where it was, in the middle of a list if a deadline passed there.
    Outcome find(const Deadline& deadline) {
        Outcome outcome;
        while (outcome.complete && !exhausted()) {
            if (next_ < last_) {
                scan(deadline, outcome);
            } else if (!spilled_.empty()) {
                scan_spilled(deadline, outcome);
            } else if (looked_at_ < nearest_.size()) {
                enter(nearest_[looked_at_++]);
                ++outcome.hops;
            } else if (asked_ && enough()) {
                break;
            } else {
                ask(outcome);
            }
        }
        rows_->tend_cache();
        return outcome;
    }
    template <class Visit>
    void for_each_id(RowId row, Visit&& visit) const noexcept {
        rows_->for_each_id(row, filter_, visit);
    }

private:
    [[nodiscard]] bool enough() const noexcept {
        return pending_.bound() != std::numeric_limits<float>::infinity();  // as many as it was widened to
    }
    /// The next `nprobe` lists.
    void ask(Outcome& outcome) {
        looked_at_ = 0;
        outcome.distances += lists_->next(nprobe_, {}, nearest_).distances;
        asked_ = true;
        at_end_ = lists_->done();
    }
    void scan(const Deadline& deadline, Outcome& outcome) noexcept {
        PendingCollector found(pending_);
        rows_->fetch(next_, last_);
        next_ = rows_->scan(next_, last_, scorer_, filter_, deadline, found, scratch_, outcome, placed_);
    }
    /// The list at hand is `list` from now on. Other rows than the index's stand once, at the places of their numbers.
    void enter(const Neighbor& list) noexcept {
        const auto number = static_cast<std::size_t>(list.id);
        scorer_.enter(index_->origin(list));
        if (static_cast<const void*>(rows_) == static_cast<const void*>(&index_->rows())) {
            const ListPlaces places = index_->places_of(number);
            next_ = places.first;
            last_ = places.last;
            placed_ = index_->spill().in_list(number, index_->partition(), scratch_.met);
            return;
        }
        std::tie(next_, last_) = index_->partition().rows_of(number);
        spilled_ = index_->spill().spilled_in(number);
        if (!index_->spill().empty()) placed_ = PlacedRows(index_->size(), scratch_.met);
    }
    void scan_spilled(const Deadline& deadline, Outcome& outcome) noexcept {
        if constexpr (!BlockCodec<std::remove_cvref_t<decltype(rows_->codec())>>) {  // those are the index's own
            PendingCollector found(pending_);
            const std::size_t done =
                rows_->scan_some(spilled_, scorer_, filter_, deadline, found, scratch_, outcome, placed_);
            spilled_ = spilled_.subspan(done);
        } else {
            spilled_ = {};
        }
    }

    const Ivf* index_;
    const Rows* rows_;
    const RowFilter* filter_;
    std::size_t nprobe_;
    std::unique_ptr<CursorModel> lists_;
    SearchScratch scratch_;
    typename Rows::Scorer scorer_;
    PendingRows pending_;
    std::vector<Neighbor> nearest_;  // lists that were asked for; those before `looked_at_` have been scanned or are
    std::size_t looked_at_ = 0;
    std::size_t next_ = 0;  // places [next_, last_) of the list at hand are to be scanned
    std::size_t last_ = 0;
    std::span<const RowId> spilled_;  // and then these rows
    PlacedRows placed_;
    bool asked_ = false;
    bool at_end_ = false;
};

}  // namespace tonari
