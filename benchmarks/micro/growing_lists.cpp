// Growing inverted lists beside frozen ones: searching, adding, removing, on one thread.
//
//     bench_growing_lists ROWS QUERIES [spec [nprobe]]      vector files; default: IVF1024,Flat 16
//
// Four indexes with the same centroids and rows: the frozen one; one grown from it; one to which all rows came one at a time,
// in their order; and that after a random half of the rows was removed and added again. They are searched in turn, again and
// again for two seconds each and one query at a time, and the fastest pass of each counts. Time is that of the CPU; pin it to
// one.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <numeric>
#include <string>
#include <vector>

#include <tonari/core/random.hpp>
#include <tonari/index/build.hpp>
#include <tonari/index/grow.hpp>
#include <tonari/io/vecs.hpp>
#include <tonari/simd/level.hpp>

using namespace tonari;

namespace {

double seconds_of(const auto& work) {
    const std::clock_t start = std::clock();
    work();
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

struct Measured {
    const char* name;
    Index index;
    double best = 1e9;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "bench_growing_lists ROWS QUERIES [spec [nprobe]]\n");
        return 2;
    }
    const Matrix base = read_matrix(argv[1]).value();
    const Matrix asked = read_matrix(argv[2]).value();
    const std::string spec = argc > 3 ? argv[3] : "IVF1024,Flat";
    const SearchOptions options{.k = 10, .nprobe = argc > 4 ? std::strtoul(argv[4], nullptr, 10) : 16};
    const MatrixView rows = base.view();
    const MatrixView queries = asked.view();

    const Index frozen = build(spec, MetricKind::l2, rows).value();
    const GrowingIndex copied = grow(frozen).value();
    std::vector<Id> ids(rows.rows());
    std::iota(ids.begin(), ids.end(), Id{0});
    const auto add = [&](GrowingIndex& to, std::span<const Id> some) {
        for (const Id id : some) to.add(rows.row(static_cast<std::size_t>(id)), id).value();
    };
    const auto remove = [&](GrowingIndex& from, std::span<const Id> some) {
        for (const Id id : some) from.remove(id).value();
    };
    GrowingIndex grown = grow(frozen).value();
    remove(grown, ids);
    grown.compact().value();
    const double adding = seconds_of([&] { add(grown, ids); });
    std::printf("adding:   %9.0f rows/s\n", static_cast<double>(ids.size()) / adding);
    GrowingIndex churned = grow(frozen).value();
    remove(churned, ids);
    add(churned, ids);
    Random random(1);
    for (std::size_t i = ids.size(); i-- > 1;) std::swap(ids[i], ids[random.below(i + 1)]);
    const std::span<const Id> half = std::span<const Id>(ids).first(ids.size() / 2);
    const double removing = seconds_of([&] { remove(churned, half); });
    std::printf("removing: %9.0f rows/s\n", static_cast<double>(half.size()) / removing);
    add(churned, half);

    std::vector<Measured> all{{"frozen", frozen},
                              {"grown from it", copied.index()},
                              {"grown row by row", grown.index()},
                              {"half removed and added", churned.index()}};
    for (double spent = 0; spent < 2.0 * static_cast<double>(all.size());) {
        for (Measured& one : all) {
            Searcher search = one.index.searcher();
            const double took = seconds_of([&] {
                for (std::size_t q = 0; q < queries.rows(); ++q) (void)search(queries.row(q), options).value();
            });
            one.best = std::min(one.best, took);
            spent += took;
        }
    }
    for (const Measured& one : all) {
        std::size_t bytes = 0;
        for (const IndexPart& part : one.index.parts()) bytes += part.bytes;
        std::printf("%-24s %8.0f queries/s  %5.3f of the frozen one's  %5.1f MB\n", one.name,
                    static_cast<double>(queries.rows()) / one.best, all[0].best / one.best,
                    static_cast<double>(bytes) / 1e6);
    }
    return 0;
}
