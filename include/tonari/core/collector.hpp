// What receives the rows that a scan or a walk finds.
#pragma once

#include <concepts>

#include <tonari/core/top_k.hpp>

namespace tonari {

/// `estimate` is what the code says of the row's distance, `lower` a bound below it: exact codes give the same for
/// both, a refining collector looks at the row itself when `lower < bound()`.
template <class C>
concept Collector = requires(C c, RowId row, float estimate, float lower) {
    { c.bound() } noexcept -> std::same_as<float>;  // nothing at or above it can enter
    { c.offer(row, estimate, lower) } noexcept;
};

}  // namespace tonari
