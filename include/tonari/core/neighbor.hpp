// A row and how near it is. Smaller is nearer, always: L2 is the squared distance, inner product is stored
// negated, cosine is 1 - cos; `Metric::score` turns a distance back into the user's unit.
#pragma once

#include <tonari/core/types.hpp>

namespace tonari {

/// Inside an index.
struct Candidate {
    float distance = 0;
    RowId row = no_row;
};

/// Answers are ordered by (distance, row), so that equal distances have one order.
constexpr bool nearer(const Candidate& a, const Candidate& b) noexcept {
    return a.distance < b.distance || (a.distance == b.distance && a.row < b.row);
}

/// At the door.
struct Neighbor {
    Id id = no_id;
    float distance = 0;
};

constexpr bool nearer(const Neighbor& a, const Neighbor& b) noexcept {
    return a.distance < b.distance || (a.distance == b.distance && a.id < b.id);
}

}  // namespace tonari
