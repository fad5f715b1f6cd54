// Graphs may be built by rounded distances (index/build_rows.hpp). What rounding cannot place is found all the same.
#include "contract/models.hpp"

using namespace tonari;
using namespace tonari::test;

TEST_CASE("rounding: a few rows far off from all others are found", "[contract]") {
    // 8,000 rows in 31 dimensions, 8 along the 32nd: to those, all others are equally far but for a hundred thousandth.
    constexpr Dim dim = 32;
    constexpr std::size_t n = 8000;
    constexpr std::size_t far_off = 8;
    constexpr std::size_t tries = 8;
    for (const MetricKind metric : {MetricKind::cosine, MetricKind::l2}) {
        std::size_t found = 0;
        for (std::size_t seed = 0; seed < tries; ++seed) {
            Random random(seed);
            Rows rows(Element::float32, dim, n + far_off);
            std::vector<float> row(dim);
            for (std::size_t i = 0; i < n + far_off; ++i) {
                for (float& value : row) value = static_cast<float>(bell(random)) * (i < n ? 1.0F : 0.02F);
                row.back() = i < n ? row.back() * 1e-5F : 1.0F;
                rows.set(i, row);
            }
            Searcher search = build("HNSW8", metric, rows.view()).value().searcher();
            for (std::size_t i = n; i < n + far_off; ++i) {
                found += search(rows.row(i), {.k = 1, .ef = 32}).value()[0].id == static_cast<Id>(i) ? 1 : 0;
            }
        }
        INFO(name(metric) << ": " << found);
        CHECK(found >= tries * far_off * 3 / 4);  // 55 and 64 of 64; under cosine 38 without `confirm`, hnswlib 50
    }
}

TEST_CASE("rounding: rows in clouds too dense for it are found as others are", "[contract]") {
    // 40 clouds of 100 rows; within a cloud, rows differ by a thousandth of what clouds do.
    constexpr Dim dim = 16;
    constexpr std::size_t n = 4000;
    Random random(6);
    std::vector<float> middles(std::size_t{40} * dim);
    for (float& value : middles) value = static_cast<float>(bell(random));
    Rows rows(Element::float32, dim, n);
    std::vector<float> row(dim);
    for (std::size_t i = 0; i < n; ++i) {
        for (Dim j = 0; j < dim; ++j) row[j] = middles[i % 40 * dim + j] + 1e-3F * static_cast<float>(bell(random));
        rows.set(i, row);
    }
    for (const MetricKind metric : {MetricKind::l2, MetricKind::cosine, MetricKind::l1}) {
        INFO(name(metric));
        Searcher search = build("HNSW8", metric, rows.view()).value().searcher();
        std::size_t found = 0;
        for (std::size_t i = 0; i < n; ++i) {
            found += search(rows.row(i), {.k = 1, .ef = 32}).value()[0].id == static_cast<Id>(i) ? 1 : 0;
        }
        CHECK(found >= n * 99 / 100);
    }
}
