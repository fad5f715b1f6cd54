// What `tonari bench` found out, before it becomes a table, JSON or a page.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <tonari/core/types.hpp>
#include <tonari/tune/curve.hpp>

namespace tonari::cli {

/// Recalls at which speed is read off the curve.
inline constexpr double quoted_recalls[] = {0.90, 0.95, 0.99};

struct IndexResult {
    std::string index;  ///< the spec as it was asked for
    double build_seconds = 0;
    std::optional<std::size_t> build_peak_bytes;  ///< not every system counts it
    std::size_t bytes = 0;
    std::vector<tune::CurvePoint> points;
    std::optional<std::size_t> knee;  ///< position in points
};

struct BenchResult {
    std::string dataset;
    std::size_t n = 0;
    Dim dim = 0;
    Element element = Element::float32;
    MetricKind metric = MetricKind::l2;
    std::size_t k = 0;
    std::size_t queries = 0;
    unsigned threads = 1;
    std::string machine;
    std::string date;            ///< when it began: "2026-11-28T09:30:00Z"
    std::optional<double> load;  ///< processes a core that ran in the minute before; not every system counts them
    std::string residency;       ///< "built", "load" or "map"
    std::string ground_truth;
    std::vector<IndexResult> results;
};

/// The one line to say of a machine that others used when the bench began; empty where they hardly did.
std::string busy_text(const BenchResult& bench);
/// One index, readable on a terminal.
std::string index_text(const BenchResult& bench, const IndexResult& result);
/// All indexes side by side.
std::string summary_text(const BenchResult& bench);
/// The JSON document of `--json`.
std::string bench_json(const BenchResult& bench);
/// The page of `--html`: everything inside one file.
std::string bench_html(const BenchResult& bench);

}  // namespace tonari::cli
