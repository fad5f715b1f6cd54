// Recall on real data: exact search is the ground truth, by distance; graphs reach what they reached when the bounds
// below were measured, less one or two in a hundred. Needs TONARI_DATA: a folder of unpacked sets.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <tonari/index/build.hpp>
#include <tonari/io/vecs.hpp>

#include "support/catch.hpp"
#include "support/oracle.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

/// One set, cut to its first rows so that all of them together take under a minute.
struct Set {
    Matrix base;
    Matrix queries;
    IdMatrix truth;
    MatrixView rows;
    MatrixView asked;
};

/// Why the set cannot be used, or nothing.
std::string missing(const std::string& set) {
    const char* folder = std::getenv("TONARI_DATA");
    if (folder == nullptr || *folder == '\0') return "TONARI_DATA names no folder of data sets";
    const auto path = std::filesystem::path(folder) / set;
    if (!std::filesystem::is_directory(path)) return "no set " + set + " in " + folder;
    if (std::filesystem::exists(path / "base.fbin") || std::filesystem::exists(path / "base.u8bin")) return {};
    return set + " is packed; tests/run.sh unpacks it, or: python3 " + std::string(folder) + "/unpack.py FOLDER " + set;
}

Set load(const std::string& set, const std::string& truth, std::size_t most_rows, std::size_t most_queries = 300) {
    const auto folder = std::filesystem::path(std::getenv("TONARI_DATA")) / set;
    const std::string extension = std::filesystem::exists(folder / "base.u8bin") ? ".u8bin" : ".fbin";
    Set out;
    out.base = read_matrix((folder / ("base" + extension)).string()).value();
    out.queries = read_matrix((folder / ("query" + extension)).string(), {.max_rows = most_queries}).value();
    out.truth = read_ids((folder / (truth + ".ibin")).string()).value();
    const auto distances = read_matrix((folder / (truth + "_dist.fbin")).string()).value();
    out.truth.distances.assign(reinterpret_cast<const float*>(distances.bytes.data()),
                               reinterpret_cast<const float*>(distances.bytes.data()) + distances.rows * distances.dim);
    out.rows = out.base.view();
    out.asked = out.queries.view();
    if (set == "orb-256bit") {  // 256 bits in 32 bytes
        out.rows = {out.base.bytes.data(), out.base.rows, 256, Element::bits};
        out.asked = {out.queries.bytes.data(), out.queries.rows, 256, Element::bits};
    }
    out.rows = out.rows.slice(0, std::min(most_rows, out.rows.rows()));
    return out;
}

/// Flat over the whole set against the published ground truth: each distance, and that ids differ only where they tie.
void check_flat(const Set& set, MetricKind metric, float tolerance) {
    const MatrixView all{set.base.bytes.data(), set.base.rows, set.rows.dim(), set.rows.element()};
    const Index flat = build("Flat", metric, all).value();
    const std::size_t asked = std::min<std::size_t>(set.asked.rows(), 100);
    const Answers answers = flat.search(set.asked.slice(0, asked), {.k = 100, .threads = {0}}).value();
    std::size_t wrong = 0;
    for (std::size_t q = 0; q < asked; ++q) {
        const auto truth = std::span(set.truth.distances).subspan(q * set.truth.columns, 100);
        for (std::size_t i = 0; i < 100; ++i) {
            const float off = std::abs(answers.distances_of(q)[i] - truth[i]);
            wrong += off <= tolerance * std::max(1.0F, std::abs(truth[i])) ? 0 : 1;
            const bool ties = (i > 0 && truth[i] - truth[i - 1] <= 2 * tolerance) ||
                              (i < 99 && truth[i + 1] - truth[i] <= 2 * tolerance) || i == 99;
            wrong += answers.ids_of(q)[i] == set.truth.row(q)[i] || ties || tolerance > 0 ? 0 : 1;
        }
    }
    CHECK(wrong == 0);
}

/// What a graph reaches, recall@10, at two widths of search.
struct Graph {
    const char* spec;
    double at_32;
    double at_128;
};

void check_graph(const Set& set, MetricKind metric, const Graph& bounds) {
    const Index flat = build("Flat", metric, set.rows).value();
    const Answers truth = flat.search(set.asked, {.k = 10, .threads = {0}}).value();
    const Index graph = build(bounds.spec, metric, set.rows, {}, {.threads = {0}, .ef_construction = 100}).value();
    for (const auto& [ef, at_least] : {std::pair{std::size_t{32}, bounds.at_32}, {std::size_t{128}, bounds.at_128}}) {
        const Answers answers = graph.search(set.asked, {.k = 10, .ef = ef, .threads = {0}}).value();
        double found = 0;
        std::size_t malformed = 0;
        for (std::size_t q = 0; q < truth.queries; ++q) {
            const auto answer = answer_of(answers, q);
            malformed += well_formed(answer) && answer.size() == 10 ? 0 : 1;
            found += recall(answer, answer_of(truth, q), 10);
        }
        CHECK(malformed == 0);
        found /= static_cast<double>(truth.queries);
        UNSCOPED_INFO(bounds.spec << " " << name(metric) << " ef " << ef << ": recall@10 " << found << ", bound "
                                  << at_least);
        CHECK(found >= at_least);
    }
}

void check(const std::string& name, const std::string& truth, MetricKind metric, float tolerance, std::size_t rows,
           std::initializer_list<Graph> graphs) {
    if (const auto why = missing(name); !why.empty()) TONARI_SKIP(why);
    const Set set = load(name, truth, rows);
    check_flat(set, metric, tolerance);
    for (const Graph& graph : graphs) check_graph(set, metric, graph);
}

}  // namespace

TEST_CASE("recall: sift-128, uint8, l2", "[recall]") {
    check("sift-128", "gt", MetricKind::l2, 0, 20'000, {{"HNSW16", 0.965, 0.995}});
}

TEST_CASE("recall: words-50, cosine", "[recall]") {
    check("words-50", "gt_cosine", MetricKind::cosine, 2e-6F, 20'000, {{"HNSW16", 0.955, 0.993}});
}

TEST_CASE("recall: words-50, inner product", "[recall]") {
    check("words-50", "gt_ip", MetricKind::inner_product, 2e-6F, 20'000, {{"HNSW16", 0.915, 0.99}});
}

TEST_CASE("recall: tate-64, cosine, a sixth of the rows repeated", "[recall]") {
    check("tate-64", "gt", MetricKind::cosine, 2e-6F, 30'000, {{"HNSW16", 0.98, 0.997}});
}

TEST_CASE("recall: orb-256bit, hamming", "[recall]") {
    check("orb-256bit", "gt", MetricKind::hamming, 0, 20'000, {{"HNSW16", 0.955, 0.995}});
}

TEST_CASE("recall: squeezenet-512, l2, float32 and half precision, which holds its values exactly", "[recall]") {
    check("squeezenet-512", "gt_l2", MetricKind::l2, 5e-6F, 12'000,
          {{"HNSW16", 0.94, 0.992}, {"HNSW16,FP16", 0.94, 0.992}});
}

TEST_CASE("recall: squeezenet-512, cosine", "[recall]") {
    check("squeezenet-512", "gt_cosine", MetricKind::cosine, 2e-6F, 12'000, {{"HNSW16", 0.965, 0.993}});
}

TEST_CASE("recall: fashion-784, uint8, l2", "[recall]") {
    check("fashion-784", "gt", MetricKind::l2, 0, 20'000, {{"HNSW16", 0.985, 0.997}});
}

TEST_CASE("recall: of fashion-784 in lists, patience finds as much by comparing an eighth fewer rows", "[recall]") {
    if (const auto why = missing("fashion-784"); !why.empty()) TONARI_SKIP(why);
    const Set set = load("fashion-784", "gt", 20'000, 1000);
    const Answers truth = build("Flat", MetricKind::l2, set.rows).value().search(set.asked, {.threads = {0}}).value();
    const auto measured = [&](const Index& lists, SearchOptions options) {  // recall@10, and rows compared a query
        options.threads = {0};
        const Answers answers = lists.search(set.asked, options).value();
        std::pair<double, double> mean{};
        for (std::size_t q = 0; q < truth.queries; ++q) {
            mean.first += recall(answer_of(answers, q), answer_of(truth, q), 10) / static_cast<double>(truth.queries);
            mean.second += answers.outcomes[q].distances / static_cast<double>(truth.queries);
        }
        return mean;
    };
    for (const float patience : {12.0F, 24.0F}) {
        double with = 0;
        double without = 0;
        for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {  // where the last few rows are found is a matter of chance
            const Index lists =
                build("IVF128,Flat", MetricKind::l2, set.rows, {}, {.threads = {0}, .seed = seed}).value();
            const auto [found, compared] = measured(lists, {.nprobe = 64, .patience = patience});
            CHECK(found > 0.97);
            std::pair<double, double> before{};
            std::size_t nprobe = 1;
            std::pair<double, double> alike = measured(lists, {.nprobe = nprobe});
            while (alike.first < found) before = std::exchange(alike, measured(lists, {.nprobe = ++nprobe}));
            const double share = (found - before.first) / (alike.first - before.first);  // of the last list
            with += compared;
            without += before.second + share * (alike.second - before.second);
        }
        CAPTURE(patience);
        CHECK(8 * with < 7 * without);
    }
}
