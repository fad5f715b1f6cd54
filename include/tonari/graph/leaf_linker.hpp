// Links all vertices of a graph's lowest layer at once, by leaves (graph/leaves.hpp, graph/leaf_neighbours.hpp):
//   1. every vertex gets the nearest that it meets in its leaves                                   (parallel over leaves)
//   2. it keeps the diverse ones of these, and of the links that it had, as its links              (parallel over vertices)
//   3. the links are turned round; every vertex takes in all that link to it, pruning if they are too many         (same)
//
// Invariants
//   - In 2 and 3 each list has one writer, and nobody reads another's: in 3 the links are read from what they were after 2.
//   - So nothing depends on the order in which threads run.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <tonari/codec/flat.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/ordered_key.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/progress.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/types.hpp>
#include <tonari/graph/leaf_neighbours.hpp>
#include <tonari/graph/leaf_plan.hpp>

namespace tonari {

class LeafLinker {
public:
    /// Whether so many codes are to be linked so, if a trial says that leaves serve. Products of floats are not exact, and what they leave
    /// open is compared again: of such codes leaves took longer than searches.
    TONARI_API static bool suits(const Flat<AnyMetric>& codec, std::size_t vertices,
                                 std::size_t ef_construction) noexcept;

    /// `codes` lie one behind another, in an order that has nothing to do with where they lie; `lists` has `degree` places for each, of
    /// which those at the end that hold none hold `no_row`. Both outlive it. Throws bad_alloc.
    TONARI_API LeafLinker(const Flat<AnyMetric>& codec, const std::byte* codes, std::span<RowId> lists,
                          std::size_t degree, std::size_t ef_construction, const Threads& threads);
    TONARI_API ~LeafLinker();
    LeafLinker(const LeafLinker&) = delete;
    LeafLinker& operator=(const LeafLinker&) = delete;

    /// The first `linked` vertices have links already. False, and nothing is changed, if leaves do not serve: where they bring some of the
    /// others too few of their nearest. Errors: out_of_memory.
    TONARI_API Result<bool> link(std::size_t linked, const ProgressFunction& progress);

private:
    struct Worker;

    Result<bool> link_out(std::size_t linked, const ProgressFunction& progress);
    double share_of_nearest(LeafNeighbours& near, std::size_t first);
    std::size_t count_nearest(RowId vertex, std::span<const OrderedKey> candidates, Worker& worker) const noexcept;
    void link_out(RowId vertex, std::span<const OrderedKey> near, Worker& worker) noexcept;
    void link_back(const ProgressFunction& progress);
    void take_in(RowId vertex, std::span<const RowId> sources, Worker& worker) noexcept;
    void choose(RowId vertex, bool ranked, Worker& worker) noexcept;

    [[nodiscard]] std::size_t vertices() const noexcept { return lists_.size() / degree_; }
    [[nodiscard]] std::span<RowId> list(RowId vertex) const noexcept {
        return lists_.subspan(std::size_t{vertex} * degree_, degree_);
    }

    const Flat<AnyMetric>* codec_;
    const std::byte* codes_;
    std::span<RowId> lists_;
    std::size_t degree_;
    Threads threads_;
    LeafPlan plan_;
    std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace tonari
