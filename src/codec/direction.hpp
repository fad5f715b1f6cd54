// Which of a part's points suit a row that is described by all its parts together.
//
// A row's factor makes what its code stands for as long along the row as the row is (codec/fast_scan.hpp): an error along the
// row, which anisotropic quantization (Guo and others 2020) weighs more than one at right angles, is gone whatever the
// code is. What is left is the angle between the two. The point nearest to each part does not make that smallest, because the
// parts share it: so parts take turns in choosing their points by it (coordinate descent). Anisotropic codes and points, as ScaNN
// has them, were tried under inner product and cosine: they help where there is no such factor, and not beside it.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>

namespace tonari::detail {

/// What a code and its row have in common, as sums over parts.
struct Direction {
    double along = 0;   ///< <code, row>
    double square = 0;  ///< |code|^2

    void add(float product, float of_point) noexcept {
        along += static_cast<double>(product);
        square += static_cast<double>(of_point);
    }
    /// Whether the angle to the row is smaller than that of `other`, by more than what rounding says.
    [[nodiscard]] bool nearer_than(const Direction& other) const noexcept {
        constexpr double surely = 1 + 1e-9;
        return along > 0 && square > 0 &&
               (other.along <= 0 || along * along * other.square > other.along * other.along * square * surely);
    }
};

/// The point of a part with which all parts together lie nearer to the row's direction: `chosen` if none does better. What is
/// made largest is the numerator of the gain, which float32 tells well enough and needs no division; the gain itself is
/// certain. `direction` is with the point that was chosen, and is left with the one that is returned.
template <std::size_t Count>
std::size_t turn_to_row(Direction& direction, const float* products, const float* squares,
                        std::size_t chosen) noexcept {
    const Direction others{direction.along - static_cast<double>(products[chosen]),
                           direction.square - static_cast<double>(squares[chosen])};
    const auto try_point = [&](std::size_t c) {
        Direction with = others;
        with.add(products[c], squares[c]);
        if (!with.nearer_than(direction)) return;
        direction = with;
        chosen = c;
    };
    if (!(direction.along > 0 && direction.square > 0)) {
        for (std::size_t c = 0; c < Count; ++c) try_point(c);
        return chosen;
    }
    // All as shares of what there is.
    const auto by_along = static_cast<float>(1 / direction.along);
    const auto by_square = static_cast<float>(1 / direction.square);
    const auto along = static_cast<float>(others.along / direction.along);
    const auto square = static_cast<float>(others.square / direction.square);
    std::array<float, Count> gains;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    for (std::size_t c = 0; c < Count; ++c) {
        const float with = along + products[c] * by_along;
        gains[c] = with * std::abs(with) - (square + squares[c] * by_square);
    }
    std::size_t best = chosen;
    float most = gains[chosen];
    for (std::size_t c = 0; c < Count; ++c) {
        if (gains[c] <= most) continue;  // nearly always
        most = gains[c];
        best = c;
    }
    if (best != chosen) try_point(best);
    return chosen;
}

}  // namespace tonari::detail
