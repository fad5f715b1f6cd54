#include <tonari/tune/knee.hpp>

#include <algorithm>
#include <numeric>
#include <vector>

namespace tonari::tune {

std::optional<std::size_t> knee(std::span<const CurvePoint> points) {
    std::vector<std::size_t> order(points.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return points[a].p99_us < points[b].p99_us ||
               (points[a].p99_us == points[b].p99_us && points[a].recall > points[b].recall);
    });
    std::vector<std::size_t> rising;
    for (const std::size_t at : order) {
        if (rising.empty() || points[at].recall > points[rising.back()].recall) rising.push_back(at);
    }
    if (rising.size() < 3) return std::nullopt;

    const CurvePoint& first = points[rising.front()];
    const CurvePoint& last = points[rising.back()];
    std::optional<std::size_t> best;
    double highest = 0;
    for (const std::size_t at : rising) {
        const double across = (points[at].p99_us - first.p99_us) / (last.p99_us - first.p99_us);
        const double up = (points[at].recall - first.recall) / (last.recall - first.recall);
        if (up - across > highest) {  // the distance to the diagonal, but for a factor of sqrt(2)
            highest = up - across;
            best = at;
        }
    }
    return best;
}

}  // namespace tonari::tune
