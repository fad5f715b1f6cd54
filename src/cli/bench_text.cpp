// The bench on a terminal.
#include <algorithm>
#include <string>

#include "cli/bench_result.hpp"
#include "cli/table.hpp"
#include "cli/text.hpp"

namespace tonari::cli {
namespace {

std::string recall_text(double recall) { return fixed(recall, 4); }

std::string peak_text(const IndexResult& result) {
    return result.build_peak_bytes ? human_bytes(static_cast<double>(*result.build_peak_bytes)) : "-";
}

}  // namespace

std::string busy_text(const BenchResult& bench) {
    constexpr double quiet = 0.3;
    if (!bench.load || *bench.load <= quiet) return {};
    return "the machine was busy: a load average of " + fixed(*bench.load, 2) +
           " a core when the bench began; an idle one is faster, with shorter tails";
}

std::string index_text(const BenchResult& bench, const IndexResult& result) {
    const double a_row = static_cast<double>(result.bytes) / static_cast<double>(bench.n);
    std::string text = result.index + ": built in " + human_seconds(result.build_seconds) + ", " +
                       human_bytes(static_cast<double>(result.bytes)) + " (" + short_number(a_row) + " bytes a row)";
    if (result.build_peak_bytes) text += ", " + peak_text(result) + " at most while building";
    text += "\n";
    const auto any = [&](auto has) { return std::any_of(result.points.begin(), result.points.end(), has); };
    const bool lists = any([](const tune::CurvePoint& point) { return point.nprobe != 0; });
    const bool refines = any([](const tune::CurvePoint& point) { return point.refine.has_value(); });
    const bool patient = any([](const tune::CurvePoint& point) { return point.patience.has_value(); });
    const bool both = any([](const tune::CurvePoint& point) { return point.nprobe != 0 && point.ef != 0; });
    std::vector<std::string> head = {lists ? "nprobe" : "ef"};
    if (both) head.emplace_back("ef");
    if (patient) head.emplace_back("patience");
    if (refines) head.emplace_back("refine");
    for (const std::string& word : {"recall@" + std::to_string(bench.k), std::string("QPS"), std::string("mean us"),
                                    std::string("p50 us"), std::string("p99 us"), std::string()}) {
        head.push_back(word);
    }
    Table table(head);
    for (std::size_t i = 0; i < result.points.size(); ++i) {
        const tune::CurvePoint& point = result.points[i];
        const std::size_t width = tune::width_of(point);
        std::vector<std::string> row = {width == 0 ? "-" : std::to_string(width)};
        if (both) row.push_back(std::to_string(point.ef));
        if (patient) row.push_back(short_number(static_cast<double>(point.patience.value_or(0))));
        if (refines) row.push_back(short_number(static_cast<double>(point.refine.value_or(0))));
        for (const std::string& word :
             {recall_text(point.recall), short_number(point.qps), short_number(point.mean_us),
              short_number(point.p50_us), short_number(point.p99_us), std::string(result.knee == i ? "<- knee" : "")}) {
            row.push_back(word);
        }
        table.add(std::move(row));
    }
    return text + table.text();
}

std::string summary_text(const BenchResult& bench) {
    std::vector<std::string> head = {"index", "build", "peak", "size"};
    for (const double recall : quoted_recalls) {
        head.push_back("QPS @ " + fixed(recall, 2));
        head.emplace_back("p99 us");
    }
    Table table(head, 1);
    bool floors = false;
    for (const IndexResult& result : bench.results) {
        std::vector<std::string> row = {result.index, human_seconds(result.build_seconds), peak_text(result),
                                        human_bytes(static_cast<double>(result.bytes))};
        for (const double recall : quoted_recalls) {
            const auto at = tune::at_recall(result.points, recall);
            floors = floors || (at && at->floor);
            row.push_back(at ? (at->floor ? ">=" : "") + short_number(at->qps) : "-");
            row.push_back(at ? short_number(at->p99_us) : "-");
        }
        table.add(std::move(row));
    }
    std::string text = table.text();
    if (floors) text += "  >= the lowest setting already exceeds this recall; its figures are shown\n";
    return text;
}

}  // namespace tonari::cli
