// Many queries over inverted lists at once: list by list in place of query by query. A list that several queries look at is read from
// memory once, a piece of it that fits into a cache at a time; one by one, each query waits for all of its rows. On rows that
// are longer than a cache line or two that is most of what a query takes. Centroids are compared in blocks, too.
//
//     for each group of queries (one thread's):   their nearest lists, in panels of 32 queries
//       for each round of them:                   pairs (list, query), sorted
//         for each list that any of them looks at:
//           for each piece of it:                 it is compared with these queries, each of which keeps its own nearest
//
// Where kernels compare many queries at once (codec/query_panels.hpp), and there are enough of them for a list, they do.
//
// Where what a query keeps does not depend on the order of its lists, there is one round. Where a bound decides which rows are
// looked at more closely, it does: then there are rounds (lists/list_rounds.hpp), and a single search has the same. So the answers
// are those of single queries, bit for bit.
//
// What is told of lists is a class of its own, `Pieces` (IvfPieces; GrowingIvfPieces, whose lists change meanwhile: then a group sees
// them at one moment), and so is what queries keep, a `Kept` (NearestOfEach, below, and NearestByFine).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include <tonari/codec/codec.hpp>
#include <tonari/codec/query_panels.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/top_k.hpp>
#include <tonari/index/ivf_pieces.hpp>
#include <tonari/index/offer_together.hpp>
#include <tonari/index/prepared_queries.hpp>
#include <tonari/index/rough_centroids.hpp>
#include <tonari/index/search_options.hpp>
#include <tonari/index/search_scratch.hpp>
#include <tonari/lists/list_rounds.hpp>

namespace tonari {

/// Fewer queries a thread are as well asked one by one.
inline constexpr std::size_t fewest_together = 8;

/// Whether so many queries go list by list, if the index allows it: none of them ends by how it goes.
inline bool goes_list_by_list(std::size_t queries, const SearchOptions& options) noexcept {
    return queries >= fewest_together * resolve_threads(options.threads) && !(options.patience > 0);
}

/// What the queries of a group keep where codes rank them: k rows each.
template <class Index>
class NearestOfEach {
public:
    using Whole = Index;
    /// Where a query's rows are offered.
    class Found {
    public:
        explicit Found(TopK& nearest) noexcept : nearest_(&nearest) {}
        [[nodiscard]] float bound() const noexcept { return nearest_->bound(); }
        [[nodiscard]] std::size_t size() const noexcept { return nearest_->size(); }
        [[nodiscard]] std::size_t room() const noexcept { return nearest_->room(); }
        void offer(RowId row, float distance, float /*lower*/) noexcept { nearest_->offer(distance, row); }

    private:
        TopK* nearest_;
    };

    NearestOfEach(const Whole& index, const SearchOptions& options) noexcept
        : index_(&index), options_(&options), k_(std::min(options.k, index.size())) {}

    /// Bytes that a query takes.
    [[nodiscard]] std::size_t query_bytes() const noexcept { return sizeof(TopK) + k_ * sizeof(OrderedKey); }
    /// All that is ever allocated, also for searches one by one, unless the index grows meanwhile. Throws bad_alloc.
    Status reserve(std::size_t group, SearchScratch& scratch) {
        nearest_.resize(group);
        for (TopK& nearest : nearest_) nearest.reset(k_);
        return index_->reserve(*options_, scratch);
    }
    /// A group begins that asks these lists.
    template <class Pieces>
    void begin(const Pieces& pieces) noexcept {
        k_ = pieces.most();
    }
    /// Query `q` of the group begins. What it is to the lists, for as long as its panel is at hand.
    RowView enter(std::size_t q, RowView query) {
        nearest_[q].reset(k_);
        return query;
    }
    /// Puts where rows are offered to it behind those that are there. Closed before it goes.
    void open(std::size_t q, std::vector<Found>& to) noexcept { to.emplace_back(nearest_[q]); }
    void close(std::size_t /*q*/, Found& /*found*/) noexcept {}
    /// It has been offered all that was to be looked at: how many rows it keeps. Adds to `outcome`.
    std::size_t finish(std::size_t q, Outcome& outcome) noexcept {
        outcome.exact = outcome.exact && !Whole::Scorer::bounded;
        return nearest_[q].size();
    }
    /// These, nearest first.
    std::span<const OrderedKey> sorted(std::size_t q) noexcept { return nearest_[q].sort(); }

private:
    const Whole* index_;
    const SearchOptions* options_;
    std::size_t k_;
    std::vector<TopK> nearest_;
};

/// `Pieces` are of an index whose rows stand in one list each; `Kept` is what its queries keep, made of `Kept::Whole`, which answers
/// single queries, too.
template <class Pieces, class Kept>
class IvfBatch {
public:
    using Lists = typename Pieces::Lists;
    using Whole = typename Kept::Whole;

    IvfBatch(const Lists& lists, const Whole& whole, MatrixView queries, const SearchOptions& options,
             Answers& out) noexcept
        : lists_(&lists),
          whole_(&whole),
          queries_(queries),
          options_(&options),
          ranked_(Pieces::ranked(lists, options)),
          rounds_(in_rounds<typename Pieces::Codec, typename Kept::Found> || !options.deadline.never()),
          out_(&out) {}

    /// True, or false where that would take too much memory. Throws bad_alloc.
    Result<bool> run() {
        const std::size_t threads = resolve_threads(options_->threads);
        const std::size_t share = (queries_.rows() + threads - 1) / threads;
        const std::size_t room = Kept(*whole_, *options_).query_bytes() + query_stride(Pieces::codec_of(*lists_)) +
                                 ranked_ * (sizeof(Neighbor) + sizeof(std::uint64_t));
        const std::size_t group = std::min({share, most_together, group_bytes / room});
        if (group < fewest_together) return false;
        const std::size_t groups = (queries_.rows() + group - 1) / group;
        std::vector<Worker> workers;
        for (std::size_t i = 0; i < std::min(threads, groups); ++i) {
            workers.emplace_back(*whole_, *options_);
            if (Status s = prepare(workers.back(), group); !s) return std::move(s).error();
        }
        parallel_for(options_->threads, groups, 1, [&](std::size_t first, std::size_t last, unsigned at) {
            for (std::size_t g = first; g < last; ++g) {
                answer_or_fail(workers[at], g * group, std::min((g + 1) * group, queries_.rows()));
            }
        });
        for (Worker& worker : workers) {
            if (!worker.status) return std::move(worker.status).error();
        }
        return true;
    }

private:
    using Scorer = typename Pieces::Scorer;
    static constexpr std::size_t panel = RoughCentroids::Panel::most;
    static constexpr std::size_t fewest_in_panel = 8;  // a panel takes as long for one query as for all of it
    static constexpr std::size_t most_scanned = [] {
        if constexpr (requires { Scorer::most_together; }) return Scorer::most_together;
        return std::size_t{1};
    }();
    static constexpr bool in_panels = PanelScorer<Scorer>;
    static constexpr std::size_t most_together =
        in_panels ? 4096 : 1024;                    // of codes lists stay in a cache that queries would take
    static constexpr std::size_t most_panels = 2;   // of a list at once
    static constexpr std::size_t fewest_rows = 32;  // that packing queries is worth while for
    static constexpr std::size_t most_in_panels = most_panels * QueryPanels::width;
    static constexpr std::size_t group_bytes = std::size_t{32} << 20;  // of what is known of queries
    static constexpr std::size_t fetched_lists = 8;                    // ahead, from disk

    using Room = typename Pieces::Room;
    using Piece = typename Pieces::Piece;

    struct Worker {
        Worker(const Whole& whole, const SearchOptions& options) : kept(whole, options) {}
        Kept kept;
        SearchScratch scratch;
        Room room;
        PreparedQueries prepared;
        std::vector<Scorer> scorers;
        std::vector<typename Kept::Found> open;  // of the queries that a scan is for
        std::vector<Survivors> survivors;        // of each of them
        QueryPanels panels;                      // of no rows, before they are used
        bool long_lists = false;                 // enough for panels
        std::vector<float> wide;                 // a panel of queries, as centroids are stored
        RoughCentroids::Panel rounded;           // the same, to be measured
        std::vector<Neighbor> lists;             // `ranked_` a query, nearest first
        std::vector<std::uint64_t> pairs;        // of a round: list, place in `lists`
        Status status;
    };

    /// All that a worker ever allocates, unless the index grows meanwhile.
    Status prepare(Worker& worker, std::size_t group) const {
        if (Status s = worker.kept.reserve(group, worker.scratch); !s) return s;
        Pieces::prepare(*lists_, *options_, worker.room);
        worker.prepared = PreparedQueries(Pieces::codec_of(*lists_), group);
        worker.open.reserve(in_panels ? most_in_panels : most_scanned);
        worker.survivors.resize(most_scanned);
        if (ranked_ > 0 && lists_->coarse_lists().ranks_together(ranked_)) {
            auto rounded = lists_->coarse_lists().rough().panel();
            if (!rounded) return std::move(rounded).error();
            worker.rounded = *std::move(rounded);
        }
        worker.wide.resize(panel * lists_->dim());
        worker.scorers.reserve(group);
        worker.lists.reserve(group * ranked_);
        worker.pairs.reserve(group * ranked_);
        return {};
    }

    void answer_or_fail(Worker& worker, std::size_t begin, std::size_t end) const noexcept {
        if (!worker.status) return;
        try {
            answer(worker, begin, end);
        } catch (const std::bad_alloc&) {
            worker.status = Error{ErrorCode::out_of_memory, "no memory for the answers: ask for fewer at once"};
        }
    }
    void answer(Worker& worker, std::size_t begin, std::size_t end) const {
        const Pieces pieces(*lists_, *options_, worker.room);  // of one moment, where the index changes
        worker.kept.begin(pieces);
        worker.long_lists = compared_a_list(pieces) >= fewest_rows;
        worker.lists.clear();
        worker.scorers.clear();
        for (std::size_t first = begin; first < end; first += panel) {
            if (expired()) return answer_nothing(begin, end);
            rank_lists(worker, pieces, begin, first, std::min(first + panel, end));
        }
        bool complete = ranked_ > 0 || scan_passing(worker, pieces, begin, end);
        std::size_t done = 0;  // lists of each query
        while (complete && done < ranked_) {
            const std::size_t last = rounds_ ? std::min(end_of_round(done), ranked_) : ranked_;
            complete = scan_round(worker, pieces, begin, end, done, last);
            if (complete) done = last;
        }
        for (std::size_t q = begin; q < end; ++q) {
            Outcome& outcome = out_->outcomes[q];
            outcome.complete = complete;
            if (!complete) outcome.hops = std::min(outcome.hops, static_cast<std::uint32_t>(done));
            give_answer(worker, pieces, begin, q);
        }
    }
    [[nodiscard]] bool expired() const noexcept { return options_->deadline.expired(); }
    void answer_nothing(std::size_t begin, std::size_t end) const noexcept {
        for (std::size_t q = begin; q < end; ++q) {
            out_->outcomes[q] = {};
            out_->outcomes[q].complete = false;
        }
    }

    /// Its lists hold too few rows: by itself it goes on to others. False if the deadline passed first, and what was found stands.
    bool look_further(Worker& worker, std::size_t q) const {
        if (expired()) return false;
        const Outcome outcome = whole_->search(queries_.row(q), *options_, worker.scratch);
        if (outcome.complete) out_->outcomes[q] = outcome;
        return outcome.complete;
    }
    void give_answer(Worker& worker, const Pieces& pieces, std::size_t begin, std::size_t q) const {
        Outcome& outcome = out_->outcomes[q];
        const bool looked_at_all = ranked_ == 0 || outcome.hops == pieces.lists();
        outcome.exact = outcome.complete && looked_at_all;
        const bool enough = worker.kept.finish(q - begin, outcome) >= pieces.wanted() || looked_at_all;
        if (enough || !outcome.complete || !look_further(worker, q)) {
            outcome.complete = outcome.complete && enough;
            pieces.answer(worker.kept.sorted(q - begin), worker.scratch.neighbors);
        }
        const std::vector<Neighbor>& neighbors = worker.scratch.neighbors;
        out_->counts[q] = static_cast<std::uint32_t>(neighbors.size());
        for (std::size_t i = 0; i < neighbors.size(); ++i) {
            out_->ids[q * out_->k + i] = neighbors[i].id;
            out_->distances[q * out_->k + i] = neighbors[i].distance;
        }
    }
    /// Of the queries [first, last), a panel of the group that begins with query `begin`. Where all rows that pass are compared there
    /// are no lists to rank.
    void rank_lists(Worker& worker, const Pieces& pieces, std::size_t begin, std::size_t first,
                    std::size_t last) const {
        const auto& coarse = lists_->coarse_lists();
        std::array<RowView, panel> seen;
        for (std::size_t q = first; q < last; ++q) {
            out_->outcomes[q] = {};
            const RowView query = worker.kept.enter(q - begin, queries_.row(q));
            worker.scorers.push_back(pieces.scorer(worker.prepared.prepare(pieces.codec(), q - begin, query)));
            if (ranked_ > 0) {
                seen[q - first] = coarse.as_centroid(query, worker.wide.data() + (q - first) * lists_->dim());
            }
        }
        if (ranked_ == 0) return;
        const auto take = [&](std::size_t i, std::uint32_t distances) {
            const std::vector<Neighbor>& found = worker.scratch.lists;
            worker.lists.insert(worker.lists.end(), found.begin(), found.end());
            worker.lists.resize((first - begin + i + 1) * ranked_);  // a graph may not reach as many
            out_->outcomes[first + i].distances = distances;
            out_->outcomes[first + i].hops = static_cast<std::uint32_t>(found.size());
        };
        const std::span<const RowView> queries(seen.data(), last - first);
        if (queries.size() >= fewest_in_panel && coarse.ranks_together(ranked_)) {
            coarse.find_together(queries, ranked_, worker.rounded, worker.scratch, take);
        } else {
            for (std::size_t i = 0; i < queries.size(); ++i) take(i, coarse.find(queries[i], ranked_, worker.scratch));
        }
    }
    /// The lists of ranks [first, last) of each query of the group. False if the deadline passed first.
    bool scan_round(Worker& worker, const Pieces& pieces, std::size_t begin, std::size_t end, std::size_t first,
                    std::size_t last) const {
        worker.pairs.clear();
        for (std::size_t q = 0; q < end - begin; ++q) {
            const std::size_t found = std::min<std::size_t>(last, out_->outcomes[begin + q].hops);
            for (std::size_t at = q * ranked_ + first; at < q * ranked_ + found; ++at) {
                worker.pairs.push_back(static_cast<std::uint64_t>(worker.lists[at].id) << 32 | at);
            }
        }
        std::sort(worker.pairs.begin(), worker.pairs.end());
        const std::span<const std::uint64_t> pairs(worker.pairs);
        ListsAhead ahead(pairs);
        for (std::size_t from = 0; from < pairs.size();) {
            const std::size_t list = pairs[from] >> 32;
            std::size_t to = from + 1;
            while (to < pairs.size() && pairs[to] >> 32 == list) ++to;
            ahead.fetch(pieces, from);
            if (!scan_list(worker, pieces, list, pairs.subspan(from, to - from), begin)) return false;
            from = to;
        }
        return true;
    }
    /// For the queries of these pairs. False if the deadline passed first.
    bool scan_list(Worker& worker, const Pieces& pieces, std::size_t list, std::span<const std::uint64_t> pairs,
                   std::size_t begin) const {
        if constexpr (in_panels) {
            for (;;) {
                const std::size_t count = worth_panels(worker, std::min(pairs.size(), most_in_panels));
                if (count == 0) break;
                if (!scan_in_panels(worker, pieces, list, pairs.first(count), begin)) return false;
                pairs = pairs.subspan(count);
            }
        }
        if (pairs.empty()) return true;
        return pieces.for_each_piece(list, [&](const Piece& piece) {
            for (std::size_t pair = 0; pair < pairs.size(); pair += most_scanned) {
                const std::size_t count = std::min(most_scanned, pairs.size() - pair);
                scan_piece(worker, pieces, piece, pairs.subspan(pair, count), begin);
                if (expired()) return false;
            }
            return true;
        });
    }
    /// Rows of a list that a query is compared with, on average.
    [[nodiscard]] std::size_t compared_a_list(const Pieces& pieces) const noexcept {
        const std::size_t rows = options_->filter == nullptr ? whole_->size() : options_->filter->passing;
        return rows / std::max<std::size_t>(pieces.lists(), 1);
    }
    /// How many of so many queries that look at a list are compared with it in panels. These are made when they are first wanted: few
    /// queries never meet in a list. Where no memory is found for what they hold, all go one by one. Throws bad_alloc.
    std::size_t worth_panels(Worker& worker, std::size_t queries) const {
        const KernelRows rows = panel_rows_of(Pieces::codec_of(*lists_));
        const std::size_t count = worker.long_lists && QueryPanels::suits(rows) ? QueryPanels::worth(rows, queries) : 0;
        if (count == 0 || worker.panels.panels() > 0) return count;
        const std::size_t piece = std::clamp(piece_bytes / rows.code_size, gathered_at_once, max_batch);
        auto panels = QueryPanels::create(rows, most_panels, Scorer::bounded ? max_batch : piece, gathered_at_once);
        if (!panels) return 0;
        worker.panels = *std::move(panels);
        return count;
    }
    bool scan_in_panels(Worker& worker, const Pieces& pieces, std::size_t list, std::span<const std::uint64_t> pairs,
                        std::size_t begin) const {
        std::array<Scorer*, most_in_panels> of_pairs{};
        const std::span<Scorer* const> scorers(of_pairs.data(), pairs.size());
        worker.open.clear();
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            const std::size_t q = (pairs[i] & 0xffffffffU) / ranked_;
            of_pairs[i] = &worker.scorers[q];
            worker.kept.open(q, worker.open);
        }
        pack_queries(worker.panels, scorers);
        const OfferedRows offered{Pieces::in_order, Pieces::in_order && !rounds_};
        std::uint32_t compared = 0;
        const bool complete = pieces.for_each_piece(list, [&](const Piece& piece) {
            compared += pieces.for_each_block(piece, [&](const auto& codes, const auto& row_of) {
                offer_together(worker.panels, scorers, codes, offered, std::span(worker.open),
                               worker.scratch.expansion.survivors, row_of);
            });
            return !expired();
        });
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            const std::size_t q = (pairs[i] & 0xffffffffU) / ranked_;
            worker.kept.close(q, worker.open[i]);
            out_->outcomes[begin + q].distances += compared;
        }
        return complete;
    }
    /// Asks the disk for lists some time before they are scanned.
    class ListsAhead {
    public:
        explicit ListsAhead(std::span<const std::uint64_t> pairs) noexcept : pairs_(pairs) {}
        /// The list of pair `from` is scanned next.
        void fetch(const Pieces& pieces, std::size_t from) noexcept {
            for (count_ -= from > 0 ? 1 : 0; count_ < fetched_lists && next_ < pairs_.size(); ++count_) {
                const std::size_t list = pairs_[next_] >> 32;
                pieces.fetch(list);
                while (next_ < pairs_.size() && pairs_[next_] >> 32 == list) ++next_;
            }
        }

    private:
        std::span<const std::uint64_t> pairs_;
        std::size_t next_ = 0;   // of the first pair of a list that was not asked for
        std::size_t count_ = 0;  // lists that were asked for and not scanned
    };
    /// For at most `most_scanned` queries, a part of `worker.pairs`.
    void scan_piece(Worker& worker, const Pieces& pieces, const Piece& piece, std::span<const std::uint64_t> pairs,
                    std::size_t begin) const noexcept {
        std::array<const Scorer*, most_scanned> scorers{};
        worker.open.clear();
        for (const std::uint64_t pair : pairs) {
            const std::size_t at = pair & 0xffffffffU;
            Scorer& scorer = worker.scorers[at / ranked_];
            pieces.enter(worker.lists[at], scorer);
            scorers[worker.open.size()] = &scorer;
            worker.kept.open(at / ranked_, worker.open);
        }
        std::uint32_t compared = 0;
        if (pairs.size() == 1) {
            Scorer& scorer = worker.scorers[(pairs[0] & 0xffffffffU) / ranked_];
            compared = pieces.scan(piece, scorer, worker.open[0], worker.scratch);
        } else if constexpr (most_scanned > 1) {
            compared = pieces.scan_together(piece, std::span<const Scorer* const>(scorers.data(), pairs.size()),
                                            std::span(worker.open), std::span(worker.survivors));
        }
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            const std::size_t q = (pairs[i] & 0xffffffffU) / ranked_;
            worker.kept.close(q, worker.open[i]);
            out_->outcomes[begin + q].distances += compared;
        }
    }
    /// All rows that pass, whatever lists they stand in. False if the deadline passed first.
    bool scan_passing(Worker& worker, const Pieces& pieces, std::size_t begin, std::size_t end) const {
        if constexpr (RelativeCodec<typename Pieces::Codec>) {
            return true;  // all lists are ranked
        } else {
            return pieces.for_each_passing_piece([&](const Piece& piece) {
                for (std::size_t q = 0; q < end - begin; ++q) {
                    worker.open.clear();
                    worker.kept.open(q, worker.open);
                    out_->outcomes[begin + q].distances +=
                        pieces.scan_passing(piece, worker.scorers[q], worker.open[0], worker.scratch);
                    worker.kept.close(q, worker.open[0]);
                    if (expired()) return false;
                }
                return true;
            });
        }
    }

    const Lists* lists_;
    const Whole* whole_;
    MatrixView queries_;
    const SearchOptions* options_;
    std::size_t ranked_;  // lists a query, or none
    bool rounds_;         // one after another: it matters, or a deadline is to find the nearest lists done
    Answers* out_;
};

}  // namespace tonari
