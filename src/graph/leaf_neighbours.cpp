#include <tonari/graph/leaf_neighbours.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <string>
#include <utility>

#include "graph/row_panel.hpp"

namespace tonari {
namespace {

constexpr OrderedKey none = std::numeric_limits<OrderedKey>::max();

/// What std::nth_element does, for keys of which none comes twice. Which side of a pivot one belongs to cannot be predicted, so there is
/// no branch that says it.
void smallest_to_front(std::span<OrderedKey> keys, std::size_t count) noexcept {
    while (count > 0 && count < keys.size()) {
        if (keys.size() == 2) {
            if (keys[1] < keys[0]) std::swap(keys[0], keys[1]);
            return;
        }
        // The middle one of three: not the largest of all.
        const OrderedKey a = keys.front();
        const OrderedKey b = keys[keys.size() / 2];
        const OrderedKey c = keys.back();
        const OrderedKey pivot = std::max(std::min(a, b), std::min(std::max(a, b), c));
        std::size_t below = 0;
        for (std::size_t i = 0; i < keys.size(); ++i) {
            const OrderedKey key = keys[i];
            keys[i] = keys[below];
            keys[below] = key;
            below += static_cast<std::size_t>(key <= pivot);
        }
        if (below > count) {
            keys = keys.first(below);
        } else {
            keys = keys.subspan(below);
            count -= below;
        }
    }
}

}  // namespace

/// One thread's: a leaf, and what some of its rows find there.
class LeafNeighbours::Worker {
public:
    Worker(RowPanel panel, std::size_t most_kept) : panel_(std::move(panel)) {
        for (auto& found : found_) found.resize(room_for(most_kept));
    }
    void enter(std::span<const RowId> leaf) noexcept {
        leaf_ = leaf;
        panel_.take(leaf);
    }
    /// For some rows of the leaf, by place, at most as many as a panel has: the `kept` nearest others of those that are nearer than the
    /// row's limit, in any order. Calls `give(place, found, limit)` for each; the limit is then the distance of the last, if they are
    /// so many.
    template <class LimitOf, class Give>
    void look(std::span<const std::uint16_t> places, std::size_t kept, const LimitOf& limit_of,
              const Give& give) noexcept {
        std::array<RowId, QueryPanels::width> rows;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        QueryPanels::Limits limits;
        limits.fill(-std::numeric_limits<float>::infinity());
        for (std::size_t q = 0; q < places.size(); ++q) {
            rows[q] = leaf_[places[q]];
            limits[q] = limit_of(rows[q]);
        }
        counts_.fill(0);
        panel_.pack({rows.data(), places.size()});
        const std::size_t room = room_for(kept);
        panel_.compare(limits, [&](std::size_t q, std::size_t other, float distance) {
            if (other == places[q]) return limits[q];
            found_[q][counts_[q]++] = make_key(distance, leaf_[other]);
            // Rows of a leaf ascend: one that is as near as the last which is kept would come behind it.
            return counts_[q] < room ? limits[q] : cut(q, kept);
        });
        for (std::size_t q = 0; q < places.size(); ++q) {
            const float limit = counts_[q] < kept ? limits[q] : cut(q, kept);
            give(places[q], std::span<const OrderedKey>(found_[q]).first(counts_[q]), limit);
        }
    }

private:
    /// What is found before the nearest are sorted out: that takes less time for many at once than for each as it comes.
    static constexpr std::size_t room_for(std::size_t kept) noexcept { return 3 * kept + 16; }
    /// Leaves the nearest, and says how far the last of them is.
    float cut(std::size_t q, std::size_t kept) noexcept {
        smallest_to_front(std::span(found_[q]).first(counts_[q]), kept);
        counts_[q] = kept;
        return distance_of(*std::max_element(found_[q].begin(), found_[q].begin() + static_cast<std::ptrdiff_t>(kept)));
    }

    RowPanel panel_;
    std::span<const RowId> leaf_;
    std::array<std::vector<OrderedKey>, QueryPanels::width> found_;
    std::array<std::size_t, QueryPanels::width> counts_{};
};

LeafNeighbours::LeafNeighbours(const Leaves& leaves, std::size_t rows, const Kept& kept, std::size_t bytes)
    : leaves_(&leaves),
      kept_(kept),
      places_at_a_time_(bytes / sizeof(OrderedKey)),
      begins_(rows + 1),
      nth_(leaves.members().size()),
      members_(leaves.size()) {
    std::vector<std::uint8_t> seen(rows);
    for (std::size_t i = 0; i < nth_.size(); ++i) nth_[i] = seen[leaves.members()[i]]++;
    for (std::size_t row = 0; row < rows; ++row) {
        begins_[row + 1] = begins_[row] + kept.of_first + (std::max<std::size_t>(seen[row], 1) - 1) * kept.of_other;
    }
    for (std::size_t leaf = 1; leaf < leaves.size(); ++leaf)
        members_[leaf] = members_[leaf - 1] + leaves[leaf - 1].size();
}
LeafNeighbours::LeafNeighbours(LeafNeighbours&&) noexcept = default;
LeafNeighbours& LeafNeighbours::operator=(LeafNeighbours&&) noexcept = default;
LeafNeighbours::~LeafNeighbours() = default;

Result<LeafNeighbours> LeafNeighbours::create(const Flat<AnyMetric>& codec, const std::byte* codes, std::size_t rows,
                                              const Leaves& leaves, const Kept& kept, const Threads& threads,
                                              std::size_t bytes) try {
    LeafNeighbours made(leaves, rows, kept, bytes);
    std::size_t most_places = 0;
    std::size_t most_rows = 0;
    for (std::size_t first = 0; first < rows;) {
        const std::size_t last = made.slice_end(first);
        most_places = std::max(most_places, made.begins_[last] - made.begins_[first]);
        most_rows = std::max(most_rows, last - first);
        first = last;
    }
    made.limits_.resize(most_rows);
    auto found = AlignedBuffer::allocate(most_places * sizeof(OrderedKey));
    if (!found) return std::move(found).error();
    made.found_ = *std::move(found);
    for (unsigned i = 0; i < resolve_threads(threads); ++i) {
        auto panel = RowPanel::create(codec, codes, Leaves::most_rows);
        if (!panel) return std::move(panel).error();
        made.workers_.push_back(std::make_unique<Worker>(*std::move(panel), std::max(kept.of_first, kept.of_other)));
    }
    return made;
} catch (const std::bad_alloc&) {
    return Error{ErrorCode::out_of_memory, "no memory to find the neighbours of " + std::to_string(rows) + " rows"};
}

std::size_t LeafNeighbours::slice_end(std::size_t first) const noexcept {
    const std::size_t most = begins_[first] + places_at_a_time_;
    const auto end = std::upper_bound(begins_.begin() + static_cast<std::ptrdiff_t>(first), begins_.end(), most);
    return std::max(static_cast<std::size_t>(end - begins_.begin()) - 1, first + 1);
}

void LeafNeighbours::look(std::size_t first, std::size_t last, const Threads& threads,
                          const ProgressFunction& progress) {
    slice_ = first;
    std::fill_n(limits_.begin(), last - first, std::numeric_limits<float>::infinity());
    constexpr std::size_t at_once = 512;  // leaves from one call of `progress` to the next
    std::size_t done = 0;
    for (const bool as_first : {true, false}) {
        for (std::size_t start = 0; start < leaves_->size(); start += at_once) {
            const std::size_t count = std::min(at_once, leaves_->size() - start);
            parallel_for(threads, count, 1, [&](std::size_t from, std::size_t to, unsigned worker) {
                for (std::size_t i = from; i < to; ++i) look_in(start + i, last, as_first, *workers_[worker]);
            });
            done += count;
            if (progress) progress(done, 2 * leaves_->size());
        }
    }
}

/// The rows of the slice whose first leaf this is, or those whose it is not.
void LeafNeighbours::look_in(std::size_t leaf, std::size_t last, bool as_first, Worker& worker) noexcept {
    const std::span<const RowId> rows = (*leaves_)[leaf];
    const std::uint8_t* const nth = nth_.data() + members_[leaf];
    std::array<std::uint16_t, Leaves::most_rows>
        looking;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    std::size_t count = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i] >= slice_ && rows[i] < last && (nth[i] == 0) == as_first) {
            looking[count++] = static_cast<std::uint16_t>(i);
        }
    }
    if (count == 0) return;
    worker.enter(rows);
    const std::size_t kept = kept_of(as_first ? 0 : 1);
    for (std::size_t next = 0; next < count; next += QueryPanels::width) {
        worker.look(
            std::span(looking).subspan(next, std::min(QueryPanels::width, count - next)), kept,
            [&](RowId row) { return limits_[row - slice_]; },
            [&](std::size_t i, std::span<const OrderedKey> found, float limit) {
                OrderedKey* const to = places(rows[i], nth[i]);
                std::fill(std::copy(found.begin(), found.end(), to), to + kept, none);
                if (as_first) limits_[rows[i] - slice_] = limit;
            });
    }
}

std::span<const OrderedKey> LeafNeighbours::of(RowId row, std::size_t most) noexcept {
    OrderedKey* const first = places(row, 0);
    OrderedKey* last = std::remove(first, first + (begins_[row + std::size_t{1}] - begins_[row]), none);
    std::sort(first, last);
    last = std::unique(first, last);
    return {first, std::min(static_cast<std::size_t>(last - first), most)};
}

}  // namespace tonari
