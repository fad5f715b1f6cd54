// The knee: the setting after which recall is bought dearly.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include <tonari/core/export.hpp>
#include <tonari/tune/curve.hpp>

namespace tonari::tune {

/// The point of the curve recall(p99) that lies farthest above the straight line from its first point to its last,
/// both axes scaled to [0, 1]: the "Kneedle" of Satopaa, Albrecht, Irwin and Raghavan, "Finding a Kneedle in a
/// Haystack" (2011), without its smoothing, since a curve has a few dozen points.
/// Points that another one beats in both recall and p99 are passed over. Returns the position in `points`; nothing
/// when fewer than three points remain or none lies above the line.
TONARI_API std::optional<std::size_t> knee(std::span<const CurvePoint> points);

}  // namespace tonari::tune
