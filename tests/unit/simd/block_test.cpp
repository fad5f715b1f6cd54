// Block kernels and the search for values below their query's bound.
#include <limits>

#include "support/catch.hpp"
#include "unit/simd/rows.hpp"

using namespace tonari;
using namespace tonari::simd;
using namespace tonari::simd::test;

namespace {

/// Rows in one piece that ends where memory ends, and queries.
struct BlockCase {
    MetricKind metric;
    Element element;
    Dim dim;
    std::size_t queries;
    std::size_t count;
    std::size_t query_stride;
    std::size_t stride;
    GuardedBytes query_memory;
    GuardedBytes row_memory;

    BlockCase(MetricKind m, Element e, Dim d, std::size_t q, std::size_t n, std::size_t gap, std::uint64_t seed,
              Fill of_queries = Fill::ordinary, Fill of_rows = Fill::ordinary)
        : metric(m),
          element(e),
          dim(d),
          queries(q),
          count(n),
          query_stride(rounded(query_bytes(m, e, d))),
          stride(rounded(stored_bytes(m, e, d)) + gap),
          query_memory((q - 1) * query_stride + query_bytes(m, e, d)),
          row_memory((n - 1) * stride + stored_bytes(m, e, d)) {
        Random random(seed);
        for (std::size_t i = 0; i < q; ++i) fill_query(query_at(i), m, e, d, random, of_queries);
        for (std::size_t i = 0; i < n; ++i) fill_row(row_at(i), m, e, d, random, of_rows);
    }
    static std::size_t rounded(std::size_t bytes) { return (bytes + 3) / 4 * 4; }
    [[nodiscard]] std::byte* query_at(std::size_t i) const { return query_memory.data() + i * query_stride; }
    [[nodiscard]] std::byte* row_at(std::size_t i) const { return row_memory.data() + i * stride; }

    /// Only where the block kernel wants them.
    [[nodiscard]] std::vector<float> row_norms(const Kernels& table, std::size_t first, std::size_t rows) const {
        std::vector<float> norms;
        if (metric != MetricKind::l2 || element != Element::float32) return norms;
        for (std::size_t i = first; i < first + rows; ++i) norms.push_back(table.squared_norm[0](row_at(i), dim));
        return norms;
    }

    [[nodiscard]] std::vector<float> block(const Kernels& table) const {
        const DistanceKernels& of = table.of(metric, element);
        const std::size_t bytes = of.panel_bytes(dim);
        std::vector<std::byte> memory(bytes + 64);
        auto address = reinterpret_cast<std::uintptr_t>(memory.data());
        std::byte* panel = memory.data() + (64 - address % 64) % 64;
        of.pack(query_memory.data(), query_stride, queries, dim, panel);
        const std::vector<float> norms = row_norms(table, 0, count);
        std::vector<float> out(count * block_queries);
        of.block(panel, queries, row_memory.data(), stride, count, dim, norms.empty() ? nullptr : norms.data(),
                 out.data());
        return out;
    }
};

template <class Body>
void for_each_block(Body&& body) {
    for (const Level level : available_levels()) {
        const Kernels& table = *kernels(level);
        for (const MetricKind metric : all_metrics) {
            for (const Element element : all_elements) {
                const DistanceKernels& of = table.of(metric, element);
                CAPTURE(name(level), name(metric), name(element));
                REQUIRE((of.block != nullptr) == (of.pack != nullptr));
                REQUIRE((of.block != nullptr) == (of.panel_bytes != nullptr));
                if (of.block != nullptr) body(table, metric, element);
            }
        }
    }
}

void check_block(const Kernels& table, const BlockCase& of) {
    const std::vector<float> out = of.block(table);
    const auto slack = static_cast<double>(block_slack(of.element, of.dim));
    for (std::size_t q = 0; q < of.queries; ++q) {
        std::vector<float> exact(of.count);
        const Kernels& oracle = of.element == Element::float32 ? *kernels(Level::reference) : table;
        oracle.of(of.metric, of.element)
            .scan(of.query_at(q), of.row_memory.data(), of.stride, of.count, of.dim, exact.data());
        for (std::size_t i = 0; i < of.count; ++i) {
            const float got = out[i * block_queries + q];
            if (of.element != Element::float32) {
                if (got != exact[i]) {
                    CAPTURE(q, i, of.dim, got, exact[i]);
                    CHECK(got == exact[i]);
                }
                continue;
            }
            const auto norm = [&](const std::byte* at) {
                return static_cast<double>(table.squared_norm[0](at, of.dim));
            };
            const double scale = of.metric == MetricKind::cosine ? 1.0 : norm(of.query_at(q)) + norm(of.row_at(i));
            const double error = std::abs(static_cast<double>(got) - static_cast<double>(exact[i]));
            if (!(error <= slack * scale)) {
                CAPTURE(q, i, of.dim, got, exact[i], slack * scale);
                CHECK(error <= slack * scale);
            }
        }
    }
}

}  // namespace

TEST_CASE("block values are within the slack of floats, exact for integers, at every tail") {
    for_each_block([](const Kernels& table, MetricKind metric, Element element) {
        for (Dim dim = 1; dim <= 70; ++dim) check_block(table, BlockCase(metric, element, dim, 32, 17, 0, dim));
        for (const Dim dim : {100U, 128U, 255U, 784U, 1537U}) {
            check_block(table, BlockCase(metric, element, dim, 32, 29, 0, dim));
        }
        for (const std::size_t queries : {1U, 2U, 15U, 16U, 17U, 31U}) {
            for (const std::size_t rows : {1U, 3U, 4U, 11U, 12U, 13U, 25U}) {
                check_block(table, BlockCase(metric, element, 33, queries, rows, 8, queries + rows));
            }
        }
    });
}

TEST_CASE("block values hold at 65536 dimensions and at the extremes of bytes") {
    for_each_block([](const Kernels& table, MetricKind metric, Element element) {
        check_block(table, BlockCase(metric, element, max_dim, 2, 13, 0, 5));
        if (is_float(element)) return;
        for (const Fill q : {Fill::lowest, Fill::highest}) {
            for (const Fill x : {Fill::lowest, Fill::highest}) {
                check_block(table, BlockCase(metric, element, max_dim, 2, 13, 0, 5, q, x));
            }
        }
    });
}

TEST_CASE("a block value does not depend on the rows and queries beside it, bit for bit") {
    for_each_block([](const Kernels& table, MetricKind metric, Element element) {
        const BlockCase all(metric, element, 100, 32, 40, 0, 3);
        const std::vector<float> together = all.block(table);
        for (std::size_t first = 0; first < 40; first += 7) {
            for (std::size_t count = 1; first + count <= 40; count += 5) {
                const DistanceKernels& of = table.of(metric, element);
                alignas(64) static std::byte panel[1 << 16];
                REQUIRE(of.panel_bytes(100) <= sizeof panel);
                of.pack(all.query_at(3), all.query_stride, 5, 100, panel);
                const std::vector<float> norms = all.row_norms(table, first, count);
                std::vector<float> out(count * block_queries);
                of.block(panel, 5, all.row_at(first), all.stride, count, 100, norms.empty() ? nullptr : norms.data(),
                         out.data());
                for (std::size_t i = 0; i < count; ++i) {
                    for (std::size_t q = 0; q < 5; ++q) {
                        REQUIRE(out[i * block_queries + q] == together[(first + i) * block_queries + q + 3]);
                    }
                }
            }
        }
    });
}

TEST_CASE("the nearest row of each query of a block, the earlier of equals; NaN is below nothing") {
    Random random(2);
    std::vector<float> values(37 * block_queries);
    for (float& value : values) value = static_cast<float>(random.below(12));  // ties abound
    values[block_queries * 2 + 5] = std::numeric_limits<float>::quiet_NaN();
    for (std::size_t i = 0; i < 37; ++i) values[i * block_queries + 9] = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> start(block_queries, std::numeric_limits<float>::infinity());
    start[3] = -1;  // nearer than any
    start[4] = 0;   // as near as the nearest
    for (const std::size_t rows : {0U, 1U, 2U, 37U}) {
        std::vector<float> expected = start;
        std::vector<std::uint32_t> expected_rows(block_queries, 2'000'000'000);
        for (std::size_t i = 0; i < rows * block_queries; ++i) {
            const std::size_t q = i % block_queries;
            if (!(values[i] < expected[q])) continue;
            expected[q] = values[i];
            expected_rows[q] = 1000 + static_cast<std::uint32_t>(i / block_queries);
        }
        for (const Level level : available_levels()) {
            CAPTURE(name(level), rows);
            std::vector<float> best = start;
            std::vector<std::uint32_t> which(block_queries, 2'000'000'000);
            kernels(level)->block_nearest(values.data(), rows, 1000, best.data(), which.data());
            CHECK(best == expected);
            CHECK(which == expected_rows);
        }
    }
}

TEST_CASE("values of a block below their query's bound are found, in order; NaN is below nothing") {
    Random random(1);
    std::vector<float> values(9 * block_queries);
    for (float& value : values) value = static_cast<float>(unit(random()));
    values[7] = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> bounds(block_queries, -std::numeric_limits<float>::infinity());
    for (std::size_t q = 0; q < 20; ++q) bounds[q] = static_cast<float>(q) / 19;
    std::vector<std::uint32_t> expected;
    for (std::uint32_t i = 0; i < values.size(); ++i) {
        if (values[i] < bounds[i % block_queries]) expected.push_back(i);
    }
    for (const Level level : available_levels()) {
        CAPTURE(name(level));
        std::vector<std::uint32_t> hits(values.size());
        hits.resize(kernels(level)->block_below(values.data(), 9, bounds.data(), hits.data()));
        CHECK(hits == expected);
    }
}
