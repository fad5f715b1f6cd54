// How far a walk over a graph is from what the memory alone would take: the same rows fetched, and nothing done with them.
//
//     bench_walk_bound [rows [dim [spec ...]]]      default: 1000000 128 HNSW16,SQ8,RFlat HNSW16,SQ4,RFlat HNSW32,RaBitQ,RFlat
//
// Queries are asked one by one. What a query takes on average, its hops, the rows that it compared and those that it looked at
// again, is then fetched from arrays of the index's sizes, at random places: of each hop the links, for which was asked a hop
// ahead, and then the codes of as many rows, all asked for at once; of a fused graph the record, for which was asked two hops
// ahead; at the end the rows as given, all asked for at once. Every line is read. Share: that time by the time of a query.
// In a batch: how many times as many queries one thread answers when they are all asked at once, a pass of each in turn.
//
// A search comes by some rows again and again, which caches then have; these places it does not know. So the bound is that of rows
// of which none was asked for a moment ago, and a share above 1 is no mistake. Pin it to a core.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <tonari/core/aligned.hpp>
#include <tonari/core/clock.hpp>
#include <tonari/core/random.hpp>
#include <tonari/index/build.hpp>
#include <tonari/simd/level.hpp>
#include <tonari/simd/prefetch.hpp>
#include <tonari/tune/generate.hpp>

using namespace tonari;

namespace {

constexpr double time_each = 1.0;  // seconds; the fastest pass of them counts

double seconds_of(const auto& work) {
    const Clock::time_point start = Clock::now();
    work();
    return std::chrono::duration<double>(Clock::now() - start).count();
}
double best_of(const auto& work) {
    double best = 1e9;
    for (double all = 0; all < time_each;) {
        const double took = seconds_of(work);
        best = std::min(best, took);
        all += took;
    }
    return best;
}

/// What a query takes on average.
struct Taken {
    double seconds = 0;
    double in_batch = 0;  // seconds, too
    double hops = 0;
    double distances = 0;
    double refined = 0;
    double recall = 0;
};

Taken ask_each(const Index& index, MatrixView queries, const SearchOptions& options, const Answers& exact) {
    Searcher search = index.searcher();
    Taken taken;
    std::size_t found = 0;
    for (std::size_t q = 0; q < queries.rows(); ++q) {
        const auto answer = search(queries.row(q), options).value();
        taken.hops += answer.outcome.hops;
        taken.distances += answer.outcome.distances;
        taken.refined += answer.outcome.refined;
        const auto right = exact.ids_of(q);
        for (const Neighbor& neighbor : answer)
            found += std::count(right.begin(), right.end(), neighbor.id) > 0 ? 1 : 0;
    }
    taken.seconds = taken.in_batch = 1e9;
    const Clock::time_point end =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(2 * time_each));
    do {
        taken.seconds = std::min(taken.seconds, seconds_of([&] {
                                     for (std::size_t q = 0; q < queries.rows(); ++q)
                                         static_cast<void>(search(queries.row(q), options).value());
                                 }));
        taken.in_batch =
            std::min(taken.in_batch, seconds_of([&] { static_cast<void>(index.search(queries, options).value()); }));
    } while (Clock::now() < end);
    const auto count = static_cast<double>(queries.rows());
    taken.recall = static_cast<double>(found) / (count * static_cast<double>(options.k));
    for (double* sum : {&taken.seconds, &taken.in_batch, &taken.hops, &taken.distances, &taken.refined}) *sum /= count;
    return taken;
}

/// Rows of so many bytes, of which some at random places are fetched.
class Rows {
public:
    Rows(std::size_t count, double bytes)
        : size_(static_cast<std::size_t>(bytes)), memory_(AlignedBuffer::allocate(count * size_ + 64).value()) {
        std::memset(memory_.data(), 1, count * size_ + 64);  // pages that were never written are all the same one
        Random random(count + size_);
        places_.resize(std::size_t{1} << 22);
        for (std::uint32_t& place : places_) place = static_cast<std::uint32_t>(random.below(count));
    }
    void ask(std::size_t number) const { simd::prefetch(at(number), size_ - 1); }
    [[nodiscard]] std::uint64_t read(std::size_t number) const {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < size_; i += cache_line) {
            std::uint64_t word = 0;
            std::memcpy(&word, at(number) + i, sizeof word);
            sum += word;
        }
        return sum;
    }

private:
    [[nodiscard]] const std::byte* at(std::size_t number) const {
        return memory_.data() + places_[number % places_.size()] * size_;
    }
    std::size_t size_;
    AlignedBuffer memory_;
    std::vector<std::uint32_t> places_;
};

double bytes_of(const Index& index, std::string_view name) {
    for (const IndexPart& part : index.parts()) {
        if (part.name == name) return static_cast<double>(part.bytes) / static_cast<double>(index.size());
    }
    return 0;
}

/// Seconds that fetching what a query takes takes.
class Bound {
public:
    explicit Bound(const Index& index)
        : fused_(bytes_of(index, "fine rows") == 0 && bytes_of(index, "codes") > 0),
          codes_(index.size(), fused_ ? bytes_of(index, "rows") + bytes_of(index, "codes") + bytes_of(index, "links")
                                      : bytes_of(index, "rows")),
          links_(index.size(), fused_ ? 64 : bytes_of(index, "links")),
          fine_(index.size(), fused_ ? 64 : std::max(bytes_of(index, "fine rows"), 64.0)) {}

    double seconds(const Taken& taken) {
        const auto hops = static_cast<std::size_t>(std::lround(taken.hops));
        const auto a_hop = static_cast<std::size_t>(std::lround(taken.distances / std::max(taken.hops, 1.0)));
        const auto refined = static_cast<std::size_t>(std::lround(taken.refined));
        constexpr std::size_t queries = 500;
        const double all = best_of([&] {
            for (std::size_t q = 0; q < queries; ++q) {
                fused_ ? follow_records(hops) : follow_links(hops, a_hop);
                if (!fused_) fetch(fine_, next_fine_, refined);
            }
        });
        return all / queries;
    }
    [[nodiscard]] std::uint64_t sum() const { return sum_; }

private:
    void follow_links(std::size_t hops, std::size_t rows_a_hop) {
        links_.ask(next_links_);
        for (std::size_t hop = 0; hop < hops; ++hop) {
            sum_ += links_.read(next_links_++);
            links_.ask(next_links_);
            fetch(codes_, next_code_, rows_a_hop);
        }
    }
    void follow_records(std::size_t hops) {
        codes_.ask(next_code_);
        codes_.ask(next_code_ + 1);
        for (std::size_t hop = 0; hop < hops; ++hop) {
            codes_.ask(next_code_ + 2);
            sum_ += codes_.read(next_code_++);
        }
    }
    void fetch(const Rows& rows, std::size_t& next, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) rows.ask(next + i);
        for (std::size_t i = 0; i < count; ++i) sum_ += rows.read(next + i);
        next += count;
    }

    bool fused_;
    Rows codes_;
    Rows links_;
    Rows fine_;
    std::size_t next_code_ = 0;
    std::size_t next_links_ = 0;
    std::size_t next_fine_ = 0;
    std::uint64_t sum_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    tune::GenerateOptions options;
    options.rows = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
    options.dim = argc > 2 ? static_cast<Dim>(std::strtoul(argv[2], nullptr, 10)) : 128;
    options.queries = 1'000;
    std::vector<std::string> specs(argv + std::min(argc, 3), argv + argc);
    if (specs.empty()) specs = {"HNSW16,SQ8,RFlat", "HNSW16,SQ4,RFlat", "HNSW32,RaBitQ,RFlat"};
    const auto data = tune::generate(options).value();
    const BuildOptions all_threads{.threads = {.count = 0}};
    const Answers exact = build("Flat", MetricKind::l2, data.base())
                              .value()
                              .search(data.query(), {.k = 10, .threads = {.count = 0}})
                              .value();
    std::printf("%zu x %u, l2, k = 10, %s\n", data.rows, data.dim, std::string(name(simd::kernels().level)).c_str());
    std::uint64_t sum = 0;
    for (const std::string& spec : specs) {
        const Index index = build(spec, MetricKind::l2, data.base(), {}, all_threads).value();
        Bound bound(index);
        std::printf(
            "\n%s\n   ef  recall    QPS  hops  rows compared  looked at again  us a query  us of memory  share  in a "
            "batch\n",
            spec.c_str());
        for (const std::size_t ef : {16U, 32U, 64U, 128U, 256U}) {
            const Taken taken = ask_each(index, data.query(), {.k = 10, .ef = ef}, exact);
            const double least = bound.seconds(taken);
            std::printf("%5zu  %.4f  %5.0f  %4.0f  %13.0f  %15.0f  %10.1f  %12.1f  %5.2f  %10.2f\n", ef, taken.recall,
                        1 / taken.seconds, taken.hops, taken.distances, taken.refined, 1e6 * taken.seconds, 1e6 * least,
                        least / taken.seconds, taken.seconds / taken.in_batch);
            std::fflush(stdout);
        }
        sum += bound.sum();
    }
    return sum == 1 ? 1 : 0;
}
