#include <tonari/tune/curve.hpp>

#include <algorithm>
#include <cmath>

namespace tonari::tune {
namespace {

/// Half a miss in 10,000: where a recall of 1 stands on a scale that would put it at infinity.
constexpr double least_miss = 5e-5;

double place(double recall) noexcept { return -std::log(std::max(1 - recall, least_miss)); }

double log_linear(double from, double to, double share) noexcept {
    if (from <= 0 || to <= 0) return from + (to - from) * share;
    return std::exp(std::log(from) + (std::log(to) - std::log(from)) * share);
}

}  // namespace

std::vector<CurvePoint> pareto_front(std::span<const CurvePoint> points) {
    std::vector<CurvePoint> sorted(points.begin(), points.end());
    std::sort(sorted.begin(), sorted.end(), [](const CurvePoint& a, const CurvePoint& b) {
        return a.recall > b.recall || (a.recall == b.recall && a.qps > b.qps);
    });
    std::vector<CurvePoint> front;
    for (const CurvePoint& point : sorted) {
        if (front.empty() || point.qps > front.back().qps) front.push_back(point);
    }
    std::reverse(front.begin(), front.end());
    return front;
}

std::optional<AtRecall> at_recall(std::span<const CurvePoint> points, double recall) {
    const std::vector<CurvePoint> front = pareto_front(points);
    const auto above =
        std::find_if(front.begin(), front.end(), [&](const CurvePoint& p) { return p.recall >= recall; });
    if (above == front.end()) return std::nullopt;
    if (above == front.begin() || above->recall == recall) {
        // A slower point below the recall was measured, but this one beats it in both: then it is no floor.
        const bool lowest =
            std::none_of(points.begin(), points.end(), [&](const CurvePoint& p) { return p.recall <= recall; });
        return AtRecall{above->qps, above->p50_us, above->p99_us, lowest && width_of(*above) != 0};
    }
    const CurvePoint& below = *(above - 1);
    const double share = (place(recall) - place(below.recall)) / (place(above->recall) - place(below.recall));
    return AtRecall{log_linear(below.qps, above->qps, share), log_linear(below.p50_us, above->p50_us, share),
                    log_linear(below.p99_us, above->p99_us, share), false};
}

}  // namespace tonari::tune
