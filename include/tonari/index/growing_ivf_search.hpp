// Searching growing lists: as frozen ones are (index/ivf_index.hpp), at one moment.
#pragma once

#include <algorithm>
#include <limits>

#include <tonari/index/growing_ivf_moment.hpp>
#include <tonari/index/patience.hpp>
#include <tonari/index/prepared_queries.hpp>
#include <tonari/index/refining_collector.hpp>
#include <tonari/index/search_scratch.hpp>
#include <tonari/lists/list_rounds.hpp>

namespace tonari {

/// The finer codes of growing lists, as those of a RefiningCollector.
template <class Codec>
class GrowingFineRows {
public:
    using Scorer = typename Codec::Scorer;
    GrowingFineRows(const GrowingLists& lists, const Codec& codec) noexcept : lists_(&lists), codec_(&codec) {}
    [[nodiscard]] const Codec& codec() const noexcept { return *codec_; }
    [[nodiscard]] const std::byte* code(RowId place) const noexcept { return lists_->fine(place); }
    [[nodiscard]] static constexpr bool on_disk() noexcept { return false; }
    static void fetch(std::size_t /*first*/, std::size_t /*last*/) noexcept {}
    static void tend_cache() noexcept {}

private:
    const GrowingLists* lists_;
    const Codec* codec_;
};

/// One search of one index. It holds a moment, and lets it go when it ends. Allocates where the scratch is too small: the
/// index may have grown. Throws bad_alloc.
template <class Growing>
class GrowingIvfSearch {
public:
    GrowingIvfSearch(const Growing& index, SearchScratch& scratch, const RowFilter* filter = nullptr)
        : index_(&index),
          filter_(filter),
          moment_(index, filter == nullptr ? nullptr : filter->named.get()),
          scratch_(&scratch) {
        reserve(index, scratch);
    }
    /// All that a search needs of a scratch, but for its answers. Throws bad_alloc.
    static void reserve(const Growing& index, SearchScratch& scratch) {
        index.coarse_lists().reserve(scratch);
        scratch.reserve_query(std::max(index.list_codec().query_size(), index.coarse_lists().query_size()));
        if constexpr (Growing::refined) scratch.reserve_fine_query(index.codec().query_size());
        scratch.probed.reserve(index.lists().lists());
    }

    /// `options.filter` is that of this search.
    Outcome nearest(typename Growing::Row query, const SearchOptions& options) {
        const std::size_t k = reserve(options.k);
        kept().reset(k);
        if (ranks_passing(options)) {
            const Outcome outcome = rank_passing(query, options);
            moment_.answer(kept().sort(), k, scratch_->neighbors);
            return outcome;
        }
        const Outcome outcome = collect(query, [&](auto& found) {
            Outcome looked = look(query, options, found);
            if (looked.complete && !looked.exact && found.size() < k) {
                look_further(query, options, found, looked, [&] { return found.size() >= k; });
            }
            return looked;
        });
        moment_.answer(kept().sort(), k, scratch_->neighbors);
        return outcome;
    }

    /// Looks at the `nprobe` nearest lists, and on from list to list until half as many have held no row within the radius.
    Outcome range(typename Growing::Row query, const RangeOptions& options) {
        const std::size_t cap = reserve(options.cap);
        kept().reset(cap + 1, options.radius);  // one more, to know whether the cap cut
        if (ranks_passing(options)) {
            Outcome outcome = rank_passing(query, options);
            outcome.truncated = moment_.answer(kept().sort(), cap, scratch_->neighbors);
            return outcome;
        }
        Outcome outcome = collect(query, [&](auto& found) {
            Outcome looked = look(query, options, found);
            if (!looked.complete || looked.exact || found.size() == 0) return looked;
            const std::size_t patience = (options.nprobe + 1) / 2;
            look_further(query, options, found, looked, [&, empty = std::size_t{0}, before = found.size()]() mutable {
                empty = found.size() > before ? 0 : empty + 1;
                before = found.size();
                return empty >= patience;
            });
            return looked;
        });
        outcome.truncated = moment_.answer(kept().sort(), cap, scratch_->neighbors);
        return outcome;
    }

private:
    using Moment = GrowingIvfMoment<Growing>;
    using Scorer = typename Moment::Scorer;

    /// What is answered: `nearest` is the coarse search's.
    [[nodiscard]] TopK& kept() noexcept { return Growing::refined ? scratch_->fine_nearest : scratch_->in_range; }
    /// What `look(found)` says, whose `found` hands what is answered to `kept()`.
    template <class Look>
    Outcome collect([[maybe_unused]] typename Growing::Row query, const Look& look) {
        if constexpr (Growing::refined) {
            const auto& codec = index_->codec();
            codec.prepare(query, scratch_->fine_query());
            auto scorer = codec.scorer();
            scorer.set_query(scratch_->fine_query());
            const GrowingFineRows rows(index_->lists(), codec);
            RefiningCollector found(rows, scorer, kept());
            Outcome outcome = look(found);
            found.settle();
            outcome.refined = found.looked_at();
            outcome.exact = false;  // bounds hold nearly always
            return outcome;
        } else {
            Outcome outcome = look(kept());
            outcome.exact = outcome.exact && !Scorer::bounded;
            return outcome;
        }
    }

    template <class Options>
    [[nodiscard]] bool ranks_passing(const Options& options) const noexcept {
        return filter_ != nullptr && index_->ranks_passing(filter_->passing, options.nprobe);
    }
    /// Offers the rows that pass to `kept()`, by their finer codes.
    template <class Options>
    Outcome rank_passing([[maybe_unused]] typename Growing::Row query, [[maybe_unused]] const Options& options) {
        Outcome outcome;
        if constexpr (Growing::refined) {
            using Fine = GrowingIvfMoment<Growing, true>;
            const Fine fine(moment_);
            fine.codec().prepare(query, scratch_->fine_query());
            auto scorer = scorer_of(fine.codec(), scratch_->fine_query(), options);
            for (std::size_t list = 0; list < lists() && outcome.complete; ++list) {
                fine.scan(index_->lists().first(list), scorer, options.deadline, kept(), scratch_->expansion.survivors,
                          outcome);
            }
            outcome.exact = outcome.complete && !Fine::Scorer::bounded;
        }
        return outcome;
    }

    [[nodiscard]] std::size_t lists() const noexcept { return index_->lists().lists(); }

    /// Room for so many answers, or for as many as there can be: how many. The two change places with every search among the
    /// centroids.
    std::size_t reserve(std::size_t wanted) {
        const std::size_t most = std::min(wanted, moment_.most_ids());
        scratch_->lists.reserve(std::max(most, lists()));
        scratch_->neighbors.reserve(std::max(most, lists()));
        return std::max<std::size_t>(most, 1);
    }

    /// Looks at the nearest lists; at all where few rows pass.
    template <class Options, Collector Found>
    Outcome look(typename Growing::Row query, const Options& options, Found& found) noexcept {
        Outcome outcome;
        if (moment_.most_ids() == 0) {
            outcome.exact = true;
            return outcome;
        }
        scratch_->probed.clear();
        std::size_t nprobe = options.nprobe;
        if (filter_ != nullptr && index_->looks_at_all(filter_->passing, nprobe)) {
            if constexpr (Moment::relative) {
                nprobe = lists();  // rows are what they are beside their lists' centroids
            } else {
                Scorer scorer = aim(query, options);
                for (std::size_t list = 0; list < lists() && outcome.complete; ++list) {
                    scan_list({static_cast<Id>(list), 0}, scorer, options.deadline, found, outcome);
                }
                settle(found);
                outcome.hops = 0;  // none was looked for
                outcome.exact = outcome.complete;
                return outcome;
            }
        }
        const CoarseLists<typename Growing::CoarseIndex>& coarse = index_->coarse_lists();
        Patience patience = Patience::of(options, index_->list_codec().metric_kind());
        const std::size_t most = std::min(nprobe, lists());
        std::size_t ranked = patience.ranked_first(most);
        outcome.distances = coarse.find(query, ranked, *scratch_);
        while (!scan_ranked(query, options, patience, found, outcome) && ranked < most) {
            ranked = std::min(2 * ranked, most);
            outcome.distances += coarse.find(query, ranked, *scratch_);
        }
        settle(found);
        outcome.exact = outcome.complete && outcome.hops == lists();
        return outcome;
    }
    /// Of the lists that were found those that were not looked at yet, until patience ends: true, also where the deadline has passed.
    template <class Options, Collector Found>
    bool scan_ranked(typename Growing::Row query, const Options& options, Patience& patience, Found& found,
                     Outcome& outcome) noexcept {
        Scorer scorer = aim(query, options);
        if constexpr (in_rounds<typename Growing::ListCodec, Found>) {
            if (!patience.ever_ends()) order_in_rounds(scratch_->lists);
        }
        const auto& nearest = scratch_->lists;
        for (std::size_t i = 0; i < nearest.size(); ++i) {
            if (scratch_->probed.contains(static_cast<RowId>(nearest[i].id))) continue;
            if (patience.ends(nearest[i].distance, found.bound())) return true;
            if (i + 1 < nearest.size()) moment_.prefetch(static_cast<std::size_t>(nearest[i + 1].id));
            scan_list(nearest[i], scorer, options.deadline, found, outcome);
            if (!outcome.complete) return true;
            if (!patience.ever_ends()) continue;
            settle(found);
            patience.asked(found.bound());
        }
        return false;
    }
    /// Looks at one further list after another, until it is `enough()`, which is asked after each.
    template <class Options, Collector Found, class Enough>
    void look_further(typename Growing::Row query, const Options& options, Found& found, Outcome& outcome,
                      Enough&& enough) noexcept {
        outcome.distances += index_->coarse_lists().find(query, lists(), *scratch_);
        Scorer scorer = aim(query, options);
        for (const Neighbor& list : scratch_->lists) {
            if (!scan_list(list, scorer, options.deadline, found, outcome)) continue;
            settle(found);
            if (!outcome.complete || enough()) return;
        }
        outcome.exact = scratch_->lists.size() == lists();
    }
    template <class Options>
    Scorer aim(typename Growing::Row query, const Options& options) const noexcept {
        index_->list_codec().prepare(query, scratch_->query());
        return scorer_of(index_->list_codec(), scratch_->query(), options);
    }
    /// From here on `found.size()` counts all that was offered.
    template <Collector Found>
    static void settle(Found& found) noexcept {
        if constexpr (requires { found.settle(); }) found.settle();
    }
    /// False if it was looked at before.
    template <Collector Found>
    bool scan_list(const Neighbor& list, Scorer& scorer, const Deadline& deadline, Found& found,
                   Outcome& outcome) noexcept {
        if (!scratch_->probed.insert(static_cast<RowId>(list.id))) return false;
        moment_.enter(list, scorer);
        moment_.scan(index_->lists().first(static_cast<std::size_t>(list.id)), scorer, deadline, found,
                     scratch_->expansion.survivors, outcome);
        ++outcome.hops;
        return true;
    }

    const Growing* index_;
    const RowFilter* filter_;
    Moment moment_;
    SearchScratch* scratch_;
};

}  // namespace tonari
