// Growing inverted lists beside frozen ones: searching, adding, removing, on one thread.
//
//     bench_growing_lists ROWS QUERIES [spec [nprobe [one in so many]]]      vector files; default: IVF1024,Flat 16 1
//
// Rows are taken as float32. With a last number above 1 searches have a filter, which one in so many ids passes.
//
// Four indexes with the same centroids and rows: the frozen one; one grown from it; one to which all rows came one at a time,
// in their order; and that after a random half of the rows was removed and added again. They are searched in turn, again and
// again for two seconds each, one query at a time and then all in one batch, and the fastest pass of each counts. Time is that
// of the CPU; pin it to one.
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
#include <tonari/simd/kernels.hpp>

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
    RowFilter filter{};
    double best = 1e9;
    double together = 1e9;
};

/// The rows as float32. Throws bad_alloc.
std::vector<float> widened(MatrixView rows) {
    std::vector<float> values(rows.rows() * rows.dim());
    const auto convert = simd::kernels().to_float32[static_cast<std::size_t>(rows.element()) - 1];
    for (std::size_t i = 0; i < rows.rows(); ++i)
        convert(rows.row(i).data(), values.data() + i * rows.dim(), rows.dim());
    return values;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "bench_growing_lists ROWS QUERIES [spec [nprobe [one in so many]]]\n");
        return 2;
    }
    const Matrix base = read_matrix(argv[1]).value();
    const Matrix asked = read_matrix(argv[2]).value();
    const std::string spec = argc > 3 ? argv[3] : "IVF1024,Flat";
    SearchOptions options{.k = 10, .nprobe = argc > 4 ? std::strtoul(argv[4], nullptr, 10) : 16};
    const std::size_t one_in = argc > 5 ? std::strtoul(argv[5], nullptr, 10) : 1;
    const std::vector<float> row_values = widened(base.view());
    const std::vector<float> query_values = widened(asked.view());
    const MatrixView rows(row_values.data(), base.view().rows(), base.view().dim());
    const MatrixView queries(query_values.data(), asked.view().rows(), asked.view().dim());

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
    if (one_in > 1) {
        const auto passes = [=](Id id) { return hash(1, static_cast<std::uint64_t>(id)) % one_in == 0; };
        for (Measured& one : all) one.filter = one.index.prepare(Filter::predicate(passes)).value();
    }
    for (double spent = 0; spent < 2.0 * static_cast<double>(all.size());) {
        for (Measured& one : all) {
            options.filter = one_in > 1 ? &one.filter : nullptr;
            Searcher search = one.index.searcher();
            const double took = seconds_of([&] {
                for (std::size_t q = 0; q < queries.rows(); ++q) (void)search(queries.row(q), options).value();
            });
            const double together = seconds_of([&] { (void)one.index.search(queries, options).value(); });
            one.best = std::min(one.best, took);
            one.together = std::min(one.together, together);
            spent += took + together;
        }
    }
    for (const Measured& one : all) {
        std::size_t bytes = 0;
        for (const IndexPart& part : one.index.parts()) bytes += part.bytes;
        const auto asked_for = static_cast<double>(queries.rows());
        std::printf("%-24s %8.0f queries/s  %5.3f of the frozen one's  %8.0f in a batch: %5.2f times  %5.1f MB\n",
                    one.name, asked_for / one.best, all[0].best / one.best, asked_for / one.together,
                    one.best / one.together, static_cast<double>(bytes) / 1e6);
    }
    return 0;
}
