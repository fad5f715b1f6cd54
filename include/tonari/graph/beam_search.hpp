// The walk: expand the nearest candidate not yet expanded, until none is left that could lead to an answer
// (Malkov, Yashunin 2016, algorithm 2). There is one such loop in the library: layouts are Expanders, what is
// collected is the Frontier's business. It is resumable, so that walks can be stopped, continued and interleaved.
#pragma once

#include <cstdint>

#include <tonari/core/clock.hpp>
#include <tonari/core/neighbor.hpp>
#include <tonari/graph/expander.hpp>
#include <tonari/graph/frontier.hpp>

namespace tonari {

template <Expander E, Frontier F>
class BeamSearch {
public:
    BeamSearch(E& expander, F& frontier, Expansion& scratch) noexcept
        : expander_(&expander), frontier_(&frontier), scratch_(&scratch) {}

    /// A first candidate; it is the caller's to have marked it as visited.
    void start(RowId vertex, float distance) noexcept { start(vertex, distance, distance); }
    /// The same by codes, whose `lower` may lie below the estimate.
    void start(RowId vertex, float estimate, float lower) noexcept { frontier_->offer(vertex, estimate, lower); }

    /// Expands one vertex. False when the walk is over.
    bool step() noexcept {
        const std::optional<RowId> vertex = frontier_->pop();
        if (!vertex) {
            done_ = true;
            return false;
        }
        if (const RowId next = frontier_->peek(); next != no_row) expander_->prefetch(next);
        const std::optional<float> distance = expander_->expand(*vertex, frontier_->bound(), *scratch_);
        if constexpr (requires { frontier_->settle(*vertex, *distance); }) {
            if (distance) frontier_->settle(*vertex, *distance);
        }
        const Survivors& found = scratch_->survivors;
        for (std::size_t i = 0; i < found.count; ++i) {
            frontier_->offer(scratch_->rows[found.index[i]], found.estimate[i],
                             E::bounded ? found.lower[i] : found.estimate[i]);
        }
        ++hops_;
        distances_ += static_cast<std::uint32_t>(scratch_->scored);
        return true;
    }
    [[nodiscard]] bool done() const noexcept { return done_; }
    [[nodiscard]] std::uint32_t hops() const noexcept { return hops_; }
    [[nodiscard]] std::uint32_t distances() const noexcept { return distances_; }

private:
    E* expander_;
    F* frontier_;
    Expansion* scratch_;
    std::uint32_t hops_ = 0;
    std::uint32_t distances_ = 0;
    bool done_ = false;
};

/// Steps until the walk has no more to do; false if the deadline passed first.
template <class Search>
bool run(Search& search, const Deadline& deadline) noexcept {
    constexpr std::uint32_t hops_per_look = 16;  // at the clock: about every 200 distances
    while (search.step()) {
        if (search.hops() % hops_per_look == 0 && deadline.expired()) return false;
    }
    return true;
}

/// From `best` to the vertex of one layer that is nearer than all its neighbours there.
/// `neighbours(vertex, rows, codes)` writes a vertex's neighbours and returns how many they are.
template <class Neighbours, class S>
Candidate descend(const Neighbours& neighbours, S& scorer, Expansion& scratch, Candidate best,
                  std::uint32_t& distances) noexcept {
    std::array<const std::byte*, max_batch> batch;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    for (bool moved = true; moved;) {
        moved = false;
        const std::size_t count = neighbours(best.row, scratch.rows.data(), batch.data());
        if (count == 0) break;
        scratch.survivors.clear();
        scorer.gather({batch.data(), count}, best.distance, scratch.survivors);
        distances += static_cast<std::uint32_t>(count);
        for (std::size_t i = 0; i < scratch.survivors.count; ++i) {
            const Candidate found{scratch.survivors.estimate[i], scratch.rows[scratch.survivors.index[i]]};
            if (!nearer(found, best)) continue;
            best = found;
            moved = true;
        }
    }
    return best;
}

/// The same over a frozen layer of `vertices` vertices.
template <class S>
Candidate descend(const LinkTable& links, const std::byte* codes, std::size_t code_size, std::size_t vertices,
                  S& scorer, Expansion& scratch, Candidate best, std::uint32_t& distances) noexcept {
    const auto neighbours = [&](RowId vertex, RowId* rows, const std::byte** batch) {
        const RowId* row = links.at(vertex);
        std::size_t count = 0;
        while (count < links.degree() && row[count] < vertices) {
            rows[count] = row[count];
            batch[count] = codes + std::size_t{row[count]} * code_size;
            simd::prefetch(batch[count], code_size, 12);
            ++count;
        }
        return count;
    };
    return descend(neighbours, scorer, scratch, best, distances);
}

}  // namespace tonari
