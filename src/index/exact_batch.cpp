// Exact search over many queries: groups of them, each one thread's, against all rows, in blocks or in tiles. A group's packed
// queries stay in the L2 cache, and rows are read from memory once per group.
#include <tonari/index/exact_batch.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>
#include <vector>

#include "index/exact_blocks.hpp"
#include "index/exact_tiles.hpp"

namespace tonari {
namespace {

constexpr std::size_t panel_width = simd::block_queries;
constexpr std::size_t panels_per_group = 32;

template <class Group>
Status in_groups(const ComparedRows& rows, const IdMap& ids, MatrixView queries, const PrepareQuery& prepare,
                 const SearchOptions& options, Answers& out) {
    const std::size_t k = std::min(options.k, rows.rows);
    const std::size_t panels = (queries.rows() + panel_width - 1) / panel_width;
    const std::size_t share = (panels + resolve_threads(options.threads) - 1) / resolve_threads(options.threads);
    const std::size_t grain = std::clamp<std::size_t>(share, 1, panels_per_group);
    std::vector<Status> failed((panels + grain - 1) / grain);
    std::atomic<bool> no_memory{false};
    parallel_for(options.threads, failed.size(), 1, [&](std::size_t from, std::size_t to, unsigned) {
        for (std::size_t g = from; g < to; ++g) {
            const std::size_t first = g * grain * panel_width;
            const std::size_t count = std::min(grain * panel_width, queries.rows() - first);
            try {  // out of a thread no exception finds its way
                auto group = std::make_unique<Group>(rows, queries.slice(first, count), prepare, k);
                failed[g] = group->allocate();
                if (failed[g]) group->write(first, ids, group->run(options.deadline), out);
            } catch (const std::bad_alloc&) {
                no_memory = true;
            }
        }
    });
    for (const Status& status : failed) {
        if (!status) return status;
    }
    if (no_memory) throw std::bad_alloc();  // on the calling thread, for the door to say
    return {};
}

}  // namespace

bool suits_exact_batch(const ExactRows& rows, std::size_t queries) noexcept {
    constexpr std::size_t worth_packing = 4;
    return queries >= worth_packing && (TileGroup::suits(rows) || BlockGroup::suits(rows));
}

Result<bool> exact_batch(const ExactRows& rows, const IdMap& ids, MatrixView queries,
                         const std::function<void(RowView, std::byte*)>& prepare, const SearchOptions& options,
                         Answers& out) {
    if (!suits_exact_batch(rows, queries.rows())) return false;
    std::vector<RowId> passing;
    if (options.filter != nullptr) {
        passing.reserve(options.filter->passing);
        options.filter->rows.for_each([&](RowId row) { passing.push_back(row); });
    }
    const ComparedRows compared(rows, options.filter == nullptr ? nullptr : &passing);
    const Status done = TileGroup::suits(rows) ? in_groups<TileGroup>(compared, ids, queries, prepare, options, out)
                                               : in_groups<BlockGroup>(compared, ids, queries, prepare, options, out);
    if (!done) return done.error();
    return true;
}

}  // namespace tonari
