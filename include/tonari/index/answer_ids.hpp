// From rows, as searches find them, to the ids that are answered.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <tonari/core/filter.hpp>
#include <tonari/core/neighbor.hpp>
#include <tonari/core/ordered_key.hpp>
#include <tonari/index/id_map.hpp>

namespace tonari {

/// Calls `visit(id)` for every id of the row that passes.
template <class Visit>
void visit_ids(const IdMap& ids, RowId row, const RowFilter* filter, Visit&& visit) noexcept {
    const auto [first, last] = ids.slots(row);
    for (std::size_t slot = first; slot < last; ++slot) {
        if (filter != nullptr && !ids.one_each() && !filter->ids.test(static_cast<RowId>(slot))) continue;
        visit(ids.id(slot));
    }
}

/// Puts a neighbour where it belongs in `out`, which stays sorted; when it is k long, its last gives way.
inline void insert_nearest(Neighbor neighbor, std::size_t k, std::vector<Neighbor>& out) noexcept {
    if (out.size() == k) {
        out.back() = neighbor;
    } else {
        out.push_back(neighbor);  // within what `reserve` made room for
    }
    for (std::size_t i = out.size() - 1; i > 0 && nearer(out[i], out[i - 1]); --i) std::swap(out[i], out[i - 1]);
}

/// Turns rows, nearest first, into the ids that pass, at most k, ordered by (distance, id). True if ids were left out.
inline bool answer_ids(const IdMap& ids, std::span<const OrderedKey> rows, std::size_t k, const RowFilter* filter,
                       std::vector<Neighbor>& out) noexcept {
    out.clear();
    bool left_out = false;
    for (const OrderedKey key : rows) {
        const float distance = distance_of(key);
        if (out.size() == k && distance > out.back().distance) return true;
        const auto [first, last] = ids.slots(row_of(key));
        for (std::size_t slot = first; slot < last; ++slot) {
            if (filter != nullptr && !ids.one_each() && !filter->ids.test(static_cast<RowId>(slot))) continue;
            const Neighbor neighbor{ids.id(slot), distance};
            left_out = left_out || out.size() == k;
            if (out.size() == k && !nearer(neighbor, out.back())) break;  // a row's ids ascend
            insert_nearest(neighbor, k, out);
        }
    }
    return left_out;
}

}  // namespace tonari
