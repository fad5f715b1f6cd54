// tonari generate: a folder of made-up data in the layout that `tonari bench` reads.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include <tonari/io/atomic_file.hpp>
#include <tonari/io/vecs.hpp>
#include <tonari/tune/describe.hpp>
#include <tonari/tune/generate.hpp>
#include <tonari/tune/ground_truth.hpp>

#include "cli/command.hpp"
#include "cli/failure.hpp"
#include "cli/progress.hpp"
#include "cli/text.hpp"

namespace tonari::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
    std::string folder;
    tune::GenerateOptions rows;
    std::string metric;
    std::size_t k = 100;
    bool describe = false;
};

constexpr std::size_t near = 10;  // foreign neighbours are counted among so many

struct Description {
    double dimension = 0;
    double foreign = 0;
};

void write_folder(const Options& options, MetricKind metric, const tune::GeneratedRows& rows,
                  const tune::GroundTruth& truth, const Description& description) {
    const fs::path folder(options.folder);
    std::error_code failure;
    fs::create_directories(folder, failure);
    if (failure)
        fail_world(options.folder + ": expected to create this folder, got: " + failure.message() + "; choose another");
    const nlohmann::ordered_json facts = {
        {"name", folder.filename().empty() ? folder.parent_path().filename().string() : folder.filename().string()},
        {"what", "clustered rows of 'tonari generate'"},
        {"n", rows.rows},
        {"d", rows.dim},
        {"dtype", "float32"},
        {"queries", rows.queries},
        {"k", truth.k},
        {"seed", options.rows.seed},
        {"unit_norm", options.rows.unit_norm},
        {"hash", hex(rows.hash())},
        {"metrics",
         {{std::string(name(metric)), {{"lid_mle", description.dimension}, {"foreign10", description.foreign}}}}}};
    const std::string text = facts.dump(1) + "\n";
    require(write_matrix((folder / "base.fbin").string(), rows.base()));
    if (rows.queries != 0) {
        require(write_matrix((folder / "query.fbin").string(), rows.query()));
        require(write_ids((folder / "gt.ibin").string(), truth.ids, truth.k));
        require(write_matrix((folder / "gt_dist.fbin").string(),
                             MatrixView(truth.distances.data(), truth.queries, static_cast<Dim>(truth.k))));
    }
    require(write_file((folder / "facts.json").string(), std::as_bytes(std::span(text))));
}

void generate_folder(Options& options) {
    if (options.k == 0 || options.k > max_dim) {
        fail_arguments("--k: expected 1 to " + std::to_string(max_dim) + ", got " + std::to_string(options.k) +
                       "; 100 is usual");
    }
    const MetricKind metric =
        parse_metric(!options.metric.empty() ? options.metric : (options.rows.unit_norm ? "cosine" : "l2"));
    if (options.folder.empty() && !options.describe) {
        fail_arguments("OUT_DIR: expected a folder to write, got none; name one, or ask for --describe alone");
    }
    tune::GeneratedRows rows;
    tune::GroundTruth truth;
    {
        Progress progress("generating rows");
        options.rows.progress = progress.callback();
        rows = require(tune::generate(options.rows));
    }
    if (rows.queries != 0) {
        Progress progress("exact search for the ground truth");
        tune::GroundTruthOptions computing;
        computing.k = options.k;
        computing.threads = options.rows.threads;
        computing.progress = progress.callback();
        truth = require(tune::compute_ground_truth(rows.base(), rows.query(), metric, computing));
    }
    const Description description{tune::local_intrinsic_dimension(truth, metric),
                                  tune::foreign_neighbours(truth, near, rows.base_cluster, rows.query_cluster)};
    if (!options.folder.empty()) write_folder(options, metric, rows, truth, description);
    std::printf("%s and %s queries, metric %s, seed %llu, hash %s\n",
                shape(rows.rows, rows.dim, Element::float32).c_str(), grouped(rows.queries).c_str(),
                std::string(name(metric)).c_str(), static_cast<unsigned long long>(options.rows.seed),
                hex(rows.hash()).c_str());
    if (options.describe && rows.queries != 0) {
        const std::uint32_t clusters = *std::max_element(rows.base_cluster.begin(), rows.base_cluster.end()) + 1;
        std::printf("  clusters                        %s\n", grouped(clusters).c_str());
        std::printf("  local intrinsic dimension       %s (maximum likelihood, k = %zu)\n",
                    fixed(description.dimension, 1).c_str(), truth.k);
        std::printf("  neighbours of other clusters    %s %% of the first %zu\n",
                    fixed(100 * description.foreign, 1).c_str(), std::min(near, truth.k));
    }
    if (!options.folder.empty()) std::printf("wrote %s\n", options.folder.c_str());
}

}  // namespace

Command add_generate(CLI::App& tonari) {
    const auto options = std::make_shared<Options>();
    CLI::App* app = tonari.add_subcommand("generate", "Make clustered rows, queries and their ground truth");
    app->add_option("OUT_DIR", options->folder,
                    "The folder to write: base.fbin, query.fbin, gt.ibin, gt_dist.fbin, facts.json");
    app->add_option("-n,--rows", options->rows.rows, "Rows")->capture_default_str();
    app->add_option("-d,--dim", options->rows.dim, "Dimensions")->capture_default_str();
    app->add_option("--queries", options->rows.queries, "Queries, none of which is a row")->capture_default_str();
    app->add_option("--seed", options->rows.seed, "The same seed gives the same bytes on every machine")
        ->capture_default_str();
    app->add_option("--clusters", options->rows.clusters, "0: one per 250 rows, from 20 to 4000")
        ->capture_default_str();
    app->add_flag("--unit", options->rows.unit_norm, "Scale rows to length 1");
    app->add_option("-m,--metric", options->metric,
                    "Of the ground truth: l2, ip, cosine or l1 [l2; cosine with --unit]")
        ->type_name("WORD");
    app->add_option("-k,--k", options->k, "Neighbours a query in the ground truth")->capture_default_str();
    app->add_option("-t,--threads", options->rows.threads.count, "0: all; any number gives the same bytes");
    app->add_flag("--describe", options->describe, "Print how hard the data is");
    options->rows.threads.count = 0;
    app->footer("Example: tonari generate clustered --rows 1000000 --dim 128 --describe");
    return {app, [options] { generate_folder(*options); }};
}

}  // namespace tonari::cli
