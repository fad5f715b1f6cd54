#include "cli/truth_cache.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include <tonari/io/checksum.hpp>

#include "cli/dataset_source.hpp"
#include "cli/failure.hpp"
#include "cli/progress.hpp"
#include "cli/text.hpp"

namespace tonari::cli {
namespace {

namespace fs = std::filesystem;

/// $XDG_CACHE_HOME/tonari, else ~/.cache/tonari; empty without either.
fs::path cache_folder() {
    if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0')
        return fs::path(cache) / "tonari";
    if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
        return fs::path(home) / ".cache" / "tonari";
    return {};
}

void hash_rows(Checksum& sum, MatrixView rows) {
    const std::array<std::uint64_t, 3> head = {rows.rows(), rows.dim(), static_cast<std::uint64_t>(rows.element())};
    sum.update(std::as_bytes(std::span(head)));
    const std::size_t size = row_bytes(rows.element(), rows.dim());
    if (rows.stride() == size) {
        sum.update({rows.data(), rows.rows() * size});
    } else {
        for (std::size_t row = 0; row < rows.rows(); ++row) sum.update({rows.row_data(row), size});
    }
}

fs::path cache_file(const Dataset& data, std::size_t k) {
    const fs::path folder = cache_folder();
    if (folder.empty()) return {};
    Checksum sum;
    hash_rows(sum, data.base.view());
    hash_rows(sum, data.queries.view());
    return folder /
           ("truth-" + hex(sum.value()) + "-" + std::string(name(data.metric)) + "-" + std::to_string(k) + ".ibin");
}

bool load(Dataset& data, const fs::path& path, std::size_t k) {
    std::error_code ignored;
    if (path.empty() || !fs::exists(path, ignored)) return false;
    Result<IdMatrix> ids = read_ids(path.string());
    if (!ids || ids->columns != k) return false;
    tune::GroundTruth truth = truth_from(std::move(*ids));
    if (!tune::check_ground_truth(truth, data.queries.rows, data.base.rows)) return false;
    data.truth = std::move(truth);
    data.truth_origin = "cached, " + path.string();
    return true;
}

void store(const Dataset& data, const fs::path& path) {
    if (path.empty()) return;
    std::error_code ignored;
    fs::create_directories(path.parent_path(), ignored);
    // Without a cache the next run computes it again; that is no reason to fail.
    (void)write_ids(path.string(), data.truth->ids, data.truth->k, data.truth->distances);
}

}  // namespace

void ensure_truth(Dataset& data, const TruthOptions& options) {
    const std::size_t needed = std::min(options.k, data.base.rows);
    if (data.truth && data.truth->k >= needed) return;
    if (data.truth) {
        data.notes.push_back(data.truth_origin + " holds " + std::to_string(data.truth->k) + " neighbours a query, " +
                             std::to_string(needed) + " are needed: ground truth is computed anew");
        data.truth.reset();
    }
    const std::size_t k = std::min(std::max<std::size_t>(options.k, 100), data.base.rows);
    const fs::path path = options.cache ? cache_file(data, k) : fs::path{};
    if (load(data, path, k)) return;

    Progress progress("exact search for the ground truth");
    tune::GroundTruthOptions computing;
    computing.k = k;
    computing.threads.count = options.threads;
    computing.progress = progress.callback();
    data.truth = require(tune::compute_ground_truth(data.base.view(), data.queries.view(), data.metric, computing),
                         "ground truth");
    data.truth_origin = "computed in " + human_seconds(progress.seconds());
    store(data, path);
}

}  // namespace tonari::cli
