// How values become 8-bit integers: (value - middle) * scale, rounded to a whole number from -127 to 127. One scale serves all
// values, so that distances between rounded rows are the true ones' but for a factor, and rows keep their order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/core/types.hpp>

namespace tonari::train {

/// The largest magnitude of a rounded value.
inline constexpr float most_rounded = 127;

struct Rounding {
    std::vector<float> middle;  ///< of each dimension; empty: 0 everywhere
    float scale = 0;            ///< whole numbers for each unit

    /// False where the values were too large, too small or too alike for a scale.
    [[nodiscard]] bool usable() const noexcept { return scale > 0 && scale <= std::numeric_limits<float>::max(); }
};

/// Where the values of a dimension lie about.
enum class Middle : std::uint8_t { mean, zero };

/// Looks at `count` points of `dim` values, which are a fair sample; `write(i, out)` writes point i. What lies beyond 8 standard
/// deviations of all values is left to be clipped: a few values far off would leave few of the 8 bits to the others.
/// O(count x dim) a pass, of which there are three and one more for each time that the deviation shrinks.
TONARI_API Rounding train_rounding(std::size_t count, Dim dim, Middle middle,
                                   const std::function<void(std::size_t point, float* out)>& write);

/// `middle` may be null: 0 everywhere. Halves go away from 0. `scale` is finite; so are the values.
TONARI_API void round_to_int8(std::span<const float> values, const float* middle, float scale,
                              std::int8_t* out) noexcept;

}  // namespace tonari::train
