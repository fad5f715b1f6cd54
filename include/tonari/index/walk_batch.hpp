// Many queries over a graph at once: on each thread a few walks take turns, half a step each. What one has asked memory for comes while the
// others compare; alone, a walk waits for it. No walk sees another, so the answers are those of single queries, bit for bit.
//
//     while any walks:   each takes its nearest candidate, and asks for the codes of its neighbours; one that ends answers, and begins
//                        the next query
//                        each compares these codes, and asks for the links of what is nearest now
//
// Most is gained where a hop asks for a few lines, as fused graphs and short codes in a shared cache do. Long codes, and many rows that no
// cache holds, keep memory busy by themselves.
//
// A `Walk` is one search without a filter (HnswWalk, RefinedWalk, that of FusedHnsw), which keeps what it found in its scratch. It has
//     Walk(index, options, scratch)   with room for any query; the scratch was reserved by the index for these options
//     start(query)                    which was checked
//     step() -> bool                  for a walk that goes alone (`run`); false when it is over
//     begin_step() -> bool            false when the walk is over
//     end_step()
//     hops()
//     finish(complete) -> Outcome     the answer stands in `scratch.neighbors`
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <tonari/core/parallel.hpp>
#include <tonari/graph/beam_search.hpp>
#include <tonari/index/search_options.hpp>
#include <tonari/index/search_scratch.hpp>

namespace tonari {

/// Whether so many queries over a graph of `rows` rows are faster when their walks take turns: each lane more has a bit a row to
/// clear first.
inline bool walks_take_turns(std::size_t queries, std::size_t rows, const SearchOptions& options) noexcept {
    constexpr std::size_t fewest = 16;             // a thread (benchmarks/peers asks 8 to have them go one by one)
    constexpr std::size_t bits_a_query = 1 << 18;  // are cleared in a tenth of the time of a query, or less
    return options.filter == nullptr && queries / resolve_threads(options.threads) >= fewest + rows / bits_a_query;
}

/// A whole search by a walk of its own.
template <class Walk>
Outcome walk_alone(Walk& walk, RowView query, const Deadline& deadline) noexcept {
    walk.start(query);
    return walk.finish(run(walk, deadline));
}

template <class Walk>
class WalkBatch {
public:
    using Index = typename Walk::Index;

    WalkBatch(const Index& index, MatrixView queries, const SearchOptions& options, Answers& out) noexcept
        : index_(&index), queries_(queries), options_(&options), out_(&out) {}

    /// True: it has answered them all. Throws bad_alloc.
    Result<bool> run() {
        const std::size_t threads = resolve_threads(options_->threads);
        std::vector<Worker> workers(threads);
        for (Worker& worker : workers) {
            for (auto& lane : worker) {
                lane = std::make_unique<Lane>(*index_, *options_);
                if (Status s = index_->reserve(*options_, lane->scratch); !s) return std::move(s).error();
            }
        }
        parallel_for(options_->threads, threads, 1, [&](std::size_t first, std::size_t last, unsigned) {
            for (std::size_t i = first; i < last; ++i) answer(workers[i]);
        });
        return true;
    }

private:
    static constexpr std::size_t together = 2;  // four took longer, three as long

    struct Lane {
        Lane(const Index& index, const SearchOptions& options) : walk(index, options, scratch) {}
        SearchScratch scratch;
        Walk walk;
        std::size_t query = 0;
    };
    using Worker = std::array<std::unique_ptr<Lane>, together>;

    /// Queries, as long as there are any.
    void answer(Worker& lanes) noexcept {
        std::size_t walking = 0;  // lanes before this one
        while (walking < together && start_next(*lanes[walking])) ++walking;
        while (walking > 0) {
            for (std::size_t i = 0; i < walking;) {
                if (begins_step(*lanes[i])) {
                    ++i;
                } else {
                    std::swap(lanes[i], lanes[--walking]);  // no query is left for it
                }
            }
            for (std::size_t i = 0; i < walking; ++i) lanes[i]->walk.end_step();
        }
    }
    /// The next query's walk in this lane; false if there is none.
    bool start_next(Lane& lane) noexcept {
        lane.query = next_.fetch_add(1, std::memory_order_relaxed);
        if (lane.query >= queries_.rows()) return false;
        lane.walk.start(queries_.row(lane.query));
        return true;
    }
    /// Begins a step of the walk in this lane or, if it is over, of the next one's.
    bool begins_step(Lane& lane) noexcept {
        for (;;) {
            const bool in_time = lane.walk.hops() == 0 || !late(lane.walk.hops(), options_->deadline);
            if (in_time && lane.walk.begin_step()) return true;
            give_answer(lane, in_time);
            if (!start_next(lane)) return false;
        }
    }
    void give_answer(Lane& lane, bool complete) noexcept {
        const std::size_t q = lane.query;
        out_->outcomes[q] = lane.walk.finish(complete);
        const std::vector<Neighbor>& neighbors = lane.scratch.neighbors;
        out_->counts[q] = static_cast<std::uint32_t>(neighbors.size());
        for (std::size_t i = 0; i < neighbors.size(); ++i) {
            out_->ids[q * out_->k + i] = neighbors[i].id;
            out_->distances[q * out_->k + i] = neighbors[i].distance;
        }
    }

    const Index* index_;
    MatrixView queries_;
    const SearchOptions* options_;
    Answers* out_;
    std::atomic<std::size_t> next_{0};
};

}  // namespace tonari
