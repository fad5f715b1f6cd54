// Many queries over inverted lists at once: list by list in place of query by query. A list that several queries look at is read from
// memory once, a piece of it that fits into a cache at a time; one by one, each query waits for all of its rows. On rows that
// are longer than a cache line or two that is most of what a query takes.
//
//     for each group of queries (one thread's):   their nearest lists, from which pairs (list, query) are made, and sorted
//       for each list that any of them looks at:
//         for each piece of it:                   each of these queries compares it, and keeps its own nearest
//
// What a query keeps does not depend on the order of its lists, so the answers are those of single queries, bit for bit.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <tonari/core/aligned.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/top_k.hpp>
#include <tonari/index/search_options.hpp>
#include <tonari/index/search_scratch.hpp>

namespace tonari {

/// `Ivf` is an IvfIndex whose codes are relative to nothing and stand in one list each.
template <class Ivf>
class IvfBatch {
public:
    /// Fewer are as well asked one by one.
    static constexpr std::size_t fewest_queries = 8;

    IvfBatch(const Ivf& index, MatrixView queries, const SearchOptions& options, Answers& out) noexcept
        : index_(&index), queries_(queries), options_(&options), out_(&out) {}

    /// True, or false where that would take too much memory. Throws bad_alloc.
    Result<bool> run() {
        const std::size_t k = std::min(options_->k, index_->size());
        const std::size_t threads = resolve_threads(options_->threads);
        const std::size_t share = (queries_.rows() + threads - 1) / threads;
        const std::size_t room = std::max<std::size_t>(k * sizeof(OrderedKey), index_->codec().query_size());
        const std::size_t group = std::min({share, most_together, group_bytes / std::max<std::size_t>(room, 1)});
        if (group < fewest_queries) return false;
        const std::size_t groups = (queries_.rows() + group - 1) / group;
        std::vector<Worker> workers(std::min(threads, groups));
        for (Worker& worker : workers) {
            if (Status s = prepare(worker, group, k); !s) return std::move(s).error();
        }
        parallel_for(options_->threads, groups, 1, [&](std::size_t first, std::size_t last, unsigned at) {
            for (std::size_t g = first; g < last; ++g) {
                answer(workers[at], g * group, std::min((g + 1) * group, queries_.rows()), k);
            }
        });
        return true;
    }

private:
    using Scorer = decltype(std::declval<const Ivf&>().codec().scorer());
    static constexpr std::size_t most_together = 1024;
    static constexpr std::size_t group_bytes = std::size_t{32} << 20;   // of nearest rows, and of prepared queries
    static constexpr std::size_t piece_bytes = std::size_t{128} << 10;  // an eighth of a common L2 cache, or less
    static constexpr std::size_t least_piece = 32;                      // rows

    struct Worker {
        SearchScratch scratch;
        AlignedBuffer prepared;
        std::vector<Scorer> scorers;
        std::vector<TopK> nearest;
        std::vector<std::uint64_t> pairs;  // list, query of the group
    };

    [[nodiscard]] std::size_t lists() const noexcept { return std::min(options_->nprobe, index_->partition().lists()); }
    [[nodiscard]] std::size_t stride() const noexcept { return (index_->codec().query_size() + 63) / 64 * 64; }

    /// All that a worker ever allocates.
    Status prepare(Worker& worker, std::size_t group, std::size_t k) const {
        if (Status s = index_->reserve(*options_, worker.scratch); !s) return s;
        auto prepared = AlignedBuffer::allocate(group * stride());
        if (!prepared) return std::move(prepared).error();
        worker.prepared = *std::move(prepared);
        worker.scorers.reserve(group);
        worker.nearest.resize(group);
        for (TopK& nearest : worker.nearest) nearest.reset(k);
        worker.pairs.reserve(group * lists());
        return {};
    }

    void answer(Worker& worker, std::size_t begin, std::size_t end, std::size_t k) const noexcept {
        rank_lists(worker, begin, end, k);
        std::sort(worker.pairs.begin(), worker.pairs.end());
        for (std::size_t first = 0; first < worker.pairs.size();) {
            const std::size_t list = worker.pairs[first] >> 32;
            std::size_t last = first + 1;
            while (last < worker.pairs.size() && worker.pairs[last] >> 32 == list) ++last;
            scan_list(worker, list, std::span(worker.pairs).subspan(first, last - first), begin);
            first = last;
        }
        for (std::size_t q = begin; q < end; ++q) finish(worker, q, worker.nearest[q - begin], k);
    }
    void rank_lists(Worker& worker, std::size_t begin, std::size_t end, std::size_t k) const noexcept {
        worker.pairs.clear();
        worker.scorers.clear();
        for (std::size_t q = begin; q < end; ++q) {
            Outcome& outcome = out_->outcomes[q];
            outcome = {};
            outcome.distances = index_->coarse_lists().find(queries_.row(q), lists(), worker.scratch);
            for (const Neighbor& list : worker.scratch.lists) {
                worker.pairs.push_back(static_cast<std::uint64_t>(list.id) << 32 | (q - begin));
            }
            outcome.hops = static_cast<std::uint32_t>(worker.scratch.lists.size());
            outcome.exact = !Scorer::bounded && outcome.hops == index_->partition().lists();
            std::byte* const prepared = worker.prepared.data() + (q - begin) * stride();
            index_->codec().prepare(queries_.row(q), prepared);
            worker.scorers.push_back(index_->codec().scorer());
            worker.scorers.back().set_query(prepared);
            worker.nearest[q - begin].reset(k);
        }
    }
    void scan_list(Worker& worker, std::size_t list, std::span<const std::uint64_t> pairs,
                   std::size_t begin) const noexcept {
        const auto [first, last] = index_->partition().rows_of(list);
        const std::size_t piece = std::max(piece_bytes / index_->codec().code_size(), least_piece);
        for (std::size_t from = first; from < last; from += piece) {
            const std::size_t to = std::min(from + piece, last);
            for (const std::uint64_t pair : pairs) {
                const std::size_t q = pair & 0xffffffffU;
                index_->rows().scan(from, to, worker.scorers[q], nullptr, {}, worker.nearest[q], worker.scratch,
                                    out_->outcomes[begin + q]);
            }
        }
    }
    void finish(Worker& worker, std::size_t q, TopK& nearest, std::size_t k) const noexcept {
        SearchScratch& scratch = worker.scratch;
        if (nearest.size() < k && !out_->outcomes[q].exact) {  // further lists are looked at
            out_->outcomes[q] = index_->search(queries_.row(q), *options_, scratch);
        } else {
            index_->rows().answer(nearest.sort(), k, nullptr, scratch.neighbors);
        }
        out_->counts[q] = static_cast<std::uint32_t>(scratch.neighbors.size());
        for (std::size_t i = 0; i < scratch.neighbors.size(); ++i) {
            out_->ids[q * out_->k + i] = scratch.neighbors[i].id;
            out_->distances[q * out_->k + i] = scratch.neighbors[i].distance;
        }
    }

    const Ivf* index_;
    MatrixView queries_;
    const SearchOptions* options_;
    Answers* out_;
};

}  // namespace tonari
