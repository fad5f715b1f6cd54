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
        if (!take()) return false;
        ask_for_next();
        keep(expander_->expand(vertex_, frontier_->bound(), *scratch_));
        return true;
    }
    /// The same in two halves, for walks that take turns on one thread: what the second looks at, the first has asked memory for, and
    /// the second asks for what the next first half looks at. False when the walk is over.
    bool begin_step() noexcept {
        if (!take()) return false;
        if constexpr (in_halves) expander_->look(vertex_, *scratch_);
        return true;
    }
    void end_step() noexcept {
        if constexpr (in_halves) {
            keep(expander_->compare(frontier_->bound(), *scratch_));
        } else {
            keep(expander_->expand(vertex_, frontier_->bound(), *scratch_));
        }
        ask_for_next();
    }
    [[nodiscard]] bool done() const noexcept { return done_; }
    [[nodiscard]] std::uint32_t hops() const noexcept { return hops_; }
    [[nodiscard]] std::uint32_t distances() const noexcept { return distances_; }

private:
    static constexpr bool in_halves = requires(E e, RowId vertex, Expansion& out) { e.look(vertex, out); };

    bool take() noexcept {
        const std::optional<RowId> vertex = frontier_->pop();
        done_ = !vertex;
        if (vertex) vertex_ = *vertex;
        return !done_;
    }
    void ask_for_next() noexcept {
        if (const RowId next = frontier_->peek(); next != no_row) expander_->prefetch(next);
    }
    /// What the expansion of `vertex_` has found, and its distance, if its layout knows it.
    void keep(std::optional<float> distance) noexcept {
        if constexpr (requires { frontier_->settle(vertex_, *distance); }) {
            if (distance) frontier_->settle(vertex_, *distance);
        }
        const Survivors& found = scratch_->survivors;
        for (std::size_t i = 0; i < found.count; ++i) {
            frontier_->offer(scratch_->rows[found.index[i]], found.estimate[i],
                             E::bounded ? found.lower[i] : found.estimate[i]);
        }
        ++hops_;
        distances_ += static_cast<std::uint32_t>(scratch_->scored);
    }

    E* expander_;
    F* frontier_;
    Expansion* scratch_;
    RowId vertex_ = no_row;  // being expanded
    std::uint32_t hops_ = 0;
    std::uint32_t distances_ = 0;
    bool done_ = false;
};

/// Whether it is late, as far as is looked at the clock after so many hops.
inline bool late(std::uint32_t hops, const Deadline& deadline) noexcept {
    constexpr std::uint32_t hops_per_look = 16;  // about 200 distances
    return hops % hops_per_look == 0 && deadline.expired();
}

/// Steps until the walk has no more to do; false if the deadline passed first.
template <class Search>
bool run(Search& search, const Deadline& deadline) noexcept {
    while (search.step()) {
        if (late(search.hops(), deadline)) return false;
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
