// How builds, batch searches and a growing index gain by threads, on one generated set.
//
//     bench_scaling [rows [dim [most threads]]]      default: 300000 128 and what the machine has
//
// By the clock on the wall, doubling the threads from 1. Builds are timed once each; a batch is searched again and again for
// half a second, and its fastest pass counts. In the last column as many threads as in the first each add rows one at a time.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <tonari/core/clock.hpp>
#include <tonari/index/build.hpp>
#include <tonari/index/grow.hpp>
#include <tonari/simd/level.hpp>
#include <tonari/tune/generate.hpp>

using namespace tonari;

namespace {

double seconds_of(const auto& work) {
    const Clock::time_point start = Clock::now();
    work();
    return std::chrono::duration<double>(Clock::now() - start).count();
}

Threads threads_of(unsigned count) {
    Threads threads;
    threads.count = count;
    return threads;
}

double queries_per_second(const Index& index, MatrixView queries, SearchOptions options) {
    double all = 0;
    double best = 1e9;
    while (all < 0.5) {
        const double took = seconds_of([&] { (void)index.search(queries, options).value(); });
        best = std::min(best, took);
        all += took;
    }
    return static_cast<double>(queries.rows()) / best;
}

/// Rows a second when `writers` threads add them one at a time.
double rows_per_second(MatrixView rows, unsigned writers) {
    GrowingIndex index = grow("HNSW16", MetricKind::l2, rows.element(), rows.dim()).value();
    std::atomic<std::size_t> next{0};
    const double took = seconds_of([&] {
        std::vector<std::thread> all;
        for (unsigned writer = 0; writer < writers; ++writer) {
            all.emplace_back([&] {
                for (std::size_t row = next++; row < rows.rows(); row = next++) {
                    index.add(rows.row(row), static_cast<Id>(row)).value();
                }
            });
        }
        for (std::thread& writer : all) writer.join();
    });
    return static_cast<double>(rows.rows()) / took;
}

}  // namespace

int main(int argc, char** argv) {
    tune::GenerateOptions options;
    options.rows = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 300'000;
    options.dim = argc > 2 ? static_cast<Dim>(std::strtoul(argv[2], nullptr, 10)) : 128;
    options.queries = 10'000;
    const unsigned most = argc > 3 ? static_cast<unsigned>(std::strtoul(argv[3], nullptr, 10))
                                   : std::max(1U, std::thread::hardware_concurrency());
    const auto data = tune::generate(options).value();
    const std::size_t grown = std::min<std::size_t>(data.rows, 50'000);
    const std::string lists = "IVF" + std::to_string(std::max<std::size_t>(data.rows / 250, 16)) + ",RaBitQ,RFlat";
    std::printf("%zu x %u, l2, %s; HNSW16 and %s\n\n", data.rows, data.dim,
                std::string(name(simd::kernels().level)).c_str(), lists.c_str());
    std::printf("threads  HNSW build s  QPS, ef 64  IVF build s  QPS, nprobe 16  growing rows/s (%zu)\n", grown);
    for (unsigned count = 1; count <= most; count *= 2) {
        BuildOptions building;
        building.threads = threads_of(count);
        SearchOptions searching;
        searching.threads = threads_of(count);
        std::optional<Index> graph;
        std::optional<Index> listed;
        const double graph_seconds =
            seconds_of([&] { graph = build("HNSW16", MetricKind::l2, data.base(), {}, building).value(); });
        const double graph_speed = queries_per_second(*graph, data.query(), searching);
        const double list_seconds =
            seconds_of([&] { listed = build(lists, MetricKind::l2, data.base(), {}, building).value(); });
        const double list_speed = queries_per_second(*listed, data.query(), searching);
        const double growing = rows_per_second(data.base().slice(0, grown), count);
        std::printf("%7u  %12.2f  %10.0f  %11.2f  %14.0f  %22.0f\n", count, graph_seconds, graph_speed, list_seconds,
                    list_speed, growing);
        std::fflush(stdout);
    }
}
