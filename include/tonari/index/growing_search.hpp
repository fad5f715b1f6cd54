// Searching a growing graph: the walk of the frozen one, at one moment.
//
// Rows that are not born yet, or dead and not yet taken out, lead the walk but are not answered. There are few of them at a
// time, so the walk is the plain one; only where they leave an answer short it is repeated with a queue that passes them over.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <tonari/index/growing_moment.hpp>
#include <tonari/index/nearest_ids.hpp>
#include <tonari/index/search_scratch.hpp>

namespace tonari {

/// One search of one index. It holds a moment, and lets it go when it ends. Allocates where the scratch is too small: the
/// index may have grown. Throws bad_alloc.
template <class Growing>
class GrowingSearch {
public:
    GrowingSearch(const Growing& index, SearchScratch& scratch) : index_(&index), moment_(index), scratch_(&scratch) {
        scratch_->reserve_query(index.codec().query_size());
        scratch_->visited.reserve(moment_.room());
    }

    Outcome nearest(typename Growing::Row query, const SearchOptions& options) {
        const std::size_t wanted = std::min(options.k, index_->size());
        const std::size_t width =
            std::clamp<std::size_t>(std::max(options.k, options.ef), 1, std::max<std::size_t>(vertices(), 1));
        scratch_->neighbors.clear();
        scratch_->neighbors.reserve(std::min(options.k, index_->most_ids()));
        auto scorer = moment_.aim(query, *scratch_);
        if (options.k >= index_->size()) {  // all there is: a walk could only miss some
            return scan(scorer, options.k, scratch_->nearest, std::max<std::size_t>(vertices(), 1), options, {});
        }
        if (options.filter == nullptr) {
            scratch_->pool.reset(width);
            const Outcome outcome = walk(scorer, scratch_->pool, options.deadline);
            answer(scratch_->pool.answers(), options.k, nullptr);
            const bool plain = passed_over_ * dead_share <= width && scratch_->neighbors.size() >= wanted;
            if (plain || !outcome.complete) return outcome;
            return passing_over(scorer, width, wanted, options, outcome);
        }
        const std::size_t passing = options.filter->passing;
        if (moment_.scan_is_cheaper(passing, width))
            return scan(scorer, options.k, scratch_->nearest, width, options, {});
        return passing_over(scorer, width, std::min(wanted, passing), options, {});
    }

    Outcome range(typename Growing::Row query, const RangeOptions& options) {
        const std::size_t cap = std::min(options.cap, index_->most_ids());
        const std::size_t width = std::clamp<std::size_t>(options.ef, 1, std::max<std::size_t>(vertices(), 1));
        scratch_->neighbors.clear();
        scratch_->neighbors.reserve(cap);
        scratch_->in_range.reset(cap + 1, options.radius);  // one more, to know whether the cap cut
        auto scorer = moment_.aim(query, *scratch_);
        Outcome outcome;
        if (options.filter != nullptr && moment_.scan_is_cheaper(options.filter->passing, width)) {
            outcome = scan_all(scorer, scratch_->in_range, filter_of(options.filter), options.deadline);
        } else {
            scratch_->heap.reserve(moment_.room());
            scratch_->nearest.reset(width);
            HeapFrontier frontier(scratch_->heap, scratch_->nearest, scratch_->in_range,
                                  passes(filter_of(options.filter)));
            outcome = walk(scorer, frontier, options.deadline);
        }
        outcome.truncated = answer(scratch_->in_range.sort(), cap, filter_of(options.filter));
        return outcome;
    }

private:
    [[nodiscard]] std::size_t vertices() const noexcept { return moment_.vertices(); }
    static const IdSet* filter_of(const RowFilter* filter) noexcept {
        return filter == nullptr ? nullptr : filter->named.get();
    }

    /// For frontiers.
    auto passes(const IdSet* filter) const noexcept {
        return [this, filter](RowId vertex) { return moment_.passes(vertex, filter); };
    }

    /// Vertices, nearest first, into the ids that they answer for; true if some were left out.
    bool answer(std::span<const OrderedKey> vertices, std::size_t k, const IdSet* filter) noexcept {
        NearestIds out(scratch_->neighbors, k);
        passed_over_ = 0;
        for (const OrderedKey key : vertices) {
            if (out.is_full_before(distance_of(key))) return true;
            bool alive = false;
            moment_.for_each_id(row_of(key), [&](Id id) {
                alive = true;
                if (filter == nullptr || filter->contains(id)) out.offer({id, distance_of(key)});
            });
            passed_over_ += alive ? 0 : 1;
        }
        return out.left_out();
    }

    template <class Frontier>
    Outcome walk(typename Growing::Scorer& scorer, Frontier& frontier, const Deadline& deadline) noexcept {
        Outcome outcome;
        auto expander = moment_.bottom(scorer, scratch_->visited);
        BeamSearch search(expander, frontier, scratch_->expansion);
        outcome.distances = moment_.enter(search, scorer, *scratch_);
        outcome.complete = run(search, deadline);
        outcome.hops = search.hops();
        outcome.distances += search.distances();
        return outcome;
    }

    /// A walk that is `width` wide in rows that may be answered; if it finds fewer than `wanted`, every row is compared.
    Outcome passing_over(typename Growing::Scorer& scorer, std::size_t width, std::size_t wanted,
                         const SearchOptions& options, const Outcome& before) {
        const IdSet* filter = filter_of(options.filter);
        scratch_->heap.reserve(moment_.room());
        scratch_->nearest.reset(width);
        HeapFrontier frontier(scratch_->heap, scratch_->nearest, passes(filter));
        const Outcome outcome = sum(walk(scorer, frontier, options.deadline), before);
        answer(scratch_->nearest.sort(), options.k, filter);
        if (scratch_->neighbors.size() >= wanted || !outcome.complete) return outcome;
        return scan(scorer, options.k, scratch_->nearest, width, options, outcome);
    }
    Outcome scan(typename Growing::Scorer& scorer, std::size_t k, TopK& nearest, std::size_t width,
                 const SearchOptions& options, const Outcome& before) {
        const IdSet* filter = filter_of(options.filter);
        nearest.reset(width);
        const Outcome outcome = sum(scan_all(scorer, nearest, filter, options.deadline), before);
        answer(nearest.sort(), k, filter);
        return outcome;
    }
    static Outcome sum(Outcome outcome, const Outcome& before) noexcept {
        outcome.hops += before.hops;
        outcome.distances += before.distances;
        return outcome;
    }

    /// Compares every row that may be answered.
    Outcome scan_all(typename Growing::Scorer& scorer, TopK& nearest, const IdSet* filter,
                     const Deadline& deadline) noexcept {
        Outcome outcome;
        std::array<const std::byte*, batch> codes{};
        std::array<RowId, batch> rows;       // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        std::array<float, batch> distances;  // NOLINT(cppcoreguidelines-pro-type-member-init)
        std::size_t count = 0;
        const auto flush = [&] {
            scorer.distances({codes.data(), count}, distances.data());
            for (std::size_t i = 0; i < count; ++i) nearest.offer(distances[i], rows[i]);
            outcome.distances += static_cast<std::uint32_t>(count);
            count = 0;
        };
        const auto may_be_answered = passes(filter);
        const std::size_t last = moment_.vertices();
        for (std::size_t i = 0; i < last && outcome.complete; ++i) {
            const auto vertex = static_cast<RowId>(i);
            if (!may_be_answered(vertex)) continue;
            codes[count] = index_->rows().code(vertex);
            rows[count++] = vertex;
            if (count < batch) continue;
            flush();
            outcome.complete = !deadline.expired();
        }
        flush();
        outcome.exact = outcome.complete;
        return outcome;
    }

    static constexpr std::size_t batch = 64;
    /// A walk of which more than one place in so many went to the dead was too narrow.
    static constexpr std::size_t dead_share = 8;

    const Growing* index_;
    GrowingMoment<Growing> moment_;
    SearchScratch* scratch_;
    std::size_t passed_over_ = 0;  // vertices of the last answer that answered for nothing
};

}  // namespace tonari
