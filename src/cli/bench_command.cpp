// tonari bench: recall against latency of some indexes on one data set.
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <tonari/index/build.hpp>
#include <tonari/io/atomic_file.hpp>
#include <tonari/segment/segment.hpp>
#include <tonari/tune/knee.hpp>
#include <tonari/tune/recall.hpp>
#include <tonari/tune/sweep.hpp>

#include "cli/bench_result.hpp"
#include "cli/command.hpp"
#include "cli/dataset.hpp"
#include "cli/failure.hpp"
#include "cli/machine.hpp"
#include "cli/progress.hpp"
#include "cli/text.hpp"
#include "cli/truth_cache.hpp"

namespace tonari::cli {
namespace {

namespace fs = std::filesystem;

struct BenchOptions {
    DatasetRequest data;
    std::vector<std::string> indexes;
    std::size_t k = 10;
    unsigned threads = 1;
    unsigned build_threads = 0;
    std::size_t ef_construction = 200;
    float balance = 0;
    std::uint64_t seed = 42;
    std::vector<std::size_t> widths;
    std::vector<std::size_t> nprobes;
    std::vector<float> refines;
    std::vector<float> patiences;
    std::string residency;
    std::string json;
    std::string html;
    bool no_cache = false;
};

/// The index as a segment file, opened again: what a user of the file would search.
class FileCopy {
public:
    FileCopy(const Index& index, const std::string& residency)
        : path_(fs::temp_directory_path() /
                ("tonari-bench-" + hex(static_cast<std::uint64_t>(Clock::now().time_since_epoch().count())) + ".tnr")) {
        require(write_segment(path_, index), path_.string());
        segment_ =
            std::make_unique<Segment>(require(Segment::open(path_, residency_from(residency).value()), path_.string()));
    }
    FileCopy(const FileCopy&) = delete;
    FileCopy& operator=(const FileCopy&) = delete;
    ~FileCopy() {
        segment_.reset();
        std::error_code ignored;
        fs::remove(path_, ignored);
        fs::remove(path_.string() + ".lock", ignored);
    }
    [[nodiscard]] const Index& index() const noexcept { return segment_->index(); }

private:
    fs::path path_;
    std::unique_ptr<Segment> segment_;
};

IndexResult measure(const BenchOptions& options, const Dataset& data, const tune::RecallScorer& scorer,
                    const std::string& spec) {
    IndexResult result;
    result.index = spec;
    BuildOptions building;
    building.threads.count = options.build_threads;
    building.ef_construction = options.ef_construction;
    building.balance = options.balance;
    building.seed = options.seed;
    Progress build_bar("building " + spec);
    building.progress = build_bar.callback();
    const PeakMemory peak;
    Index index = require(build(spec, data.metric, data.base.view(), {}, building), spec);
    result.build_seconds = build_bar.seconds();
    result.build_peak_bytes = peak.bytes();
    result.bytes = index.bytes();

    std::unique_ptr<FileCopy> copy;
    if (!options.residency.empty()) {
        copy = std::make_unique<FileCopy>(index, options.residency);
        index = copy->index();
    }
    Progress sweep_bar("searching " + spec);
    tune::SweepOptions sweeping;
    sweeping.threads = options.threads;
    sweeping.widths = options.widths;
    sweeping.nprobes = options.nprobes;
    sweeping.refines = options.refines;
    sweeping.patiences = options.patiences;
    sweeping.progress = sweep_bar.callback();
    result.points = require(tune::sweep(index, data.queries.view(), scorer, sweeping), spec);
    result.knee = tune::knee(result.points);
    return result;
}

void print_head(const BenchResult& bench, const Dataset& data) {
    std::printf("%s: %s, metric %s, %s queries, k = %zu\n", bench.dataset.c_str(),
                shape(bench.n, bench.dim, bench.element).c_str(), std::string(name(bench.metric)).c_str(),
                grouped(bench.queries).c_str(), bench.k);
    std::printf("%s; %s; searching with %u thread%s%s\n", bench.machine.c_str(), bench.date.c_str(), bench.threads,
                bench.threads == 1 ? "" : "s",
                bench.residency == "built" ? "" : (", segment file: " + bench.residency).c_str());
    std::printf("ground truth: %s\n", bench.ground_truth.c_str());
    for (const std::string& note : data.notes) std::printf("note: %s\n", note.c_str());
    if (const std::string busy = busy_text(bench); !busy.empty()) std::printf("note: %s\n", busy.c_str());
    std::printf("\n");
    std::fflush(stdout);
}

void check(const BenchOptions& options) {
    if (options.k == 0) fail_arguments("--k: expected at least 1, got 0; ask for one neighbour or more");
    if (options.threads == 0) fail_arguments("--threads: expected at least 1, got 0; a measurement names its threads");
    const auto check_widths = [](const std::string& option, const std::vector<std::size_t>& widths) {
        if (std::find(widths.begin(), widths.end(), 0) == widths.end()) return;
        fail_arguments(option + ": expected widths of at least 1, got 0; leave " + option + " away for the usual ones");
    };
    check_widths("--ef", options.widths);
    check_widths("--nprobe", options.nprobes);
    for (const float refine : options.refines) {
        if (refine >= 0 && refine <= std::numeric_limits<float>::max()) continue;
        fail_arguments("--refine: expected 0 or more standard deviations, got " + std::to_string(refine));
    }
    for (const float patience : options.patiences) {
        if (patience >= 0 && patience <= std::numeric_limits<float>::max()) continue;
        fail_arguments("--patience: expected 0 or more lists, got " + std::to_string(patience));
    }
    for (const std::string& path : {options.json, options.html}) {  // not after ten minutes of measuring
        if (path.empty()) continue;
        const fs::path folder = fs::path(path).parent_path();
        if (!folder.empty() && !fs::is_directory(folder)) {
            fail_world(path + ": expected its folder to exist, got none; create it first");
        }
    }
}

void write_text(const std::string& path, const std::string& text) {
    require(write_file(path, std::as_bytes(std::span(text))), path);
}

void bench(const BenchOptions& options) {
    check(options);
    BenchResult result;
    result.date = now_utc();
    result.load = load_per_core();  // before it is our own
    Dataset data = open_dataset(options.data);
    TruthOptions truth;
    truth.k = options.k;
    truth.cache = !options.no_cache;
    ensure_truth(data, truth);
    const tune::RecallScorer scorer =
        require(tune::RecallScorer::make(data.metric, data.base.view(), data.queries.view(), *data.truth, options.k));

    result.dataset = data.name;
    result.n = data.base.rows;
    result.dim = data.base.dim;
    result.element = data.base.element;
    result.metric = data.metric;
    result.k = options.k;
    result.queries = data.queries.rows;
    result.threads = options.threads;
    result.machine = machine();
    result.residency = options.residency.empty() ? "built" : options.residency;
    result.ground_truth = data.truth_origin;
    print_head(result, data);
    for (const std::string& spec : options.indexes) {
        result.results.push_back(measure(options, data, scorer, spec));
        std::printf("%s\n", index_text(result, result.results.back()).c_str());
        std::fflush(stdout);
    }
    std::printf("%s", summary_text(result).c_str());
    if (!options.json.empty()) {
        write_text(options.json, bench_json(result));
        std::printf("\nwrote %s\n", options.json.c_str());
    }
    if (!options.html.empty()) {
        write_text(options.html, bench_html(result));
        std::printf("%swrote %s\n", options.json.empty() ? "\n" : "", options.html.c_str());
    }
}

}  // namespace

Command add_bench(CLI::App& tonari) {
    const auto options = std::make_shared<BenchOptions>();
    CLI::App* app = tonari.add_subcommand("bench", "Measure recall against latency of some indexes");
    app->add_option("DATA", options->data.data,
                    "A folder, an ann-benchmarks .hdf5, a vector file, or generated:n=100000,d=128,seed=1")
        ->required();
    app->add_option("-i,--index", options->indexes,
                    "What to measure, as often as you like: Flat, HNSW32, HNSW32,SQ8, IVF1024,Flat, ...")
        ->required()
        ->type_name("SPEC")
        ->take_all()
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app->add_option("-m,--metric", options->data.metric, "l2, ip, cosine, l1 or hamming [the data's own, else l2]")
        ->type_name("WORD");
    app->add_option("-k,--k", options->k, "Neighbours a query")->capture_default_str();
    app->add_option("-t,--threads", options->threads, "Threads that search; 1 measures queries one at a time")
        ->capture_default_str();
    app->add_option("--build-threads", options->build_threads, "Threads that build; 0: all")->capture_default_str();
    app->add_option("--ef", options->widths, "Widths to try, 10,20,40 [from k up until recall 0.995]")
        ->delimiter(',')
        ->type_name("LIST");
    app->add_option("--nprobe", options->nprobes, "Lists to look at, 1,4,16 [from 1 up until recall 0.995]")
        ->delimiter(',')
        ->type_name("LIST");
    app->add_option(
           "--patience", options->patiences,
           "Lists in a row without a find after which a search ends, 0,12,24, each with every --nprobe [0: never]")
        ->delimiter(',')
        ->type_name("NUMBERS");
    app->add_option("--refine", options->refines,
                    "Standard deviations of codes that refinement allows for, 1.5,2 [1.5, 2 and 3]")
        ->delimiter(',')
        ->type_name("NUMBERS");
    app->add_option("--ef-construction", options->ef_construction, "How wide a graph is built")->capture_default_str();
    app->add_option("--balance", options->balance,
                    "IVF: how much it counts against a list that it is longer than others")
        ->capture_default_str();
    app->add_option("--seed", options->seed, "Of the build")->capture_default_str();
    app->add_option("-q,--queries", options->data.queries, "A vector file of queries [the data's own]")
        ->type_name("FILE");
    app->add_option("--ground-truth", options->data.ground_truth,
                    "An id file of true neighbours [the data's own, else computed]")
        ->type_name("FILE");
    app->add_option("--limit-queries", options->data.limit_queries, "Use the first so many queries")->type_name("N");
    app->add_option("--rows", options->data.rows, "Use the first so many rows")->type_name("N");
    app->add_option("--residency", options->residency,
                    "Search a segment file instead of the index as built: load, map or disk")
        ->type_name("WORD")
        ->check(CLI::IsMember({"load", "map", "disk"}));
    app->add_option("--json", options->json, "Write the figures here")->type_name("FILE");
    app->add_option("--html", options->html, "Write a page with plots here")->type_name("FILE");
    app->add_flag("--no-cache", options->no_cache, "Neither read nor write ~/.cache/tonari");
    app->footer(
        "A folder holds base.*, query.* (fbin, u8bin, ...) and, where known, gt.ibin or gt_<metric>.ibin and "
        "facts.json.\n"
        "Example: tonari bench sift-128 --index Flat --index HNSW32 --json bench.json --html bench.html");
    return {app, [options] { bench(*options); }};
}

}  // namespace tonari::cli
