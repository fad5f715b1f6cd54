// Tile kernels: what of packed rows is below the bounds of packed queries, against each level's own distances.
#include <limits>
#include <thread>

#include "support/catch.hpp"
#include "unit/simd/rows.hpp"

using namespace tonari;
using namespace tonari::simd;
using namespace tonari::simd::test;

namespace {

constexpr float infinite = std::numeric_limits<float>::infinity();

struct Found {
    std::vector<std::uint32_t> hits;
    std::vector<float> values;
    bool operator==(const Found&) const = default;
};

/// Rows in one piece that ends where memory ends, and queries.
struct TileCase {
    MetricKind metric;
    Element element;
    Dim dim;
    std::size_t queries;
    std::size_t count;
    std::size_t query_stride;
    std::size_t stride;
    GuardedBytes query_memory;
    GuardedBytes row_memory;

    TileCase(MetricKind m, Element e, Dim d, std::size_t q, std::size_t n, std::size_t gap, std::uint64_t seed,
             Fill of_queries = Fill::ordinary, Fill of_rows = Fill::ordinary)
        : metric(m),
          element(e),
          dim(d),
          queries(q),
          count(n),
          query_stride(rounded(stored_bytes(m, e, d))),
          stride((m == MetricKind::cosine ? rounded(stored_bytes(m, e, d)) : stored_bytes(m, e, d)) + gap),
          query_memory((q - 1) * query_stride + stored_bytes(m, e, d)),
          row_memory((n - 1) * stride + stored_bytes(m, e, d)) {
        Random random(seed);
        for (std::size_t i = 0; i < q; ++i) fill_query(query_at(i), m, e, d, random, of_queries);
        for (std::size_t i = 0; i < n; ++i) fill_row(row_at(i), m, e, d, random, of_rows);
    }
    static std::size_t rounded(std::size_t bytes) { return (bytes + 3) / 4 * 4; }
    [[nodiscard]] std::byte* query_at(std::size_t i) const { return query_memory.data() + i * query_stride; }
    [[nodiscard]] std::byte* row_at(std::size_t i) const { return row_memory.data() + i * stride; }

    [[nodiscard]] std::vector<float> distances(const Kernels& table, std::size_t query) const {
        std::vector<float> exact(count);
        table.of(metric, element).scan(query_at(query), row_at(0), stride, count, dim, exact.data());
        return exact;
    }
    [[nodiscard]] Found found(const Kernels& table, const std::vector<float>& bounds) const {
        const TileKernels& of = table.of(metric, element).tiles;
        REQUIRE(of.panel_bytes(dim) % 64 == 0);
        REQUIRE(of.group_bytes(dim) % 64 == 0);
        const GuardedBytes panel(of.panel_bytes(dim));  // what ends at a page and is a multiple of 64 is aligned
        const GuardedBytes groups((count + tile_rows - 1) / tile_rows * of.group_bytes(dim));
        of.pack(query_at(0), query_stride, queries, dim, panel.data());
        of.pack_rows(row_at(0), stride, count, dim, groups.data());
        Found all{std::vector<std::uint32_t>(count * block_queries), std::vector<float>(count * block_queries)};
        const std::size_t n =
            of.below(panel.data(), groups.data(), count, dim, bounds.data(), all.hits.data(), all.values.data());
        REQUIRE(n <= all.hits.size());
        all.hits.resize(n);
        all.values.resize(n);
        return all;
    }
    [[nodiscard]] Found expected(const Kernels& table, const std::vector<float>& bounds) const {
        std::vector<std::vector<float>> exact;
        for (std::size_t q = 0; q < queries; ++q) exact.push_back(distances(table, q));
        Found all;
        for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t q = 0; q < queries; ++q) {
                if (!(exact[q][i] < bounds[q])) continue;
                all.hits.push_back(static_cast<std::uint32_t>(i * block_queries + q));
                all.values.push_back(exact[q][i]);
            }
        }
        return all;
    }
    /// For each query the distance of some row, the number after or before it, one beyond all of them, or none.
    [[nodiscard]] std::vector<float> some_bounds(const Kernels& table) const {
        std::vector<float> bounds(block_queries, -infinite);
        for (std::size_t q = 0; q < queries; ++q) {
            const float of_a_row = distances(table, q)[(q * 7 + 3) % count];
            const float choices[] = {of_a_row,
                                     std::nextafter(of_a_row, infinite),
                                     std::nextafter(of_a_row, -infinite),
                                     infinite,
                                     of_a_row + 0.5F,
                                     0.0F,
                                     -1e9F,
                                     std::numeric_limits<float>::max()};
            bounds[q] = choices[q % std::size(choices)];
        }
        return bounds;
    }
    void check(const Kernels& table) const {
        const std::vector<float> bounds = some_bounds(table);
        if (found(table, bounds) == expected(table, bounds)) return;
        CAPTURE(dim, queries, count, stride);
        CHECK(found(table, bounds).hits == expected(table, bounds).hits);
        CHECK(found(table, bounds).values == expected(table, bounds).values);
    }
};

template <class Body>
void for_each_tiles(Body&& body) {
    for (const Level level : available_levels()) {
        const Kernels& table = *kernels(level);
        for (const MetricKind metric : all_metrics) {
            for (const Element element : all_elements) {
                const TileKernels& of = table.of(metric, element).tiles;
                CAPTURE(name(level), name(metric), name(element));
                for (const bool there : {of.pack != nullptr, of.panel_bytes != nullptr, of.group_bytes != nullptr,
                                         of.pack_rows != nullptr}) {
                    REQUIRE(there == (of.below != nullptr));
                }
                if (of.below != nullptr) body(table, metric, element);
            }
        }
    }
}

}  // namespace

TEST_CASE("the reference and the level with AMX have tiles, for bytes under l2, inner product and cosine") {
    for (const Level level : available_levels()) {
        std::size_t pairs = 0;
        for (const MetricKind metric : all_metrics) {
            for (const Element element : all_elements) {
                const bool there = kernels(level)->of(metric, element).tiles.below != nullptr;
                if (there) CHECK((element == Element::int8 || element == Element::uint8));
                pairs += there ? 1 : 0;
            }
        }
        CAPTURE(name(level));
        CHECK(pairs == (level == Level::reference || level == Level::avx512_amx ? 6 : 0));
    }
}

TEST_CASE("tiles find what is below the bounds, at every tail") {
    for_each_tiles([](const Kernels& table, MetricKind metric, Element element) {
        for (Dim dim = 1; dim <= 70; ++dim) TileCase(metric, element, dim, 32, 17, 0, dim).check(table);
        for (const Dim dim : {100U, 127U, 128U, 129U, 255U, 784U, 1537U}) {
            TileCase(metric, element, dim, 32, 45, 0, dim).check(table);
        }
        for (const std::size_t queries : {1U, 2U, 15U, 16U, 17U, 31U}) {
            for (const std::size_t rows : {1U, 2U, 15U, 16U, 17U, 31U, 32U, 33U, 65U, 128U}) {
                TileCase(metric, element, 33, queries, rows, 8, queries + rows).check(table);
            }
        }
    });
}

TEST_CASE("tiles hold at the most dimensions and at the extremes of bytes") {
    for_each_tiles([](const Kernels& table, MetricKind metric, Element element) {
        TileCase(metric, element, tile_dims, 3, 35, 0, 5).check(table);
        for (const Fill q : {Fill::lowest, Fill::highest}) {
            for (const Fill x : {Fill::lowest, Fill::highest}) {
                TileCase(metric, element, tile_dims, 8, 3, 0, 5, q, x).check(table);
            }
        }
    });
}

TEST_CASE("what tiles find of a row does not depend on what was packed there before") {
    for_each_tiles([](const Kernels& table, MetricKind metric, Element element) {
        const TileKernels& of = table.of(metric, element).tiles;
        const TileCase before(metric, element, 90, 32, 64, 0, 1, Fill::highest, Fill::highest);
        const TileCase after(metric, element, 90, 5, 37, 0, 2);
        const GuardedBytes panel(of.panel_bytes(90));
        const GuardedBytes groups(2 * of.group_bytes(90));
        of.pack(before.query_at(0), before.query_stride, before.queries, 90, panel.data());
        of.pack_rows(before.row_at(0), before.stride, before.count, 90, groups.data());
        of.pack(after.query_at(0), after.query_stride, after.queries, 90, panel.data());
        of.pack_rows(after.row_at(0), after.stride, after.count, 90, groups.data());
        const std::vector<float> bounds = after.some_bounds(table);
        Found all{std::vector<std::uint32_t>(37 * block_queries), std::vector<float>(37 * block_queries)};
        all.hits.resize(
            of.below(panel.data(), groups.data(), 37, 90, bounds.data(), all.hits.data(), all.values.data()));
        all.values.resize(all.hits.size());
        CHECK(all == after.expected(table, bounds));
    });
}

TEST_CASE("threads use tiles at the same time, each with its own") {
    for_each_tiles([](const Kernels& table, MetricKind metric, Element element) {
        constexpr std::size_t threads = 4;
        constexpr int rounds = 20;
        std::size_t right[threads] = {};
        std::vector<std::thread> running;
        for (std::size_t t = 0; t < threads; ++t) {
            running.emplace_back([&, t] {
                const TileCase mine(metric, element, static_cast<Dim>(60 + 40 * t), 32, 64, 0, t);
                const std::vector<float> bounds = mine.some_bounds(table);
                const Found expected = mine.expected(table, bounds);
                const TileKernels& of = table.of(metric, element).tiles;
                const GuardedBytes panel(of.panel_bytes(mine.dim));
                const GuardedBytes groups(2 * of.group_bytes(mine.dim));
                of.pack(mine.query_at(0), mine.query_stride, mine.queries, mine.dim, panel.data());
                of.pack_rows(mine.row_at(0), mine.stride, mine.count, mine.dim, groups.data());
                Found all;
                for (int round = 0; round < rounds; ++round) {
                    all.hits.assign(64 * block_queries, 0);
                    all.values.assign(64 * block_queries, 0);
                    all.hits.resize(of.below(panel.data(), groups.data(), 64, mine.dim, bounds.data(), all.hits.data(),
                                             all.values.data()));
                    all.values.resize(all.hits.size());
                    right[t] += all == expected ? 1 : 0;
                }
            });
        }
        for (std::thread& thread : running) thread.join();
        for (const std::size_t of_thread : right) CHECK(of_thread == rounds);
    });
}
