// A curve of recall against speed, and what is read off it.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include <tonari/core/export.hpp>

namespace tonari::tune {

/// One setting of an index, measured.
struct CurvePoint {
    std::size_t ef = 0;  ///< 0 where the index has no such knob
    double recall = 0;
    double qps = 0;
    double mean_us = 0;
    double p50_us = 0;
    double p99_us = 0;
    std::size_t nprobe = 0;           ///< as `ef`; lists that are graphs have both
    std::optional<float> refine{};    ///< where rows are refined
    std::optional<float> patience{};  ///< of lists, where it was tried
};

/// What was set: `nprobe` or `ef`, the first of them that the index has; 0 if neither.
constexpr std::size_t width_of(const CurvePoint& point) noexcept { return point.nprobe != 0 ? point.nprobe : point.ef; }

/// The points that no other one beats in both recall and qps, by recall ascending.
TONARI_API std::vector<CurvePoint> pareto_front(std::span<const CurvePoint> points);

/// What an index does at a recall.
struct AtRecall {
    double qps = 0;
    double p50_us = 0;
    double p99_us = 0;
    /// The lowest setting measured already exceeds the recall: these are its figures, and the index might do
    /// better at exactly that recall, had it a narrower setting. Never set for an index without a knob.
    bool floor = false;
};

/// Interpolated on the Pareto front: log qps (and log latency) linear in -log(1 - recall), the scale on which such
/// curves are nearly straight. Nothing when the recall is not reached.
TONARI_API std::optional<AtRecall> at_recall(std::span<const CurvePoint> points, double recall);

}  // namespace tonari::tune
