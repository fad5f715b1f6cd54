#include <tonari/tune/describe.hpp>

#include <algorithm>
#include <cmath>

namespace tonari::tune {

double local_intrinsic_dimension(const GroundTruth& truth, MetricKind metric) {
    if (truth.k < 2 || truth.distances.empty() || metric == MetricKind::inner_product) return 0;
    const bool squared = metric == MetricKind::l2 || metric == MetricKind::cosine;
    const double power = squared ? 0.5 : 1;  // the log of a root is half the log
    double inverses = 0;
    std::size_t counted = 0;
    for (std::size_t query = 0; query < truth.queries; ++query) {
        const auto distances = truth.distances_of(query);
        const double farthest = distances.back();
        double logs = 0;
        std::size_t terms = 0;
        for (const float distance : distances.first(truth.k - 1)) {
            if (distance <= 0) continue;  // the query itself is a row: no rate can be read off that
            logs += power * std::log(static_cast<double>(distance) / farthest);
            ++terms;
        }
        if (terms == 0 || logs >= 0) continue;
        inverses += -logs / static_cast<double>(terms);
        ++counted;
    }
    return counted == 0 ? 0 : static_cast<double>(counted) / inverses;
}

double foreign_neighbours(const GroundTruth& truth, std::size_t k, std::span<const std::uint32_t> base_cluster,
                          std::span<const std::uint32_t> query_cluster) {
    const std::size_t first = std::min(k, truth.k);
    if (truth.queries == 0 || first == 0) return 0;
    std::size_t foreign = 0;
    for (std::size_t query = 0; query < truth.queries; ++query) {
        for (const Id id : truth.ids_of(query).first(first)) {
            if (base_cluster[static_cast<std::size_t>(id)] != query_cluster[query]) ++foreign;
        }
    }
    return static_cast<double>(foreign) / static_cast<double>(truth.queries * first);
}

}  // namespace tonari::tune
