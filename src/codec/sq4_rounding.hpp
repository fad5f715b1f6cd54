// How long the steps are that suit a row: those at which what its code stands for lies nearest to the row's direction.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>

#include <tonari/codec/sq4.hpp>

namespace tonari::detail {

/// Below it a step has no inverse to speak of: its dimension is left out.
inline constexpr float smallest_step = 1e-36F;

/// The level of a value that is `in_steps` of its dimension, at this length.
inline float level_of(float in_steps, float inverse_length) noexcept {
    constexpr float most = Sq4::levels - 1;
    const float at = std::min(std::max(in_steps * inverse_length + Sq4::levels / 2.0F, 0.0F), most);
    return static_cast<float>(static_cast<int>(at));
}

/// A value in steps, within what the arithmetic behind it holds.
inline float in_steps(float value, float step) noexcept {
    constexpr float most = 1e18F;
    return step > smallest_step ? std::clamp(value / step, -most, most) : 0.0F;
}

/// What codes at some lengths and their row have in common. A row is tried at all of them in one pass.
struct Fits {
    static constexpr std::size_t count = 8;

    std::array<float, count> inverse_length{};
    std::array<double, count> along{};   ///< <code, row>
    std::array<double, count> square{};  ///< |code|^2, at length 1

    void add(float value, float step) noexcept {
        const float at = in_steps(value, step);
        const auto value_step = static_cast<double>(value) * static_cast<double>(step);
        const auto step_square = static_cast<double>(step) * static_cast<double>(step);
        for (std::size_t i = 0; i < count; ++i) {
            const auto middle = static_cast<double>(level_of(at, inverse_length[i]) - (Sq4::levels - 1) / 2.0F);
            along[i] += middle * value_step;
            square[i] += middle * middle * step_square;
        }
    }
    /// Where the code lies nearest to the row's direction.
    [[nodiscard]] float best() const noexcept {
        std::size_t which = 0;
        double closest = -1;
        for (std::size_t i = 0; i < count; ++i) {
            const bool usable = along[i] > 0 && square[i] > 0;
            const double close = usable ? along[i] * (along[i] / square[i]) : 0;
            if (close > closest) {
                closest = close;
                which = i;
            }
        }
        return inverse_length[which];
    }
};

/// `each_piece(look)` calls look(first, values) with the row's values relative to its origin, piece after piece. 1 over the
/// length to round at.
template <class EachPiece>
float inverse_length_for(const EachPiece& each_piece, const float* steps) noexcept {
    double square = 0;
    double known = 0;
    float most = 0;
    each_piece([&](std::size_t first, std::span<const float> values) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            const float value = in_steps(values[i], steps[first + i]);
            square += static_cast<double>(value) * static_cast<double>(value);
            known += steps[first + i] > smallest_step ? 1 : 0;
            most = std::max(most, std::abs(value));
        }
    });
    if (!(square > 0)) return 1;
    // Of a normal distribution 16 steps of 0.335 deviations leave the least squared error over (Max 1960); some rows have
    // other shapes, and none wants longer steps than reach its largest value.
    const auto usual = static_cast<float>(0.335 * std::sqrt(square / known));
    constexpr float shortest = 1e-30F;
    if (usual < shortest) return 1 / shortest;
    constexpr std::array<float, Fits::count> times{0.55F, 0.7F, 0.85F, 1.0F, 1.2F, 1.45F, 1.75F, 1e30F};
    const float whole = most / (Sq4::levels / 2.0F);
    Fits fits;
    for (std::size_t i = 0; i < times.size(); ++i) fits.inverse_length[i] = 1 / std::min(usual * times[i], whole);
    each_piece([&](std::size_t first, std::span<const float> values) {
        for (std::size_t i = 0; i < values.size(); ++i) fits.add(values[i], steps[first + i]);
    });
    return fits.best();
}

}  // namespace tonari::detail
