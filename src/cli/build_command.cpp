// tonari build: rows in, segment file out.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <tonari/index/advise.hpp>
#include <tonari/index/build.hpp>
#include <tonari/segment/segment.hpp>

#include "cli/command.hpp"
#include "cli/dataset.hpp"
#include "cli/failure.hpp"
#include "cli/progress.hpp"
#include "cli/text.hpp"

namespace tonari::cli {
namespace {

struct Options {
    DatasetRequest data;
    std::string index;
    std::string out;
    std::string ids;
    unsigned threads = 0;
    std::size_t ef_construction = 200;
    std::uint64_t seed = 42;
    float balance = 0;
};

std::vector<Id> read_ids_for(const std::string& path, std::size_t rows) {
    const IdMatrix ids = read_id_rows(path, "ids");
    if (ids.ids.size() != rows) {
        fail_arguments(path + ": expected " + std::to_string(rows) + " ids, one a row, got " +
                       std::to_string(ids.ids.size()) + "; name the file that belongs to the rows");
    }
    return ids.ids;
}

/// The spec that "auto" stands for, which is told.
std::string chosen(const std::string& spec, const Dataset& data, const Threads& threads) {
    if (spec != "auto") return spec;
    const IndexAdvice advice = require(advise(data.base.view(), data.metric, 0, threads), std::string("auto"));
    std::printf("auto: %s, since %s\n", advice.spec.c_str(), advice.why.c_str());
    return advice.spec;
}

void build_file(const Options& options) {
    const Dataset data = open_dataset(options.data);
    std::vector<Id> ids;
    if (!options.ids.empty()) ids = read_ids_for(options.ids, data.base.rows);
    BuildOptions building;
    building.threads.count = options.threads;
    building.ef_construction = options.ef_construction;
    building.seed = options.seed;
    building.balance = options.balance;
    double seconds = 0;
    const std::string spec = chosen(options.index, data, building.threads);
    const Index index = [&] {
        Progress progress("building " + spec);
        building.progress = progress.callback();
        Index built = require(build(spec, data.metric, data.base.view(), ids, building), spec);
        seconds = progress.seconds();
        return built;
    }();
    require(write_segment(options.out, index), options.out);
    std::printf("%s: %s, %s, metric %s, %s, built in %s\n", options.out.c_str(), index.spec().c_str(),
                shape(index.size(), index.dim(), index.element()).c_str(), std::string(name(index.metric())).c_str(),
                human_bytes(static_cast<double>(index.bytes())).c_str(), human_seconds(seconds).c_str());
}

}  // namespace

Command add_build(CLI::App& tonari) {
    const auto options = std::make_shared<Options>();
    options->data.with_queries = false;
    CLI::App* app = tonari.add_subcommand("build", "Build an index and write it to a segment file");
    app->add_option("DATA", options->data.data,
                    "A vector file, a folder with base.*, an .hdf5, or generated:n=...,d=...")
        ->required();
    app->add_option("-i,--index", options->index,
                    "What to build: auto, Flat, HNSW32, HNSW32,SQ8,RFlat, IVF1024,RaBitQ,RFlat, ...")
        ->required()
        ->type_name("SPEC");
    app->add_option("-o,--output", options->out, "The segment file")->required()->type_name("FILE");
    app->add_option("-m,--metric", options->data.metric, "l2, ip, cosine, l1 or hamming [the data's own, else l2]")
        ->type_name("WORD");
    app->add_option("--ids", options->ids, "An id file, one id a row [0, 1, 2, ...]")->type_name("FILE");
    app->add_option("-t,--threads", options->threads, "0: all; any number gives the same file")->capture_default_str();
    app->add_option("--ef-construction", options->ef_construction, "How wide a graph is built")->capture_default_str();
    app->add_option("--seed", options->seed, "Of the build")->capture_default_str();
    app->add_option("--balance", options->balance,
                    "IVF: how much it counts against a list that it is longer than others; 0.05 to 0.2 are of use")
        ->capture_default_str();
    app->add_option("--rows", options->data.rows, "Use the first so many rows")->type_name("N");
    app->footer("Example: tonari build base.fbin --index HNSW32 --metric cosine -o books.tnr");
    return {app, [options] { build_file(*options); }};
}

}  // namespace tonari::cli
