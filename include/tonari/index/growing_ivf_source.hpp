// A cursor's rows from one moment of growing lists: those of the nearest `nprobe` lists, then, whenever more are needed, those
// of as many further ones; those of all lists where few pass a filter. Where there are finer codes, it goes by these.
#pragma once

#include <limits>
#include <memory>
#include <vector>

#include <tonari/index/cursor_model.hpp>
#include <tonari/index/growing_ivf_moment.hpp>
#include <tonari/index/scan_source.hpp>
#include <tonari/index/search_scratch.hpp>

namespace tonari {

template <class Growing>
class GrowingIvfSource {
    using Moment = GrowingIvfMoment<Growing, Growing::refined>;

public:
    /// Rows are what they are beside their lists' centroids: these must have been found.
    static constexpr bool relative = Moment::relative;

    /// `all`: of all lists, in any order (`Growing::looks_at_all`); not where they are `relative`.
    GrowingIvfSource(const Growing& index, typename Growing::Row query, const CursorOptions& options, bool all = false)
        : index_(&index),
          moment_(index, options.filter == nullptr ? nullptr : options.filter->named.get()),
          nprobe_(options.nprobe),
          scratch_(scratch_for_query(moment_.codec().query_size())),
          scorer_(moment_.aim(query, scratch_)) {
        pending_.reserve(moment_.most_ids());
        nearest_.reserve(index.lists().lists());
        if (all) {
            for (std::size_t list = 0; list < index.lists().lists(); ++list) {
                nearest_.push_back({static_cast<Id>(list), 0});
            }
            asked_ = at_end_ = true;
        } else {
            lists_ = index.coarse_lists().cursor(query, options.ef);
        }
    }
    GrowingIvfSource(const GrowingIvfSource&) = delete;
    GrowingIvfSource& operator=(const GrowingIvfSource&) = delete;
    ~GrowingIvfSource() = default;

    [[nodiscard]] std::size_t ids() const noexcept { return moment_.most_ids(); }
    [[nodiscard]] PendingRows& pending() noexcept { return pending_; }
    [[nodiscard]] const PendingRows& pending() const noexcept { return pending_; }
    [[nodiscard]] bool exhausted() const noexcept {
        return at_ == GrowingLists::no_block && looked_at_ == nearest_.size() && at_end_;
    }

    /// Goes on where it was, in the middle of a list if a deadline passed there.
    Outcome find(const Deadline& deadline) {
        Outcome outcome;
        while (outcome.complete && !exhausted()) {
            if (at_ != GrowingLists::no_block) {
                PendingCollector found(pending_);
                at_ = moment_.scan(at_, scorer_, deadline, found, scratch_.expansion.survivors, outcome);
            } else if (looked_at_ < nearest_.size()) {
                const Neighbor& list = nearest_[looked_at_++];
                moment_.enter(list, scorer_);
                at_ = index_->lists().first(static_cast<std::size_t>(list.id));
                ++outcome.hops;
            } else if (asked_ && enough()) {
                break;
            } else {
                ask(outcome);
            }
        }
        outcome.exact = outcome.complete && exhausted();
        return outcome;
    }
    template <class Visit>
    void for_each_id(RowId place, Visit&& visit) const noexcept {
        visit(moment_.id(place));
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

    const Growing* index_;
    Moment moment_;
    std::size_t nprobe_;
    std::unique_ptr<CursorModel> lists_;
    SearchScratch scratch_;
    typename Moment::Scorer scorer_;
    PendingRows pending_;
    std::vector<Neighbor> nearest_;  // lists that were asked for; those before `looked_at_` have been scanned or are
    std::size_t looked_at_ = 0;
    GrowingLists::Block at_ = GrowingLists::no_block;  // of the list at hand, the next to be scanned
    bool asked_ = false;
    bool at_end_ = false;
};

}  // namespace tonari
