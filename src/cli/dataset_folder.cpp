// A folder: base.<kind>, query.<kind>, and perhaps ground truth and facts.json. And ann-benchmarks' HDF5, which has
// the same in one file.
#include <array>
#include <filesystem>
#include <fstream>
#include <limits>

#include <nlohmann/json.hpp>

#include "cli/dataset_source.hpp"
#include "cli/failure.hpp"
#include "cli/hdf5_file.hpp"
#include "cli/text.hpp"

namespace tonari::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array kinds = {"fbin", "u8bin", "i8bin", "f16bin", "hbin", "bf16bin", "b1bin", "fvecs", "bvecs", "npy"};

/// The file `stem.<kind>` of the folder, empty if there is none.
std::string vectors(const fs::path& folder, const std::string& stem) {
    for (const char* kind : kinds) {
        const fs::path path = folder / (stem + "." + kind);
        if (fs::exists(path)) return path.string();
    }
    return {};
}

/// The metrics that facts.json names, in its order.
std::vector<std::string> metrics_of(const fs::path& folder) {
    std::ifstream file(folder / "facts.json");
    if (!file) return {};
    const auto facts = nlohmann::ordered_json::parse(file, nullptr, false);
    if (facts.is_discarded()) {
        fail_world((folder / "facts.json").string() + ": expected JSON, got something else; mend it or move it away");
    }
    std::vector<std::string> names;
    if (facts.is_object() && facts.contains("metrics") && facts["metrics"].is_object()) {
        for (const auto& [metric, ignored] : facts["metrics"].items()) names.push_back(metric);
    }
    return names;
}

/// gt_<metric>.ibin, else gt.ibin, which belongs to the one metric of the data.
std::string truth_file(const fs::path& folder, const std::string& metric, bool only_metric) {
    const fs::path named = folder / ("gt_" + metric + ".ibin");
    if (fs::exists(named)) return named.string();
    const fs::path plain = folder / "gt.ibin";
    return only_metric && fs::exists(plain) ? plain.string() : std::string{};
}

}  // namespace

tune::GroundTruth truth_from(IdMatrix ids) {
    tune::GroundTruth truth;
    truth.queries = ids.rows;
    truth.k = ids.columns;
    truth.ids = std::move(ids.ids);
    truth.distances = std::move(ids.distances);
    return truth;
}

tune::GroundTruth truth_from_file(const std::string& path) {
    tune::GroundTruth truth = truth_from(read_id_rows(path));
    const fs::path file(path);
    const fs::path beside = file.parent_path() / (file.stem().string() + "_dist.fbin");
    if (truth.distances.empty() && fs::exists(beside)) {
        const Matrix distances = require(read_matrix(beside.string()));
        if (distances.rows != truth.queries || distances.dim != truth.k || distances.element != Element::float32) {
            fail_world(beside.string() + ": expected the shape of " + path + " (" + std::to_string(truth.queries) +
                       " x " + std::to_string(truth.k) + "), got " +
                       shape(distances.rows, distances.dim, distances.element) + "; fetch both again");
        }
        const auto values = distances.bytes.as<float>();
        truth.distances.assign(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(truth.ids.size()));
    }
    return truth;
}

Found find_in_folder(const DatasetRequest& request, std::size_t max_rows) {
    const fs::path folder(request.data);
    const std::string base = vectors(folder, "base");
    if (base.empty()) {
        fail_world(request.data +
                   ": expected base.fbin, base.u8bin or the like in this folder, got none; name a file instead");
    }
    Found found;
    found.name = fs::weakly_canonical(folder).filename().string();
    found.base = read_rows(base, max_rows);
    const std::string query = vectors(folder, "query");
    if (request.with_queries && request.queries.empty() && !query.empty()) {
        found.queries = read_rows(query, std::numeric_limits<std::size_t>::max());
    }
    const std::vector<std::string> metrics = metrics_of(folder);
    if (!metrics.empty()) found.metric = metrics.front();
    if (metrics.size() > 1 && request.metric.empty()) {
        std::string all;
        for (const std::string& metric : metrics) all += (all.empty() ? "" : ", ") + metric;
        found.notes.push_back("the data has ground truth for " + all + ": " + metrics.front() +
                              " is used (--metric chooses)");
    }
    if (request.with_queries && request.ground_truth.empty()) {
        const std::string metric(name(request.metric.empty()
                                          ? (metrics.empty() ? MetricKind::l2 : parse_metric(metrics.front()))
                                          : parse_metric(request.metric)));
        const bool only = metrics.empty() || (metrics.size() == 1 && metrics.front() == metric);
        const std::string truth = truth_file(folder, metric, only);
        if (!truth.empty()) {
            found.truth = truth_from_file(truth);
            found.truth_origin = fs::path(truth).filename().string();
        }
    }
    return found;
}

Found find_in_hdf5(const DatasetRequest& request, std::size_t max_rows) {
    Found found;
    found.name = fs::path(request.data).stem().string();
    found.base = hdf5_matrix(request.data, "train", max_rows);
    found.metric = hdf5_distance(request.data);
    if (!request.with_queries) return found;
    if (request.queries.empty() && hdf5_has(request.data, "test")) {
        found.queries = hdf5_matrix(request.data, "test", std::numeric_limits<std::size_t>::max());
    }
    const bool same_metric =
        request.metric.empty() || (!found.metric.empty() && parse_metric(found.metric) == parse_metric(request.metric));
    if (request.ground_truth.empty() && same_metric && hdf5_has(request.data, "neighbors")) {
        found.truth = truth_from(hdf5_ids(request.data, "neighbors"));
        found.truth_origin = "data set 'neighbors'";
    }
    return found;
}

}  // namespace tonari::cli
