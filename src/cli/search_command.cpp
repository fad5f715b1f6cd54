// tonari search: queries against a segment file.
#include <algorithm>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tonari/segment/segment.hpp>

#include "cli/command.hpp"
#include "cli/dataset.hpp"
#include "cli/failure.hpp"
#include "cli/range_file.hpp"
#include "cli/text.hpp"

namespace tonari::cli {
namespace {

struct Options {
    std::string file;
    std::string queries;
    std::size_t k = 10;
    std::size_t ef = 64;
    std::size_t nprobe = 16;
    float refine = SearchOptions{}.refine;
    float patience = 0;
    std::optional<float> radius;
    std::size_t cap = 10'000;
    unsigned threads = 1;
    std::string residency = "map";
    std::size_t cache = 0;
    std::string out;
    std::string distances;
};

constexpr std::size_t printed_queries = 10;

void print_answer(std::size_t query, std::span<const Id> ids, std::span<const float> distances) {
    for (std::size_t rank = 0; rank < ids.size(); ++rank) {
        std::printf("%zu\t%zu\t%lld\t%.7g\n", query, rank, static_cast<long long>(ids[rank]),
                    static_cast<double>(distances[rank]));
    }
}

void print_rest(std::size_t queries) {
    if (queries > printed_queries) {
        std::fprintf(stderr, "and %s queries more; -o FILE writes them all\n",
                     grouped(queries - printed_queries).c_str());
    }
}

void print_cache(const HotCacheStats& stats) {
    std::fprintf(stderr, "cache: %s hits, %s misses of %s; %s lists in %s of %s, %s, %s made room\n",
                 grouped(stats.hits).c_str(), grouped(stats.misses).c_str(),
                 human_bytes(static_cast<double>(stats.bytes_read)).c_str(), grouped(stats.lists).c_str(),
                 human_bytes(static_cast<double>(stats.bytes)).c_str(),
                 human_bytes(static_cast<double>(stats.budget)).c_str(), stats.locked ? "locked" : "copied",
                 grouped(stats.evictions).c_str());
    if (!stats.refused) return;
    std::fprintf(stderr, "cache: the system refused to keep more; take a smaller --cache, or raise vm.max_map_count\n");
}

void search_radius(const Options& options, const Index& index, MatrixView queries) {
    if (!options.distances.empty()) {
        fail_arguments(
            "--distances: expected a search for k, got --radius, whose -o file holds the distances; leave it away");
    }
    if (options.patience != 0) {
        fail_arguments(
            "--patience: expected a search for k, got --radius, which goes on as long as lists hold rows within it");
    }
    RangeOptions range;
    range.radius = *options.radius;
    range.cap = options.cap;
    range.ef = options.ef;
    range.nprobe = options.nprobe;
    range.refine = options.refine;
    range.threads.count = options.threads;
    const RangeAnswers answers = require(index.range_search(queries, range));
    const auto cut = static_cast<std::size_t>(std::count_if(answers.outcomes.begin(), answers.outcomes.end(),
                                                            [](const Outcome& outcome) { return outcome.truncated; }));
    if (cut != 0) {
        std::fprintf(stderr, "%s queries have more than %s answers, the nearest are kept; --cap keeps more\n",
                     grouped(cut).c_str(), grouped(options.cap).c_str());
    }
    if (!options.out.empty()) {
        write_range(options.out, answers);
        std::printf("%s: %s answers to %s queries\n", options.out.c_str(), grouped(answers.ids.size()).c_str(),
                    grouped(queries.rows()).c_str());
        return;
    }
    std::printf("query\trank\tid\tdistance\n");
    for (std::size_t q = 0; q < std::min(queries.rows(), printed_queries); ++q) {
        const std::size_t first = answers.offsets[q];
        const std::size_t count = answers.offsets[q + 1] - first;
        print_answer(q, std::span(answers.ids).subspan(first, count),
                     std::span(answers.distances).subspan(first, count));
    }
    print_rest(queries.rows());
}

void search_nearest(const Options& options, const Index& index, MatrixView queries) {
    SearchOptions search;
    search.k = options.k;
    search.ef = options.ef;
    search.nprobe = options.nprobe;
    search.refine = options.refine;
    search.patience = options.patience;
    search.threads.count = options.threads;
    const Answers answers = require(index.search(queries, search));
    if (!options.distances.empty()) {
        require(write_matrix(options.distances,
                             MatrixView(answers.distances.data(), answers.queries, static_cast<Dim>(answers.k))),
                options.distances);
    }
    if (!options.out.empty()) {
        require(write_ids(options.out, answers.ids, answers.k), options.out);
        std::printf("%s: %s queries x %zu ids\n", options.out.c_str(), grouped(answers.queries).c_str(), answers.k);
        return;
    }
    std::printf("query\trank\tid\tdistance\n");
    for (std::size_t q = 0; q < std::min(answers.queries, printed_queries); ++q)
        print_answer(q, answers.ids_of(q), answers.distances_of(q));
    print_rest(answers.queries);
}

void search_file(const Options& options) {
    if (options.k == 0) fail_arguments("--k: expected at least 1, got 0; ask for one neighbour or more");
    if (options.k > max_dim && !options.distances.empty()) {
        fail_arguments("--distances: expected k of at most " + std::to_string(max_dim) + ", got " +
                       std::to_string(options.k) + "; ask for fewer");
    }
    const OpenOptions how{residency_from(options.residency).value(), options.cache};
    const Segment segment = require(Segment::open(options.file, how), options.file);
    Matrix queries = read_rows(options.queries, std::numeric_limits<std::size_t>::max(), "test");
    if (segment.index().element() == Element::bits && queries.element == Element::uint8) bytes_to_bits(queries);
    if (options.radius) {
        search_radius(options, segment.index(), queries.view());
    } else {
        search_nearest(options, segment.index(), queries.view());
    }
    if (const auto stats = segment.index().cache_stats()) print_cache(*stats);
}

}  // namespace

Command add_search(CLI::App& tonari) {
    const auto options = std::make_shared<Options>();
    CLI::App* app = tonari.add_subcommand("search", "Search a segment file");
    app->add_option("FILE", options->file, "A segment file")->required();
    app->add_option("-q,--queries", options->queries, "A vector file")->required()->type_name("FILE");
    app->add_option("-k,--k", options->k, "Neighbours a query")->capture_default_str();
    app->add_option("--ef", options->ef, "How wide a graph is searched: more finds more, slower")
        ->capture_default_str();
    app->add_option("--nprobe", options->nprobe, "How many lists of an IVF are looked at: more finds more, slower")
        ->capture_default_str();
    app->add_option("--refine", options->refine,
                    "Codes with refinement: how many standard deviations of a code's error are allowed for")
        ->capture_default_str();
    app->add_option("--patience", options->patience,
                    "IVF: end before --nprobe lists after about so many in a row without a find; 0: never")
        ->capture_default_str();
    app->add_option("-r,--radius", options->radius, "All rows within this distance instead of the k nearest")
        ->type_name("DISTANCE");
    app->add_option("--cap", options->cap, "With --radius: the most rows a query")->capture_default_str();
    app->add_option("-t,--threads", options->threads, "0: all")->capture_default_str();
    app->add_option("--residency", options->residency,
                    "map: read what is touched; load: read all first; disk: as map, for files larger than memory")
        ->capture_default_str()
        ->check(CLI::IsMember({"load", "map", "disk"}))
        ->type_name("WORD");
    app->add_option("--cache", options->cache,
                    "With --residency disk, inverted lists: memory for the lists that are asked for most")
        ->transform(CLI::AsSizeValue(false))
        ->type_name("BYTES|MiB|GiB");
    app->add_option("-o,--output", options->out,
                    "Write ids here (.ibin, .ivecs, .npy) [print the first ten queries' answers]")
        ->type_name("FILE");
    app->add_option("--distances", options->distances, "Write distances here (.fbin, .fvecs, .npy)")->type_name("FILE");
    app->footer(
        "Smaller distances are nearer: squared for l2, negated for ip, 1 - cosine.\n"
        "Example: tonari search books.tnr --queries query.fbin -k 10 --ef 100 -o ids.ibin");
    return {app, [options] { search_file(*options); }};
}

}  // namespace tonari::cli
