// k-means and the assignment of rows to centroids, in CPU seconds of the whole process.
//
//     bench_kmeans                          rows a second of assign(), by dimensions and centroids
//     bench_kmeans --train [--rows N] [--dim D] [--clusters K] [--iterations N] [--final N] [--one-level] [--sample N]
//                          [--save FILE] [--threads T] [--rows-file FILE]
//
// The second trains on generated rows and then assigns all of them, as the filling of an inverted file does. It prints CPU
// seconds of both and the mean squared distance of all rows to their centroids. --save writes the rows as raw float32, for
// another library to be given the same (benchmarks/kmeans_vs_faiss.py); --rows-file reads such.
#include <tonari/train/kmeans.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <tonari/core/random.hpp>
#include <tonari/train/assign.hpp>
#include <tonari/tune/generate.hpp>

using namespace tonari;

namespace {

double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<float> noise(std::size_t count, std::uint64_t seed) {
    Random random(seed);
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(unit(random()));
    return values;
}

void time_assign() {
    std::printf("%6s %10s %12s %10s\n", "dim", "centroids", "rows/s", "GFLOP/s");
    for (const Dim dim : {8U, 96U, 128U, 768U}) {
        for (const std::size_t clusters : {256U, 1024U, 4096U}) {
            const std::size_t rows = std::clamp<std::size_t>(20'000'000'000 / (clusters * dim), 4096, 200'000);
            const std::vector<float> x = noise(rows * dim, 1);
            const std::vector<float> c = noise(clusters * dim, 2);
            std::vector<std::uint32_t> nearest(rows);
            double best = 1e9;
            for (int run = 0; run < 3; ++run) {
                const double before = cpu_seconds();
                train::assign({x.data(), rows, dim}, {c.data(), clusters, dim}, MetricKind::l2, nearest).value();
                best = std::min(best, cpu_seconds() - before);
            }
            const double flops = 2.0 * static_cast<double>(rows) * static_cast<double>(clusters) * dim;
            std::printf("%6u %10zu %12.0f %10.1f\n", dim, clusters, static_cast<double>(rows) / best,
                        flops / best * 1e-9);
        }
    }
}

void time_training(std::map<std::string, std::string>& given) {
    const auto number = [&](const std::string& name, std::size_t otherwise) {
        return given.contains(name) ? std::strtoull(given[name].c_str(), nullptr, 10) : otherwise;
    };
    const std::size_t rows = number("--rows", 1'000'000);
    const auto dim = static_cast<Dim>(number("--dim", 128));
    std::vector<float> x(rows * dim);
    if (given.contains("--rows-file")) {
        std::FILE* file = std::fopen(given["--rows-file"].c_str(), "rb");
        if (file == nullptr || std::fread(x.data(), 4, x.size(), file) != x.size()) {
            std::fprintf(stderr, "cannot read %s\n", given["--rows-file"].c_str());
            std::exit(1);
        }
        std::fclose(file);
    } else {
        tune::GenerateOptions generating;
        generating.rows = rows;
        generating.queries = 1;
        generating.dim = dim;
        const auto made = tune::generate(generating);
        made.status().value();
        std::memcpy(x.data(), made->base().data(), x.size() * 4);
    }
    if (given.contains("--save")) {
        std::FILE* file = std::fopen(given["--save"].c_str(), "wb");
        if (file == nullptr || std::fwrite(x.data(), 4, x.size(), file) != x.size() || std::fclose(file) != 0) {
            std::fprintf(stderr, "cannot write %s\n", given["--save"].c_str());
            std::exit(1);
        }
    }
    const MatrixView view(x.data(), rows, dim);
    train::KMeansOptions options;
    options.clusters = number("--clusters", 4096);
    options.iterations = static_cast<unsigned>(number("--iterations", options.iterations));
    options.final_iterations = static_cast<unsigned>(number("--final", options.final_iterations));
    options.sample_per_cluster = number("--sample", options.sample_per_cluster);
    options.threads = {static_cast<unsigned>(number("--threads", 1))};
    if (given.contains("--one-level")) options.two_levels_from = rows + 1;
    const double start = cpu_seconds();
    const train::Centroids trained = train::kmeans(view, options).value();
    const double middle = cpu_seconds();
    std::vector<std::uint32_t> nearest(rows);
    train::assign(view, trained.view(), MetricKind::l2, nearest, {}, {options.threads, {}}).value();
    const double end = cpu_seconds();
    std::vector<float> distances(rows);
    train::assign(view, trained.view(), MetricKind::l2, nearest, distances, {options.threads, {}}).value();
    const double inertia = std::accumulate(distances.begin(), distances.end(), 0.0) / static_cast<double>(rows);
    std::printf("train %.2f s  assign %.2f s  inertia %.6f (sample %.6f)  empty %td\n", middle - start, end - middle,
                inertia, trained.inertia, std::count(trained.sizes.begin(), trained.sizes.end(), 0U));
}

}  // namespace

int main(int count, char** words) {
    std::map<std::string, std::string> given;
    for (int i = 1; i < count; ++i) {
        const std::string name = words[i];
        given[name] = name != "--train" && name != "--one-level" && i + 1 < count ? words[++i] : "";
    }
    if (given.contains("--train")) {
        time_training(given);
    } else {
        time_assign();
    }
}
