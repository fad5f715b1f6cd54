// How fast the kernels are at the machine's best level (or the one that TONARI_SIMD names), rows in cache.
//
//     bench_kernels                                 Google Benchmark, all of them
//     bench_kernels --benchmark_filter=l2/float32   some of them
//     bench_kernels --table                         the table of ratios against hand-written intrinsics; the bar is 0.9
//
// In the table both sides are timed in turns, in the thread's CPU time, and the median of the ratios is printed, so
// that neighbours on the machine disturb it little. Pin it: taskset -c 1 bench_kernels --table
#include <tonari/simd/kernels.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <tonari/core/aligned.hpp>
#include <tonari/core/random.hpp>

#include "hand_intrinsics.hpp"

using namespace tonari;

namespace {

constexpr MetricKind metrics[] = {MetricKind::l2, MetricKind::inner_product, MetricKind::cosine, MetricKind::l1,
                                  MetricKind::hamming};
constexpr Element elements[] = {Element::float32, Element::float16, Element::bfloat16,
                                Element::int8,    Element::uint8,   Element::bits};
constexpr Dim dims[] = {128, 768, 1536};
constexpr std::size_t l1_bytes = std::size_t{24} << 10;  // of rows, beside the query
constexpr std::size_t l2_bytes = std::size_t{512} << 10;

/// A query and scattered rows, together no larger than `bytes` (but for four rows at least).
struct Rows {
    Dim dim;
    std::vector<std::byte> query;
    std::vector<std::byte> memory;
    std::vector<const std::byte*> rows;
    std::vector<float> out;

    Rows(Element element, Dim d, std::size_t bytes) : dim(d) {
        const bool half = element == Element::float16 || element == Element::bfloat16;
        const std::size_t of_row = row_bytes(element, d);
        const std::size_t stride = (of_row + 4 + 63) / 64 * 64;  // the trailer of cosine included
        const std::size_t count = std::clamp<std::size_t>(bytes / stride / 4 * 4, 4, 256);
        query.resize(row_bytes(half ? Element::float32 : element, d) + 4 + 64);
        memory.resize(count * stride + 64);
        Random random(1);
        fill(query, half ? Element::float32 : element, random);
        fill(memory, element, random);
        const std::size_t start = (64 - reinterpret_cast<std::uintptr_t>(memory.data()) % 64) % 64;
        for (std::size_t i = 0; i < count; ++i) rows.push_back(memory.data() + start + i * stride);
        std::shuffle(rows.begin(), rows.end(), random);
        out.resize(count);
    }
    /// Ordinary values.
    static void fill(std::vector<std::byte>& bytes, Element element, Random& random) {
        const auto narrow = simd::kernels().from_float32[static_cast<std::size_t>(element) - 1];
        if (narrow == nullptr) {
            for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 0xFFU);
            return;
        }
        const std::size_t size = row_bytes(element, 1);
        for (std::size_t i = 0; i + size <= bytes.size(); i += size) {
            const auto value = static_cast<float>(unit(random()));
            narrow(&value, bytes.data() + i, 1);
        }
    }
};

double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Nanoseconds per row of one call after another.
template <class Kernel>
double time_calls(Kernel kernel, Rows& of, std::size_t calls) {
    const double start = cpu_seconds();
    for (std::size_t i = 0; i < calls; ++i) {
        kernel(of.query.data(), of.rows.data(), of.rows.size(), of.dim, of.out.data());
        benchmark::ClobberMemory();
    }
    return (cpu_seconds() - start) * 1e9 / static_cast<double>(calls * of.rows.size());
}

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

#if defined(__x86_64__)

struct Compared {
    double ours;
    double by_hand;
    double ratio;
};

Compared compare(simd::GatherKernel ours, hand::Kernel by_hand, Rows& of) {
    constexpr int rounds = 41;
    constexpr double round_seconds = 100e-6;
    const double guess = std::max(time_calls(ours, of, 20), 0.1) * 1e-9 * static_cast<double>(of.rows.size());
    const auto calls = static_cast<std::size_t>(round_seconds / guess) + 1;
    std::vector<double> first;
    std::vector<double> second;
    std::vector<double> ratios;
    for (int i = 0; i < rounds; ++i) {
        first.push_back(time_calls(ours, of, calls));
        second.push_back(time_calls(by_hand, of, calls));
        ratios.push_back(second.back() / first.back());
    }
    return {median(first), median(second), median(ratios)};
}

int print_table() {
    if (!hand::runs_here()) {
        std::puts("The hand-written kernels need AVX-512 with VNNI and VPOPCNTDQ; this machine has them not.");
        return 0;
    }
    std::printf("level %s; nanoseconds per row; ratio = hand / tonari, the bar is 0.9\n\n",
                std::string(name(simd::active_level())).c_str());
    std::printf("%-8s %-9s %5s | %8s %8s %6s | %8s %8s %6s\n", "metric", "element", "dim", "L1 ours", "by hand",
                "ratio", "L2 ours", "by hand", "ratio");
    int below_bar = 0;
    for (const MetricKind metric : metrics) {
        for (const Element element : elements) {
            const simd::GatherKernel ours = simd::kernels().of(metric, element).gather;
            const hand::Kernel by_hand = hand::kernel(metric, element);
            if (ours == nullptr || by_hand == nullptr) continue;
            for (const Dim dim : dims) {
                Rows small(element, dim, l1_bytes);
                Rows large(element, dim, l2_bytes);
                const Compared in_l1 = compare(ours, by_hand, small);
                const Compared in_l2 = compare(ours, by_hand, large);
                const bool low = in_l1.ratio < 0.9 || in_l2.ratio < 0.9;
                below_bar += low;
                std::printf("%-8s %-9s %5u | %8.2f %8.2f %6.2f | %8.2f %8.2f %6.2f%s\n",
                            std::string(name(metric)).c_str(), std::string(name(element)).c_str(), dim, in_l1.ours,
                            in_l1.by_hand, in_l1.ratio, in_l2.ours, in_l2.by_hand, in_l2.ratio, low ? "  below" : "");
            }
        }
    }
    std::printf("\n%d below the bar\n", below_bar);
    return 0;
}

#else

int print_table() {
    std::puts("The hand-written kernels are for x86-64.");
    return 0;
}

#endif

void register_pairs() {
    for (const MetricKind metric : metrics) {
        for (const Element element : elements) {
            for (const Dim dim : dims) {
                const std::string label = std::string(name(metric)) + "/" + std::string(name(element)) + "/";
                const auto add = [&](const std::string& who, auto kernel) {
                    if (kernel == nullptr) return;
                    const std::string full = label + who + "/" + std::to_string(dim);
                    benchmark::RegisterBenchmark(full.c_str(), [=](benchmark::State& state) {
                        Rows of(element, dim, l1_bytes);
                        for (auto _ : state) {
                            kernel(of.query.data(), of.rows.data(), of.rows.size(), of.dim, of.out.data());
                            benchmark::ClobberMemory();
                        }
                        state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(of.rows.size()));
                    });
                };
                add("tonari", simd::kernels().of(metric, element).gather);
#if defined(__x86_64__)
                if (hand::runs_here()) add("hand", hand::kernel(metric, element));
#endif
            }
        }
    }
}

/// Blocks of 4-bit codes, in the L2 cache and streaming from memory: items are rows. The bound lets next to none through.
void register_nibbles() {
    for (const std::size_t parts : {16U, 32U, 64U, 192U, 384U}) {
        for (const bool streaming : {false, true}) {
            const std::string full = "nibbles/" + std::to_string(parts) + (streaming ? "/streaming" : "/L2");
            benchmark::RegisterBenchmark(full.c_str(), [=](benchmark::State& state) {
                const std::size_t stride = parts / 4 * 64 + 3 * simd::nibble_rows * sizeof(float);
                const std::size_t blocks = (streaming ? std::size_t{1} << 30 : l2_bytes) / stride;
                auto codes = AlignedBuffer::allocate(blocks * stride).value();
                auto table = AlignedBuffer::allocate(parts * 16).value();
                Random random(4);
                for (std::size_t i = 0; i < parts * 16; ++i) table.data()[i] = static_cast<std::byte>(random());
                for (std::size_t b = 0; b < blocks; ++b) {  // factors stay zero: every estimate is 0
                    std::byte* const block = codes.data() + b * stride;
                    for (std::size_t i = 0; i < parts * 16; i += 8) {
                        const std::uint64_t bits = random();
                        std::memcpy(block + i, &bits, sizeof bits);
                    }
                }
                simd::NibbleQuery query;
                query.table = reinterpret_cast<const std::uint8_t*>(table.data());
                query.quads = parts / 4;
                query.step = 1;
                constexpr std::size_t rows = 256;
                std::vector<std::uint32_t> index(rows);
                std::vector<float> estimate(rows);
                std::vector<float> lower(rows);
                std::size_t row = 0;
                for (auto _ : state) {
                    benchmark::DoNotOptimize(simd::kernels().nibbles_below(query, codes.data(), stride, row, row + rows,
                                                                           -1.0F, index.data(), estimate.data(),
                                                                           lower.data()));
                    row = row + 2 * rows <= blocks * simd::nibble_rows ? row + rows : 0;
                }
                state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(rows));
            });
        }
    }
}

/// The same blocks in the L2 cache under four queries at once: items are rows times queries.
void register_nibbles_each() {
    for (const std::size_t parts : {16U, 32U, 64U, 192U, 384U}) {
        benchmark::RegisterBenchmark(
            ("nibbles/" + std::to_string(parts) + "/four queries").c_str(), [=](benchmark::State& state) {
                const std::size_t stride = parts / 4 * 64 + 3 * simd::nibble_rows * sizeof(float);
                const std::size_t blocks = l2_bytes / stride;
                auto codes = AlignedBuffer::allocate(blocks * stride).value();
                auto tables = AlignedBuffer::allocate(simd::nibble_queries * parts * 16).value();
                Random random(4);
                for (std::byte& entry : tables.span()) entry = static_cast<std::byte>(random());
                for (std::size_t b = 0; b < blocks; ++b) {  // factors stay zero: every estimate is 0
                    std::byte* const block = codes.data() + b * stride;
                    for (std::size_t i = 0; i < parts * 16; ++i) block[i] = static_cast<std::byte>(random());
                }
                constexpr std::size_t rows = 256;
                std::vector<std::uint32_t> index(rows);
                std::vector<float> estimate(rows);
                std::vector<float> lower(rows);
                std::array<simd::NibbleQuery, simd::nibble_queries> queries;
                std::array<const simd::NibbleQuery*, simd::nibble_queries> asked;
                std::array<simd::NibblesFound, simd::nibble_queries> found;
                std::array<float, simd::nibble_queries> bounds;
                for (std::size_t q = 0; q < queries.size(); ++q) {
                    queries[q].table = reinterpret_cast<const std::uint8_t*>(tables.data() + q * parts * 16);
                    queries[q].quads = parts / 4;
                    queries[q].step = 1;
                    asked[q] = &queries[q];
                    found[q] = {index.data(), estimate.data(), lower.data(), 0};
                    bounds[q] = -1;
                }
                std::size_t row = 0;
                for (auto _ : state) {
                    simd::kernels().nibbles_below_each(asked.data(), asked.size(), codes.data(), stride, row,
                                                       row + rows, bounds.data(), found.data());
                    benchmark::DoNotOptimize(found.data());
                    row = row + 2 * rows <= blocks * simd::nibble_rows ? row + rows : 0;
                }
                state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(rows * queries.size()));
            });
    }
}

/// Rows of codes of a byte a part, in cache.
void register_byte_codes() {
    for (const std::size_t parts : {16U, 32U, 64U}) {
        benchmark::RegisterBenchmark(("byte_codes/" + std::to_string(parts)).c_str(), [=](benchmark::State& state) {
            const std::size_t stride = simd::byte_code_factors + parts;
            constexpr std::size_t rows = 256;
            const std::size_t all = l2_bytes / stride / rows * rows;
            auto codes = AlignedBuffer::allocate(all * stride).value();
            auto table = AlignedBuffer::allocate(parts * simd::points_a_byte).value();
            Random random(5);
            for (std::byte& entry : table.span()) entry = static_cast<std::byte>(random());
            for (std::size_t i = 0; i < all; ++i) {  // factors are zero: every estimate is 0
                std::byte* const row = codes.data() + i * stride;
                std::memset(row, 0, simd::byte_code_factors);
                for (std::size_t part = 0; part < parts; ++part) {
                    row[simd::byte_code_factors + part] = static_cast<std::byte>(random());
                }
            }
            simd::ByteCodeQuery query;
            query.table = reinterpret_cast<const std::uint8_t*>(table.data());
            query.parts = parts;
            query.step = 1;
            std::vector<std::uint32_t> index(rows);
            std::vector<float> estimate(rows);
            std::vector<float> lower(rows);
            std::size_t row = 0;
            for (auto _ : state) {
                benchmark::DoNotOptimize(simd::kernels().byte_codes_scan(query, codes.data() + row * stride, stride,
                                                                         rows, -1.0F, index.data(), estimate.data(),
                                                                         lower.data()));
                row = (row + rows) % all;
            }
            state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(rows));
        });
    }
}

/// What a query costs before blocks of 4-bit codes are compared with it: one a dimension, four dimensions a part. And what a row
/// costs on its way into a block.
void register_query_tables() {
    for (const std::size_t size : {128U, 784U, 1536U}) {
        const std::string end = "/" + std::to_string(size);
        benchmark::RegisterBenchmark(("query/rotate" + end).c_str(), [=](benchmark::State& state) {
            std::vector<float> values(size, 1.0F);
            std::vector<std::uint64_t> signs(simd::rotation_rounds * (size / 64 + 1));
            Random random(5);
            for (std::uint64_t& word : signs) word = random();
            for (auto _ : state) {
                simd::kernels().rotate(values.data(), size, signs.data());
                benchmark::ClobberMemory();
            }
        });
        benchmark::RegisterBenchmark(("encode/signs" + end).c_str(), [=](benchmark::State& state) {
            std::vector<float> values(size);
            std::vector<float> origin(size, 1.0F);
            std::vector<std::byte> block(size / 16 * 64);
            Random random(7);
            for (float& value : values) value = static_cast<float>(unit(random()) - 0.5);
            std::size_t place = 0;
            for (auto _ : state) {
                benchmark::DoNotOptimize(
                    simd::kernels().put_signs(values.data(), origin.data(), size, block.data(), place));
                place = (place + 1) % simd::nibble_rows;
            }
        });
        benchmark::RegisterBenchmark(("query/table" + end).c_str(), [=](benchmark::State& state) {
            std::vector<float> values(size);
            std::vector<float> points(size * 16);
            Random random(6);
            for (float& value : values) value = static_cast<float>(unit(random()));
            for (float& value : points) value = static_cast<float>(unit(random()));
            std::vector<float> room(size * 4);
            std::vector<std::uint8_t> table(size * 4);
            for (auto _ : state) {
                benchmark::DoNotOptimize(simd::kernels().nibble_table(values.data(), points.data(), 64, size / 4, 4,
                                                                      room.data(), table.data()));
            }
        });
    }
}

/// 32 queries against rows that fit the L2 cache. One multiply-add counts as two operations.
void register_blocks() {
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product}) {
        for (const Element element : elements) {
            const simd::DistanceKernels kernels = simd::kernels().of(metric, element);
            if (kernels.block == nullptr) continue;
            for (const Dim dim : dims) {
                const std::string full =
                    "block/" + std::string(name(metric)) + "/" + std::string(name(element)) + "/" + std::to_string(dim);
                benchmark::RegisterBenchmark(full.c_str(), [=](benchmark::State& state) {
                    const std::size_t stride = row_bytes(element, dim);
                    const std::size_t count = l2_bytes / stride;
                    std::vector<std::byte> rows(count * stride);
                    Random random(2);
                    Rows::fill(rows, element, random);
                    std::vector<float> norms(count);
                    std::vector<float> out(count * simd::block_queries);
                    std::vector<std::byte> memory(kernels.panel_bytes(dim) + 64);
                    std::byte* panel = memory.data() + (64 - reinterpret_cast<std::uintptr_t>(memory.data()) % 64) % 64;
                    kernels.pack(rows.data(), stride, simd::block_queries, dim, panel);
                    for (auto _ : state) {
                        kernels.block(panel, simd::block_queries, rows.data(), stride, count, dim, norms.data(),
                                      out.data());
                        benchmark::ClobberMemory();
                    }
                    const double operations = 2.0 * dim * static_cast<double>(count * simd::block_queries);
                    state.counters["G/s"] = benchmark::Counter(
                        operations * 1e-9 * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
                });
            }
        }
    }
}

/// 32 queries against packed rows that fit the L2 cache, none of them below its bound; counted as above. Packing by itself, too.
void register_tiles() {
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product, MetricKind::cosine}) {
        for (const Element element : {Element::int8, Element::uint8}) {
            const simd::TileKernels kernels = simd::kernels().of(metric, element).tiles;
            if (kernels.below == nullptr) continue;
            for (const Dim dim : dims) {
                if (dim > simd::tile_dims) continue;
                const std::string of =
                    std::string(name(metric)) + "/" + std::string(name(element)) + "/" + std::to_string(dim);
                const auto run = [=](benchmark::State& state, bool packing) {
                    const std::size_t stride =
                        (row_bytes(element, dim) + 3) / 4 * 4 + sizeof(float);  // cosine has a trailer
                    const std::size_t groups = std::max<std::size_t>(l2_bytes / kernels.group_bytes(dim), 1);
                    const std::size_t count = groups * simd::tile_rows;
                    std::vector<std::byte> rows(count * stride);
                    Random random(2);
                    Rows::fill(rows, element, random);
                    AlignedBuffer packed =
                        AlignedBuffer::allocate(groups * kernels.group_bytes(dim) + kernels.panel_bytes(dim)).value();
                    std::byte* const panel = packed.data() + groups * kernels.group_bytes(dim);
                    kernels.pack(rows.data(), stride, simd::block_queries, dim, panel);
                    kernels.pack_rows(rows.data(), stride, count, dim, packed.data());
                    const std::vector<float> bounds(simd::block_queries, -1e30F);
                    std::vector<std::uint32_t> hits(count * simd::block_queries);
                    std::vector<float> values(count * simd::block_queries);
                    for (auto _ : state) {
                        if (packing) {
                            kernels.pack_rows(rows.data(), stride, count, dim, packed.data());
                        } else {
                            benchmark::DoNotOptimize(kernels.below(panel, packed.data(), count, dim, bounds.data(),
                                                                   hits.data(), values.data()));
                        }
                        benchmark::ClobberMemory();
                    }
                    const auto done = static_cast<double>(state.iterations()) * static_cast<double>(count);
                    if (packing) {
                        state.counters["rows/s"] = benchmark::Counter(done, benchmark::Counter::kIsRate);
                    } else {
                        state.counters["G/s"] =
                            benchmark::Counter(2e-9 * dim * simd::block_queries * done, benchmark::Counter::kIsRate);
                    }
                };
                benchmark::RegisterBenchmark(("tiles/" + of).c_str(),
                                             [=](benchmark::State& state) { run(state, false); });
                benchmark::RegisterBenchmark(("tiles_pack/" + of).c_str(),
                                             [=](benchmark::State& state) { run(state, true); });
            }
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (const Status checked = simd::check_level(); !checked) {
        std::fprintf(stderr, "%s\n", checked.error().message.c_str());
        return 1;
    }
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--table") == 0) return print_table();
    }
    register_pairs();
    register_nibbles();
    register_nibbles_each();
    register_byte_codes();
    register_query_tables();
    register_blocks();
    register_tiles();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
