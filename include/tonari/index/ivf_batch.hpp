// Many queries over inverted lists at once: list by list in place of query by query. A list that several queries look at is read from
// memory once, a piece of it that fits into a cache at a time; one by one, each query waits for all of its rows. On rows that
// are longer than a cache line or two that is most of what a query takes. Centroids are compared in blocks, too.
//
//     for each group of queries (one thread's):   their nearest lists, in panels of 32 queries
//       for each round of them:                   pairs (list, query), sorted
//         for each list that any of them looks at:
//           for each piece of it:                 each of these queries compares it, and keeps its own nearest
//
// Where what a query keeps does not depend on the order of its lists, there is one round. Where a bound decides which rows are
// looked at more closely, it does: then there are rounds (lists/list_rounds.hpp), and a single search has the same. So the answers
// are those of single queries, bit for bit.
//
// What queries keep is a class of its own, a `Kept` (below, and NearestByFine): made of a whole index and options, it has the
// functions of NearestOfEach.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <tonari/codec/scorer.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/top_k.hpp>
#include <tonari/index/rough_centroids.hpp>
#include <tonari/index/search_options.hpp>
#include <tonari/index/search_scratch.hpp>
#include <tonari/lists/list_rounds.hpp>
#include <tonari/simd/prefetch.hpp>

namespace tonari {

/// Bytes from one of several prepared queries to the next: each begins a cache line. What `prepare` needs besides is left to the next.
template <class C>
std::size_t query_stride(const C& codec) noexcept {
    std::size_t bytes = codec.query_size();
    if constexpr (requires { codec.prepared_size(); }) bytes = codec.prepared_size();
    return (bytes + 63) / 64 * 64;
}

/// The queries of a group as a codec prepares them, one after another.
class PreparedQueries {
public:
    PreparedQueries() noexcept = default;
    /// Throws bad_alloc. Not zeroed: so that asking again and again does not have the system hand out new pages each time.
    template <class C>
    PreparedQueries(const C& codec, std::size_t count)
        : block_(std::make_unique_for_overwrite<std::byte[]>(count * query_stride(codec) + codec.query_size() + 63)) {}

    /// In their order: the room of one is taken by the next.
    template <class C>
    const std::byte* prepare(const C& codec, std::size_t q, RowView query) noexcept {
        codec.prepare(query, at(codec, q));
        return at(codec, q);
    }
    template <class C>
    void prefetch(const C& codec, std::size_t q) noexcept {
        simd::prefetch(at(codec, q), query_stride(codec));
    }

private:
    template <class C>
    [[nodiscard]] std::byte* at(const C& codec, std::size_t q) noexcept {
        const auto address = reinterpret_cast<std::uintptr_t>(block_.get());
        return block_.get() + (64 - address % 64) % 64 + q * query_stride(codec);
    }
    std::unique_ptr<std::byte[]> block_;
};

/// What the queries of a group keep where codes rank them: k rows each.
template <class Ivf>
class NearestOfEach {
public:
    /// Where a query's rows are offered.
    class Found {
    public:
        explicit Found(TopK& nearest) noexcept : nearest_(&nearest) {}
        [[nodiscard]] float bound() const noexcept { return nearest_->bound(); }
        [[nodiscard]] std::size_t size() const noexcept { return nearest_->size(); }
        void offer(RowId row, float distance, float /*lower*/) noexcept { nearest_->offer(distance, row); }

    private:
        TopK* nearest_;
    };
    NearestOfEach(const Ivf& index, const SearchOptions& options) noexcept
        : index_(&index), options_(&options), k_(std::min(options.k, index.size())) {}

    /// Bytes that a query takes.
    [[nodiscard]] std::size_t query_bytes() const noexcept { return sizeof(TopK) + k_ * sizeof(OrderedKey); }
    /// All that is ever allocated, also for searches one by one. Throws bad_alloc.
    Status reserve(std::size_t group, SearchScratch& scratch) {
        nearest_.resize(group);
        for (TopK& nearest : nearest_) nearest.reset(k_);
        return index_->reserve(*options_, scratch);
    }
    /// Query `q` of the group begins. What it is to the lists, for as long as its panel is at hand.
    RowView enter(std::size_t q, RowView query) noexcept {
        nearest_[q].reset(k_);
        return query;
    }
    /// Puts where rows are offered to it behind those that are there. Closed before it goes.
    void open(std::size_t q, std::vector<Found>& to) noexcept { to.emplace_back(nearest_[q]); }
    void close(std::size_t /*q*/, Found& /*found*/) noexcept {}
    /// Its answer into `scratch.neighbors`.
    void answer(std::size_t q, RowView query, Outcome& outcome, SearchScratch& scratch) noexcept {
        if (nearest_[q].size() < k_ && outcome.hops < index_->partition().lists()) {
            outcome = index_->search(query, *options_, scratch);  // looks at further lists
            return;
        }
        outcome.exact = !Ivf::Scorer::bounded && outcome.hops == index_->partition().lists();
        index_->rows().answer(nearest_[q].sort(), k_, nullptr, scratch.neighbors);
    }

private:
    const Ivf* index_;
    const SearchOptions* options_;
    std::size_t k_;
    std::vector<TopK> nearest_;
};

/// `Ivf` is an IvfIndex whose rows stand in one list each and in memory; `Kept` what its queries keep, made of `Whole`.
template <class Ivf, class Kept, class Whole = Ivf>
class IvfBatch {
public:
    IvfBatch(const Ivf& index, const Whole& whole, MatrixView queries, const SearchOptions& options,
             Answers& out) noexcept
        : index_(&index), whole_(&whole), queries_(queries), options_(&options), out_(&out) {}

    /// True, or false where that would take too much memory. Throws bad_alloc.
    Result<bool> run() {
        const std::size_t threads = resolve_threads(options_->threads);
        const std::size_t share = (queries_.rows() + threads - 1) / threads;
        const std::size_t room = Kept(*whole_, *options_).query_bytes() + query_stride(index_->codec()) +
                                 lists() * (sizeof(Neighbor) + sizeof(std::uint64_t));
        const std::size_t group = std::min({share, most_together, group_bytes / room});
        if (group < Ivf::fewest_together) return false;
        const std::size_t groups = (queries_.rows() + group - 1) / group;
        std::vector<Worker> workers;
        for (std::size_t i = 0; i < std::min(threads, groups); ++i) {
            workers.emplace_back(*whole_, *options_);
            if (Status s = prepare(workers.back(), group); !s) return std::move(s).error();
        }
        parallel_for(options_->threads, groups, 1, [&](std::size_t first, std::size_t last, unsigned at) {
            for (std::size_t g = first; g < last; ++g) {
                answer(workers[at], g * group, std::min((g + 1) * group, queries_.rows()));
            }
        });
        return true;
    }

private:
    using Scorer = typename Ivf::Scorer;
    static constexpr bool rounds =
        in_rounds<std::remove_cvref_t<decltype(std::declval<const Ivf&>().codec())>, typename Kept::Found>;
    static constexpr std::size_t panel = RoughCentroids::Panel::most;
    static constexpr std::size_t fewest_in_panel = 8;  // a panel takes as long for one query as for all of it
    static constexpr std::size_t most_together = 1024;
    static constexpr std::size_t most_scanned = [] {
        if constexpr (requires { Scorer::most_together; }) return Scorer::most_together;
        return std::size_t{1};
    }();
    static constexpr std::size_t group_bytes = std::size_t{32} << 20;   // of what is known of queries
    static constexpr std::size_t piece_bytes = std::size_t{128} << 10;  // an eighth of a common L2 cache, or less

    struct Worker {
        Worker(const Whole& whole, const SearchOptions& options) : kept(whole, options) {}
        Kept kept;
        SearchScratch scratch;
        PreparedQueries prepared;
        std::vector<Scorer> scorers;
        std::vector<typename Kept::Found> open;  // of the queries that a scan is for
        std::vector<Survivors> survivors;        // of each of them
        std::vector<float> wide;                 // a panel of queries, as centroids are stored
        RoughCentroids::Panel rounded;           // the same, to be measured
        std::vector<Neighbor> lists;             // `lists()` a query, nearest first
        std::vector<std::uint64_t> pairs;        // of a round: list, place in `lists`
    };

    [[nodiscard]] std::size_t lists() const noexcept { return std::min(options_->nprobe, index_->partition().lists()); }

    /// All that a worker ever allocates.
    Status prepare(Worker& worker, std::size_t group) const {
        if (Status s = worker.kept.reserve(group, worker.scratch); !s) return s;
        worker.prepared = PreparedQueries(index_->codec(), group);
        worker.open.reserve(most_scanned);
        worker.survivors.resize(most_scanned);
        if (index_->coarse_lists().ranks_together(lists())) {
            auto rounded = index_->coarse_lists().rough().panel();
            if (!rounded) return std::move(rounded).error();
            worker.rounded = *std::move(rounded);
        }
        worker.wide.resize(panel * index_->dim());
        worker.scorers.reserve(group);
        worker.lists.reserve(group * lists());
        worker.pairs.reserve(group * lists());
        return {};
    }

    void answer(Worker& worker, std::size_t begin, std::size_t end) const noexcept {
        worker.lists.clear();
        worker.scorers.clear();
        for (std::size_t first = begin; first < end; first += panel) {
            rank_lists(worker, begin, first, std::min(first + panel, end));
        }
        for (std::size_t first = 0; first < lists();) {
            const std::size_t last = rounds ? std::min(end_of_round(first), lists()) : lists();
            scan_round(worker, begin, end, first, last);
            first = last;
        }
        SearchScratch& scratch = worker.scratch;
        for (std::size_t q = begin; q < end; ++q) {
            worker.kept.answer(q - begin, queries_.row(q), out_->outcomes[q], scratch);
            out_->counts[q] = static_cast<std::uint32_t>(scratch.neighbors.size());
            for (std::size_t i = 0; i < scratch.neighbors.size(); ++i) {
                out_->ids[q * out_->k + i] = scratch.neighbors[i].id;
                out_->distances[q * out_->k + i] = scratch.neighbors[i].distance;
            }
        }
    }
    /// Of the queries [first, last), a panel of the group that begins with query `begin`.
    void rank_lists(Worker& worker, std::size_t begin, std::size_t first, std::size_t last) const noexcept {
        const auto& coarse = index_->coarse_lists();
        std::array<RowView, panel> seen;
        const auto take = [&](std::size_t i, std::uint32_t distances) {
            const std::vector<Neighbor>& found = worker.scratch.lists;
            worker.lists.insert(worker.lists.end(), found.begin(), found.end());
            worker.lists.resize((first - begin + i + 1) * lists());  // a graph may not reach as many
            Outcome& outcome = out_->outcomes[first + i];
            outcome = {};
            outcome.distances = distances;
            outcome.hops = static_cast<std::uint32_t>(found.size());
        };
        for (std::size_t q = first; q < last; ++q) {
            const RowView query = worker.kept.enter(q - begin, queries_.row(q));
            const std::byte* const prepared = worker.prepared.prepare(index_->codec(), q - begin, query);
            worker.scorers.push_back(index_->prepared_scorer(prepared, *options_));
            seen[q - first] = coarse.as_centroid(query, worker.wide.data() + (q - first) * index_->dim());
        }
        const std::span<const RowView> queries(seen.data(), last - first);
        if (queries.size() >= fewest_in_panel && coarse.ranks_together(lists())) {
            coarse.find_together(queries, lists(), worker.rounded, worker.scratch, take);
        } else {
            for (std::size_t i = 0; i < queries.size(); ++i) take(i, coarse.find(queries[i], lists(), worker.scratch));
        }
    }
    /// The lists of ranks [first, last) of each query of the group.
    void scan_round(Worker& worker, std::size_t begin, std::size_t end, std::size_t first,
                    std::size_t last) const noexcept {
        worker.pairs.clear();
        for (std::size_t q = 0; q < end - begin; ++q) {
            const std::size_t found = std::min<std::size_t>(last, out_->outcomes[begin + q].hops);
            for (std::size_t at = q * lists() + first; at < q * lists() + found; ++at) {
                worker.pairs.push_back(static_cast<std::uint64_t>(worker.lists[at].id) << 32 | at);
            }
        }
        std::sort(worker.pairs.begin(), worker.pairs.end());
        const std::span<const std::uint64_t> pairs(worker.pairs);
        for (std::size_t from = 0; from < pairs.size();) {
            const std::size_t list = pairs[from] >> 32;
            std::size_t to = from + 1;
            while (to < pairs.size() && pairs[to] >> 32 == list) ++to;
            scan_list(worker, list, pairs.subspan(from, to - from), begin);
            from = to;
        }
    }
    void scan_list(Worker& worker, std::size_t list, std::span<const std::uint64_t> pairs,
                   std::size_t begin) const noexcept {
        const auto [first, last] = index_->partition().rows_of(list);
        for (std::size_t from = first; from < last;) {
            const std::size_t to = std::min(index_->rows().break_after(from, piece_bytes), last);
            for (std::size_t pair = 0; pair < pairs.size(); pair += most_scanned) {
                scan_piece(worker, from, to, pairs.subspan(pair, std::min(most_scanned, pairs.size() - pair)), begin);
            }
            from = to;
        }
    }
    /// For at most `most_scanned` queries, a part of `worker.pairs`. Those that come next are asked for.
    void scan_piece(Worker& worker, std::size_t from, std::size_t to, std::span<const std::uint64_t> pairs,
                    std::size_t begin) const noexcept {
        const std::uint64_t* const end = worker.pairs.data() + worker.pairs.size();
        const std::uint64_t* next = pairs.data() + pairs.size();
        for (std::size_t i = 0; i < most_scanned && next < end; ++i, ++next) {
            worker.prepared.prefetch(index_->codec(), (*next & 0xffffffffU) / lists());
        }
        std::array<const Scorer*, most_scanned> scorers{};
        worker.open.clear();
        for (const std::uint64_t pair : pairs) {
            const std::size_t at = pair & 0xffffffffU;
            Scorer& scorer = worker.scorers[at / lists()];
            scorer.enter(index_->origin(worker.lists[at]));
            scorers[worker.open.size()] = &scorer;
            worker.kept.open(at / lists(), worker.open);
        }
        if (pairs.size() == 1) {
            Scorer& scorer = worker.scorers[(pairs[0] & 0xffffffffU) / lists()];
            Outcome unused;
            index_->rows().scan(from, to, scorer, nullptr, {}, worker.open[0], worker.scratch, unused);
        } else if constexpr (most_scanned > 1) {
            index_->rows().scan_together(from, to, std::span(scorers.data(), pairs.size()), std::span(worker.open),
                                         std::span(worker.survivors));
        }
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            const std::size_t q = (pairs[i] & 0xffffffffU) / lists();
            worker.kept.close(q, worker.open[i]);
            out_->outcomes[begin + q].distances += static_cast<std::uint32_t>(to - from);
        }
    }

    const Ivf* index_;
    const Whole* whole_;
    MatrixView queries_;
    const SearchOptions* options_;
    Answers* out_;
};

}  // namespace tonari
