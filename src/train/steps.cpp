#include <tonari/train/steps.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace tonari::train {
namespace {

/// Of values and their levels, counted from the middle one: what the line through them and its error are made of.
struct Sums {
    double level = 0;
    double value = 0;
    double product = 0;
    double square = 0;  ///< of levels
    double error = 0;
};

Sums look(std::span<const float> values, unsigned levels, double middle, double step) noexcept {
    Sums sums;
    const double half = (levels - 1) / 2.0;
    for (const float given : values) {
        const double value = given;
        const double at = std::clamp(std::floor((value - middle) / step + half + 0.5), 0.0, levels - 1.0) - half;
        const double off = value - (middle + step * at);
        sums.level += at;
        sums.value += value;
        sums.product += at * value;
        sums.square += at * at;
        sums.error += off * off;
    }
    return sums;
}

}  // namespace

unsigned nearest_level(const Steps& steps, unsigned levels, float value) noexcept {
    if (!(steps.step > 0)) return levels / 2;
    const double away =
        (static_cast<double>(value) - static_cast<double>(steps.middle)) / static_cast<double>(steps.step);
    const double most = levels - 1;
    return static_cast<unsigned>(std::clamp(std::floor(away + most / 2 + 0.5), 0.0, most));
}

Steps train_steps(std::span<float> values, unsigned levels, bool symmetric) noexcept {
    if (values.empty()) return {};
    std::sort(values.begin(), values.end());
    const auto n = static_cast<double>(values.size());
    // What two in a thousand values lie beyond says nothing: one far off would cost more than all others together.
    const auto rare = static_cast<std::size_t>(0.002 * (n - 1));
    const float lowest = values[rare];
    const float highest = values[values.size() - 1 - rare];
    for (float& value : values) value = std::clamp(value, lowest, highest);
    constexpr std::array cut_off{0.0, 0.01, 0.03, 0.08};  // at each end
    constexpr int turns = 6;
    double least = std::numeric_limits<double>::infinity();
    Steps best{symmetric ? 0 : values[values.size() / 2], 0};
    for (const double cut : cut_off) {
        const auto rank = static_cast<std::size_t>(cut * (n - 1));
        const double low = values[rank];
        const double high = values[values.size() - 1 - rank];
        double middle = symmetric ? 0 : (low + high) / 2;
        double step = (symmetric ? 2 * std::max(std::abs(low), std::abs(high)) : high - low) / levels;
        for (int turn = 0; turn <= turns; ++turn) {
            if (!(static_cast<float>(step) > 0)) break;
            const Sums sums = look(values, levels, middle, step);
            if (sums.error < least) {
                least = sums.error;
                best = {static_cast<float>(middle), static_cast<float>(step)};
            }
            if (symmetric) {
                step = sums.product / sums.square;
                continue;
            }
            const double spread = sums.square - sums.level * sums.level / n;
            if (!(spread > 0)) break;
            step = (sums.product - sums.level * sums.value / n) / spread;
            middle = (sums.value - step * sums.level) / n;
        }
    }
    return best;
}

}  // namespace tonari::train
