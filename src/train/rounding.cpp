// Training: the middle, then the deviation around it until no value lies so far off that it would be clipped.
#include <tonari/train/rounding.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include <tonari/simd/kernels.hpp>

namespace tonari::train {
namespace {

using Write = std::function<void(std::size_t point, float* out)>;

std::vector<float> mean_of(std::size_t count, const Write& write, std::vector<float>& point) {
    std::vector<double> sums(point.size());
    for (std::size_t i = 0; i < count; ++i) {
        write(i, point.data());
        for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += point[j];
    }
    std::vector<float> mean(point.size());
    for (std::size_t j = 0; j < sums.size(); ++j) mean[j] = static_cast<float>(sums[j] / static_cast<double>(count));
    return mean;
}

/// Standard deviation and largest of the distances from the middle that are within `limit`.
std::pair<double, double> spread(std::size_t count, const Write& write, const std::vector<float>& middle, double limit,
                                 std::vector<float>& point) {
    double squares = 0;
    double largest = 0;
    std::size_t within = 0;
    for (std::size_t i = 0; i < count; ++i) {
        write(i, point.data());
        for (std::size_t j = 0; j < point.size(); ++j) {
            const double away = std::abs(static_cast<double>(point[j]) - middle[j]);
            if (away > limit) continue;
            squares += away * away;
            largest = std::max(largest, away);
            ++within;
        }
    }
    return {std::sqrt(squares / static_cast<double>(within)), largest};
}

}  // namespace

Rounding train_rounding(std::size_t count, Dim dim, Middle middle, const Write& write) {
    std::vector<float> point(dim);
    Rounding rounding;
    rounding.middle = middle == Middle::mean ? mean_of(count, write, point) : std::vector<float>(dim);
    // What is clipped must not have widened the deviation, so it is taken again without it, until nothing lies beyond.
    double limit = std::numeric_limits<double>::infinity();
    double largest = limit;
    while (largest > 0) {
        const auto [deviation, farthest] = spread(count, write, rounding.middle, limit, point);
        largest = farthest;
        if (farthest <= 8 * deviation) break;
        limit = 8 * deviation;
    }
    rounding.scale = static_cast<float>(most_rounded / largest);
    if (middle == Middle::zero) rounding.middle.clear();
    return rounding;
}

void round_to_int8(std::span<const float> values, const float* middle, float scale, std::int8_t* out) noexcept {
    simd::kernels().round_int8(values.data(), middle, scale, values.size(), out);
}

}  // namespace tonari::train
