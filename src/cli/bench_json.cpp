// The bench as JSON.
#include <string>

#include <nlohmann/json.hpp>

#include "cli/bench_result.hpp"
#include "cli/text.hpp"

namespace tonari::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Rounded to what was measured: no reader needs the fifteenth digit of a latency.
double decimal(double value, int digits) { return std::stod(fixed(value, digits)); }

Json point_json(const tune::CurvePoint& point) {
    Json params = Json::object();
    if (point.ef != 0) params["ef"] = point.ef;
    if (point.nprobe != 0) params["nprobe"] = point.nprobe;
    if (point.patience) params["patience"] = decimal(static_cast<double>(*point.patience), 3);
    if (point.refine) params["refine"] = decimal(static_cast<double>(*point.refine), 3);
    return {{"params", params},
            {"recall", decimal(point.recall, 6)},
            {"qps", decimal(point.qps, 2)},
            {"mean_us", decimal(point.mean_us, 2)},
            {"p50_us", decimal(point.p50_us, 2)},
            {"p99_us", decimal(point.p99_us, 2)}};
}

Json result_json(const IndexResult& result) {
    Json json = {{"index", result.index}, {"build_seconds", decimal(result.build_seconds, 3)}};
    json["build_peak_bytes"] = result.build_peak_bytes ? Json(*result.build_peak_bytes) : Json(nullptr);
    json["bytes"] = result.bytes;
    json["points"] = Json::array();
    for (const tune::CurvePoint& point : result.points) json["points"].push_back(point_json(point));
    json["at_recall"] = Json::object();
    for (const double recall : quoted_recalls) {
        const auto at = tune::at_recall(result.points, recall);
        if (!at) continue;
        Json figures = {
            {"qps", decimal(at->qps, 2)}, {"p50_us", decimal(at->p50_us, 2)}, {"p99_us", decimal(at->p99_us, 2)}};
        if (at->floor) figures["floor"] = true;  // the lowest setting already exceeds this recall
        json["at_recall"][fixed(recall, 2)] = std::move(figures);
    }
    json["knee"] = result.knee ? point_json(result.points[*result.knee]) : Json(nullptr);
    return json;
}

}  // namespace

std::string bench_json(const BenchResult& bench) {
    Json json = {{"dataset", bench.dataset},
                 {"n", bench.n},
                 {"dim", bench.dim},
                 {"element", name(bench.element)},
                 {"metric", name(bench.metric)},
                 {"k", bench.k},
                 {"queries", bench.queries},
                 {"threads", bench.threads},
                 {"machine", bench.machine},
                 {"date", bench.date},
                 {"load_per_core", bench.load ? Json(decimal(*bench.load, 2)) : Json(nullptr)},
                 {"residency", bench.residency},
                 {"ground_truth", bench.ground_truth}};
    if (const std::string busy = busy_text(bench); !busy.empty()) json["busy"] = busy;
    json["results"] = Json::array();
    for (const IndexResult& result : bench.results) json["results"].push_back(result_json(result));
    // Names come from the command line and may be any bytes: what is not UTF-8 is replaced, not refused.
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tonari::cli
