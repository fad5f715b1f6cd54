#include <tonari/tune/ground_truth.hpp>

#include <algorithm>
#include <string>

#include <tonari/index/build.hpp>

namespace tonari::tune {
namespace {

// Enough queries for the exact index to share its reading of the rows, few enough for progress to move.
constexpr std::size_t block = 128;

Error wrong(const std::string& what, std::size_t expected, std::size_t got) {
    return {ErrorCode::invalid_argument, "ground truth: expected " + std::to_string(expected) + " " + what + ", got " +
                                             std::to_string(got) + "; it belongs to other data"};
}

}  // namespace

Result<GroundTruth> compute_ground_truth(MatrixView base, MatrixView queries, MetricKind metric,
                                         const GroundTruthOptions& options) {
    BuildOptions building;
    building.threads = options.threads;
    const Result<Index> flat = build("Flat", metric, base, {}, building);
    if (!flat) return flat.error();

    GroundTruth truth;
    truth.queries = queries.rows();
    truth.k = std::min(options.k, base.rows());
    truth.ids.reserve(truth.queries * truth.k);
    truth.distances.reserve(truth.queries * truth.k);
    SearchOptions search;
    search.k = truth.k;
    search.threads = options.threads;
    for (std::size_t first = 0; first < queries.rows(); first += block) {
        const std::size_t count = std::min(block, queries.rows() - first);
        const Result<Answers> answers = flat->search(queries.slice(first, count), search);
        if (!answers) return answers.error();
        truth.ids.insert(truth.ids.end(), answers->ids.begin(), answers->ids.end());
        truth.distances.insert(truth.distances.end(), answers->distances.begin(), answers->distances.end());
        if (options.progress) options.progress(first + count, queries.rows());
    }
    return truth;
}

Status check_ground_truth(const GroundTruth& truth, std::size_t queries, std::size_t rows) {
    if (truth.queries != queries) return wrong("queries", queries, truth.queries);
    if (truth.k == 0) return Error{ErrorCode::invalid_argument, "ground truth: expected neighbours, got none a query"};
    if (truth.ids.size() != queries * truth.k) return wrong("ids", queries * truth.k, truth.ids.size());
    if (!truth.distances.empty() && truth.distances.size() != truth.ids.size()) {
        return wrong("distances", truth.ids.size(), truth.distances.size());
    }
    for (std::size_t i = 0; i < truth.ids.size(); ++i) {
        const Id id = truth.ids[i];
        if (id < 0 || static_cast<std::size_t>(id) >= rows) {
            return Error{ErrorCode::invalid_argument, "ground truth of query " + std::to_string(i / truth.k) +
                                                          ": expected ids of " + std::to_string(rows) + " rows, got " +
                                                          std::to_string(id) + "; it belongs to other data"};
        }
    }
    return {};
}

}  // namespace tonari::tune
