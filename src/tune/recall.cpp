#include <tonari/tune/recall.hpp>

#include <algorithm>
#include <string>

#include <tonari/tune/exact_distance.hpp>

namespace tonari::tune {
namespace {

Error invalid(std::string message) { return {ErrorCode::invalid_argument, "recall: " + std::move(message)}; }

std::string shape(MatrixView rows) {
    return std::string(name(rows.element())) + " of " + std::to_string(rows.dim()) + " dimensions";
}

}  // namespace

Result<RecallScorer> RecallScorer::make(MetricKind metric, MatrixView base, MatrixView queries,
                                        const GroundTruth& truth, std::size_t k) {
    if (k == 0) return invalid("expected k of at least 1, got 0");
    if (metric == MetricKind::user) return invalid("expected a built-in metric, got a user's own");
    if (base.element() != queries.element() || base.dim() != queries.dim()) {
        return invalid("expected queries of " + shape(base) + " like the rows, got " + shape(queries));
    }
    if (Status checked = check_ground_truth(truth, queries.rows(), base.rows()); !checked) return checked;
    const std::size_t wanted = std::min(k, base.rows());
    if (truth.k < wanted) {
        return invalid("expected ground truth of at least " + std::to_string(wanted) + " neighbours a query, got " +
                       std::to_string(truth.k));
    }
    RecallScorer scorer(metric, base, queries, wanted);
    scorer.limits_.reserve(queries.rows());
    ExactDistance distance(metric);
    for (std::size_t query = 0; query < queries.rows(); ++query) {
        distance.set_query(queries.row(query));
        // The largest of the first k, not the k-th: the file's order may come from other arithmetic.
        double limit = 0;
        bool first = true;
        for (const Id id : truth.ids_of(query).first(wanted)) {
            const double at = distance(base.row(static_cast<std::size_t>(id)));
            limit = first ? at : std::max(limit, at);
            first = false;
        }
        scorer.limits_.push_back(limit + distance.tolerance(limit));
    }
    return scorer;
}

std::size_t RecallScorer::hits(std::size_t query, std::span<const Id> ids) const {
    const std::span<const Id> counted = ids.first(std::min(ids.size(), k_));  // recall is not bought by answering more
    std::vector<Id> unique(counted.begin(), counted.end());
    std::sort(unique.begin(), unique.end());
    unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
    ExactDistance distance(metric_);
    distance.set_query(queries_.row(query));
    std::size_t found = 0;
    for (const Id id : unique) {
        if (id < 0 || static_cast<std::size_t>(id) >= base_.rows()) continue;
        if (distance(base_.row(static_cast<std::size_t>(id))) <= limits_[query]) ++found;
    }
    return found;
}

double RecallScorer::recall(std::span<const Id> ids, std::size_t stride) const {
    if (limits_.empty()) return 0;
    std::size_t found = 0;
    for (std::size_t query = 0; query < limits_.size(); ++query)
        found += hits(query, ids.subspan(query * stride, stride));
    return static_cast<double>(found) / static_cast<double>(limits_.size() * k_);
}

}  // namespace tonari::tune
