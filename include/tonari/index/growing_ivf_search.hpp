// Searching growing lists: as frozen ones are (index/ivf_index.hpp), at one moment.
#pragma once

#include <algorithm>
#include <limits>

#include <tonari/index/growing_ivf_moment.hpp>
#include <tonari/index/nearest_ids.hpp>
#include <tonari/index/patience.hpp>
#include <tonari/index/search_scratch.hpp>

namespace tonari {

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
        index.coarse_lists().reserve(scratch);
        scratch.reserve_query(std::max(index.codec().query_size(), index.coarse_lists().query_size()));
        scratch.probed.reserve(lists());
    }

    /// `options.filter` is that of this search.
    Outcome nearest(typename Growing::Row query, const SearchOptions& options) {
        const std::size_t k = reserve(options.k);
        TopK& found = scratch_->in_range;  // `nearest` is the coarse search's
        found.reset(k);
        Outcome outcome = look(query, options, found);
        if (outcome.complete && !outcome.exact && found.size() < k) {
            look_further(query, options, found, outcome, [&] { return found.size() >= k; });
        }
        answer(found.sort(), k);
        return outcome;
    }

    /// Looks at the `nprobe` nearest lists, and on from list to list until half as many have held no row within the radius.
    Outcome range(typename Growing::Row query, const RangeOptions& options) {
        const std::size_t cap = reserve(options.cap);
        TopK& found = scratch_->in_range;
        found.reset(cap + 1, options.radius);  // one more, to know whether the cap cut
        Outcome outcome = look(query, options, found);
        if (outcome.complete && !outcome.exact && found.size() > 0) {
            const std::size_t patience = (options.nprobe + 1) / 2;
            look_further(query, options, found, outcome, [&, empty = std::size_t{0}, before = found.size()]() mutable {
                empty = found.size() > before ? 0 : empty + 1;
                before = found.size();
                return empty >= patience;
            });
        }
        outcome.truncated = answer(found.sort(), cap);
        return outcome;
    }

private:
    using Scorer = typename Growing::Scorer;

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
        if (filter_ != nullptr && index_->looks_at_all(filter_->passing, options.nprobe)) {
            Scorer scorer = moment_.aim(query, *scratch_);
            for (std::size_t list = 0; list < lists() && outcome.complete; ++list) {
                scan_list(list, scorer, options.deadline, found, outcome);
            }
            outcome.hops = 0;  // none was looked for
            outcome.exact = outcome.complete;
            return outcome;
        }
        const CoarseLists<typename Growing::CoarseIndex>& coarse = index_->coarse_lists();
        Patience patience = Patience::of(options, index_->codec().metric_kind());
        const std::size_t most = std::min(options.nprobe, lists());
        std::size_t ranked = patience.ranked_first(most);
        outcome.distances = coarse.find(query, ranked, *scratch_);
        while (!scan_ranked(query, options, patience, found, outcome) && ranked < most) {
            ranked = std::min(2 * ranked, most);
            outcome.distances += coarse.find(query, ranked, *scratch_);
        }
        outcome.exact = outcome.complete && outcome.hops == lists();
        return outcome;
    }
    /// Of the lists that were found those that were not looked at yet, until patience ends: true, also where the deadline has passed.
    template <class Options, Collector Found>
    bool scan_ranked(typename Growing::Row query, const Options& options, Patience& patience, Found& found,
                     Outcome& outcome) noexcept {
        Scorer scorer = moment_.aim(query, *scratch_);
        const auto& nearest = scratch_->lists;
        for (std::size_t i = 0; i < nearest.size(); ++i) {
            if (scratch_->probed.contains(static_cast<RowId>(nearest[i].id))) continue;
            if (patience.ends(nearest[i].distance, found.bound())) return true;
            if (i + 1 < nearest.size()) moment_.prefetch(static_cast<std::size_t>(nearest[i + 1].id));
            scan_list(static_cast<std::size_t>(nearest[i].id), scorer, options.deadline, found, outcome);
            if (!outcome.complete) return true;
            if (patience.ever_ends()) patience.asked(found.bound());
        }
        return false;
    }
    /// Looks at one further list after another, until it is `enough()`, which is asked after each.
    template <class Options, Collector Found, class Enough>
    void look_further(typename Growing::Row query, const Options& options, Found& found, Outcome& outcome,
                      Enough&& enough) noexcept {
        outcome.distances += index_->coarse_lists().find(query, lists(), *scratch_);
        Scorer scorer = moment_.aim(query, *scratch_);
        for (const Neighbor& list : scratch_->lists) {
            if (!scan_list(static_cast<std::size_t>(list.id), scorer, options.deadline, found, outcome)) continue;
            if (!outcome.complete || enough()) return;
        }
        outcome.exact = scratch_->lists.size() == lists();
    }
    /// False if it was looked at before.
    template <Collector Found>
    bool scan_list(std::size_t list, Scorer& scorer, const Deadline& deadline, Found& found,
                   Outcome& outcome) noexcept {
        if (!scratch_->probed.insert(static_cast<RowId>(list))) return false;
        moment_.scan(index_->lists().first(list), scorer, deadline, found, scratch_->expansion.survivors, outcome);
        ++outcome.hops;
        return true;
    }

    /// Places, nearest first, into their ids; true if some were left out.
    bool answer(std::span<const OrderedKey> places, std::size_t k) noexcept {
        NearestIds out(scratch_->neighbors, k);
        for (const OrderedKey key : places) {
            if (out.is_full_before(distance_of(key))) return true;
            out.offer({moment_.id(row_of(key)), distance_of(key)});
        }
        return out.left_out();
    }

    const Growing* index_;
    const RowFilter* filter_;
    GrowingIvfMoment<Growing> moment_;
    SearchScratch* scratch_;
};

}  // namespace tonari
