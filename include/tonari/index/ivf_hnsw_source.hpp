// A cursor's rows by walks through the graphs of cells: of the nearest `nprobe`, then, whenever more rows are needed, on from where these
// ended, and then in as many further ones.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <tonari/graph/beam_search.hpp>
#include <tonari/graph/cell_layers.hpp>
#include <tonari/index/cursor_model.hpp>
#include <tonari/index/scan_source.hpp>
#include <tonari/index/search_scratch.hpp>

namespace tonari {

/// `Ivf` is an IvfHnswIndex.
template <class Ivf>
class IvfHnswSource {
public:
    IvfHnswSource(const Ivf& index, RowView query, const CursorOptions& options)
        : index_(&index),
          filter_(options.filter),
          nprobe_(options.nprobe),
          lists_(index.coarse_lists().cursor(query, options.ef)),
          scratch_(index),
          scorer_(index.rows().scorer(query, scratch_)),
          expander_(index.bottom(scorer_, scratch_.met)),
          in_cell_(scratch_.heap, scratch_.in_cell, pending_, Passes{options.filter}),
          left_over_(left_, pending_, Passes{options.filter}),
          walk_in_cell_(expander_, in_cell_, scratch_.expansion),
          walk_on_(expander_, left_over_, scratch_.expansion) {
        pending_.reserve(index.rows().rows());
        left_.reserve(index.rows().rows());
        nearest_.reserve(index.partition().lists());
    }
    IvfHnswSource(const IvfHnswSource&) = delete;
    IvfHnswSource& operator=(const IvfHnswSource&) = delete;
    ~IvfHnswSource() = default;

    [[nodiscard]] std::size_t ids() const noexcept { return filter_ == nullptr ? index_->size() : filter_->passing; }
    [[nodiscard]] PendingRows& pending() noexcept { return pending_; }
    [[nodiscard]] const PendingRows& pending() const noexcept { return pending_; }
    [[nodiscard]] bool exhausted() const noexcept {
        return at_end_ && entered_ == nearest_.size() && next_ == last_ && scratch_.heap.empty() && left_.empty();
    }

    /// Goes on where it was, in the middle of a cell if a deadline passed there.
    Outcome find(const Deadline& deadline) {
        Outcome outcome;
        const std::uint32_t hops = walk_in_cell_.hops() + walk_on_.hops();
        const std::uint32_t distances = walk_in_cell_.distances() + walk_on_.distances();
        while (outcome.complete) {
            if (next_ < last_) {
                PendingCollector found(pending_);
                next_ = index_->rows().scan(next_, last_, scorer_, filter_, deadline, found, scratch_, outcome);
            } else if (!scratch_.heap.empty()) {
                outcome.complete = run(walk_in_cell_, deadline);
                if (outcome.complete) leave();
            } else if (entered_ < nearest_.size()) {
                enter(static_cast<std::size_t>(nearest_[entered_++].id), outcome);
            } else {
                outcome.complete = run(walk_on_, deadline);
                if (at_end_ || enough()) break;
                entered_ = 0;
                outcome.distances += lists_->next(nprobe_, {}, nearest_).distances;
                at_end_ = lists_->done();
            }
        }
        outcome.hops += walk_in_cell_.hops() + walk_on_.hops() - hops;
        outcome.distances += walk_in_cell_.distances() + walk_on_.distances() - distances;
        return outcome;
    }
    template <class Visit>
    void for_each_id(RowId row, Visit&& visit) const noexcept {
        index_->rows().for_each_id(row, filter_, visit);
    }

private:
    using Scorer = std::remove_cvref_t<decltype(std::declval<const Ivf&>().codec().scorer())>;
    struct Passes {
        const RowFilter* filter;
        bool operator()(RowId row) const noexcept { return filter == nullptr || filter->rows.test(row); }
    };
    using InCell = CellCursorFrontier<Passes>;
    using LeftOver = CursorFrontier<Passes>;
    struct Scratch : SearchScratch {
        explicit Scratch(const Ivf& index) {
            reserve_query(index.codec().query_size());
            met.reserve(index.rows().rows());
            heap.reserve(index.rows().rows());
        }
    };

    [[nodiscard]] bool enough() const noexcept {
        return pending_.bound() != std::numeric_limits<float>::infinity();  // as many as it was widened to
    }
    void enter(std::size_t cell, Outcome& outcome) {
        const auto [first, last] = index_->partition().rows_of(cell);
        if (first == last) return;
        const std::size_t width = Ivf::width_in_cell(pending_.width());
        scratch_.in_cell.reset(width);
        if (index_->scans(cell, width, filter_)) {
            std::tie(next_, last_) = std::pair(first, last);
            ++outcome.hops;
        } else {
            index_->enter(cell, walk_in_cell_, scorer_, scratch_.met, scratch_.expansion, outcome);
        }
    }
    /// The candidates of the cell at hand join those of the others.
    void leave() noexcept {
        for (const OrderedKey key : scratch_.heap) {
            left_.push_back(key);
            std::push_heap(left_.begin(), left_.end());
        }
        scratch_.heap.clear();
    }

    const Ivf* index_;
    const RowFilter* filter_;
    std::size_t nprobe_;
    std::unique_ptr<CursorModel> lists_;
    Scratch scratch_;  // its heap holds the candidates of the cell at hand
    Scorer scorer_;
    CellExpander<Scorer> expander_;
    PendingRows pending_;
    std::vector<OrderedKey> left_;  // those of cells that were left
    InCell in_cell_;
    LeftOver left_over_;
    BeamSearch<CellExpander<Scorer>, InCell> walk_in_cell_;
    BeamSearch<CellExpander<Scorer>, LeftOver> walk_on_;
    std::vector<Neighbor> nearest_;  // cells that were asked for; those before `entered_` were entered
    std::size_t entered_ = 0;
    std::size_t next_ = 0;  // rows [next_, last_) of the cell at hand are to be scanned
    std::size_t last_ = 0;
    bool at_end_ = false;
};

}  // namespace tonari
