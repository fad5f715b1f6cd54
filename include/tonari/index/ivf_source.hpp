// A cursor's rows from inverted lists: those of the nearest `nprobe` lists, then, whenever more are needed, those of as many
// further ones.
#pragma once

#include <limits>
#include <memory>
#include <tuple>
#include <vector>

#include <tonari/index/scan_source.hpp>
#include <tonari/index/search_scratch.hpp>

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
    }
    IvfSource(const IvfSource&) = delete;
    IvfSource& operator=(const IvfSource&) = delete;
    ~IvfSource() = default;

    [[nodiscard]] std::size_t ids() const noexcept { return filter_ == nullptr ? index_->size() : filter_->passing; }
    [[nodiscard]] PendingRows& pending() noexcept { return pending_; }
    [[nodiscard]] const PendingRows& pending() const noexcept { return pending_; }
    [[nodiscard]] bool exhausted() const noexcept { return next_ == last_ && looked_at_ == nearest_.size() && at_end_; }

    /// Goes on where it was, in the middle of a list if a deadline passed there.
    Outcome find(const Deadline& deadline) {
        Outcome outcome;
        while (outcome.complete && !exhausted()) {
            if (next_ < last_) {
                scan(deadline, outcome);
            } else if (looked_at_ < nearest_.size()) {
                const Neighbor& list = nearest_[looked_at_++];
                std::tie(next_, last_) = index_->partition().rows_of(static_cast<std::size_t>(list.id));
                scorer_.enter(index_->origin(list));
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
        next_ = rows_->scan(next_, last_, scorer_, filter_, deadline, found, scratch_, outcome);
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
    std::size_t next_ = 0;  // rows [next_, last_) of the list at hand are to be scanned
    std::size_t last_ = 0;
    bool asked_ = false;
    bool at_end_ = false;
};

}  // namespace tonari
