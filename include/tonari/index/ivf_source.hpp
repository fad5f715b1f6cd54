// A cursor's rows from inverted lists: those of the nearest `nprobe` lists, then, whenever more are needed, those of as many
// further ones.
#pragma once

#include <array>
#include <limits>
#include <memory>
#include <tuple>
#include <vector>

#include <tonari/index/cursor_model.hpp>
#include <tonari/index/search_scratch.hpp>

namespace tonari {

/// `Ivf` is an IvfIndex.
template <class Ivf>
class IvfSource {
public:
    IvfSource(const Ivf& index, RowView query, const CursorOptions& options)
        : index_(&index),
          filter_(options.filter),
          nprobe_(options.nprobe),
          scratch_(scratch_for_query(index.codec().query_size())),
          scorer_(index.rows().scorer(query, scratch_)) {
        std::vector<float> wide(index.dim());
        lists_ = index.coarse().cursor(index.as_centroid(query, wide.data()), {.ef = options.ef});
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
                std::tie(next_, last_) =
                    index_->partition().rows_of(static_cast<std::size_t>(nearest_[looked_at_++].id));
                ++outcome.hops;
            } else if (asked_ && enough()) {
                break;
            } else {
                ask(outcome);
            }
        }
        return outcome;
    }
    template <class Visit>
    void for_each_id(RowId row, Visit&& visit) const noexcept {
        index_->rows().for_each_id(row, filter_, visit);
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
        constexpr std::size_t batch = 256;
        std::array<const std::byte*, batch> codes{};
        Expansion& space = scratch_.expansion;
        while (next_ < last_ && outcome.complete) {
            std::size_t count = 0;
            for (; count < batch && next_ < last_; ++next_) {
                const auto row = static_cast<RowId>(next_);
                if (filter_ != nullptr && !filter_->rows.test(row)) continue;
                codes[count] = index_->rows().code(row);
                space.rows[count++] = row;
            }
            space.survivors.clear();
            scorer_.gather({codes.data(), count}, std::numeric_limits<float>::infinity(), space.survivors);
            for (std::size_t i = 0; i < space.survivors.count; ++i) {
                pending_.offer(make_key(space.survivors.estimate[i], space.rows[space.survivors.index[i]]));
            }
            outcome.distances += static_cast<std::uint32_t>(count);
            outcome.complete = !deadline.expired();
        }
    }

    const Ivf* index_;
    const RowFilter* filter_;
    std::size_t nprobe_;
    std::unique_ptr<CursorModel> lists_;
    SearchScratch scratch_;
    decltype(std::declval<const Ivf&>().rows().scorer(RowView{}, std::declval<SearchScratch&>())) scorer_;
    PendingRows pending_;
    std::vector<Neighbor> nearest_;  // lists that were asked for; those before `looked_at_` have been scanned or are
    std::size_t looked_at_ = 0;
    std::size_t next_ = 0;  // rows [next_, last_) of the list at hand are to be scanned
    std::size_t last_ = 0;
    bool asked_ = false;
    bool at_end_ = false;
};

}  // namespace tonari
