// Where the equal steps lie that values are rounded to in so few bits that the ends of their range must not be wasted: the
// middle and the width of the steps with the least squared error, not those that reach from the smallest value to the largest.
#pragma once

#include <cstddef>
#include <span>

#include <tonari/core/export.hpp>

namespace tonari::train {

/// Value c of `levels` stands for middle + step * (c - (levels - 1) / 2).
struct Steps {
    float middle = 0;
    float step = 0;  ///< 0 where all values are alike
};

/// Which of the levels is nearest, from 0 on.
TONARI_API unsigned nearest_level(const Steps& steps, unsigned levels, float value) noexcept;

/// Steps of least squared error over finite `values`, which are left sorted, and the two in a thousand at each end drawn in: from ranges between several quantiles, in turns
/// the nearest level of each value and the least squares line through values and levels (Lloyd's iteration; a local minimum).
/// With `symmetric` the middle stays 0. O(n log n). Errors: none; of no values all is 0.
TONARI_API Steps train_steps(std::span<float> values, unsigned levels, bool symmetric) noexcept;

}  // namespace tonari::train
