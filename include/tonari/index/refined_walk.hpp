// One search of a graph by coarse codes whose rows are ranked by finer ones, as a walk that can be stopped after each half of a step
// (index/walk_batch.hpp).
#pragma once

#include <algorithm>
#include <cstdint>

#include <tonari/index/answer_ids.hpp>
#include <tonari/index/refining_collector.hpp>
#include <tonari/index/row_map.hpp>
#include <tonari/index/search_options.hpp>
#include <tonari/index/search_scratch.hpp>

namespace tonari {

/// A query as both codes see it. `Whole` is a Refined.
template <class Whole>
class FineQuery {
public:
    using Scorer = typename Whole::FineCodec::Scorer;

    void start(const Whole& index, RowView query, SearchScratch& scratch) noexcept {
        index.codec().prepare(query, scratch.fine_query());
        scorer_ = index.codec().scorer();
        scorer_.set_query(scratch.fine_query());
    }
    /// What it is to the coarse codes.
    template <class Options>
    RowView mapped(const Whole& index, RowView query, const Options& options, SearchScratch& scratch) noexcept {
        offset_ = 0;
        if (!index.map()) return query;
        const RowView mapped = index.map()->map_query(query, scratch.mapped.data());
        offset_ = index.map()->bound_offset(query, scratch.mapped.data(), options.refine);
        return mapped;
    }
    [[nodiscard]] Scorer& scorer() noexcept { return scorer_; }
    /// Ranks in `scratch.fine_nearest` what `find(found)` offers; what that says of it.
    template <class Find>
    Outcome rank(const Whole& index, SearchScratch& scratch, const Find& find) noexcept {
        RefiningCollector<typename Whole::FineRows> found(index.fine_rows(), scorer_, scratch.fine_nearest);
        found.offset_bounds(offset_);
        Outcome outcome = find(found);
        found.settle();
        index.fine_rows().tend_cache();
        outcome.refined = found.looked_at();
        outcome.exact = false;  // bounds hold nearly always
        return outcome;
    }

private:
    Scorer scorer_{};
    float offset_ = 0;  // see RowMap::bound_offset
};

/// A search of a graph by coarse codes (HnswWalk), whose rows are ranked by finer ones. `Whole` is a Refined over it.
template <class Whole>
class RefinedWalk {
public:
    using Index = Whole;

    RefinedWalk(const Whole& index, const SearchOptions& options, SearchScratch& scratch) noexcept
        : index_(&index), options_(&options), scratch_(&scratch), walk_(index.inner(), options, scratch) {}

    void start(RowView query) noexcept {
        fine_.start(*index_, query, *scratch_);
        walk_.start(fine_.mapped(*index_, query, *options_, *scratch_));
    }
    bool step() noexcept { return walk_.step(); }
    bool begin_step() noexcept { return walk_.begin_step(); }
    void end_step() noexcept { walk_.end_step(); }
    [[nodiscard]] std::uint32_t hops() const noexcept { return walk_.hops(); }

    Outcome finish(bool complete) noexcept {
        const std::size_t k = std::min(options_->k, index_->size());
        scratch_->fine_nearest.reset(k);
        const auto outcome = fine_.rank(*index_, *scratch_, [&](auto& found) {
            walk_.offer(found);
            return walk_.outcome(complete);
        });
        answer_ids(index_->ids(), scratch_->fine_nearest.sort(), k, nullptr, scratch_->neighbors);
        return outcome;
    }

private:
    const Whole* index_;
    const SearchOptions* options_;
    SearchScratch* scratch_;
    FineQuery<Whole> fine_;
    typename Whole::Coarse::Walk walk_;
};

}  // namespace tonari
