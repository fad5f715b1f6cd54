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

namespace {

/// Long rows along 20 directions, but for a little of everything else.
class LongRows {
public:
    LongRows(Dim dim, std::uint64_t seed) : random_(seed), basis_(std::size_t{20} * dim) {
        for (float& value : basis_) value = draw();
    }
    float draw() { return static_cast<float>(bell(random_)); }
    std::vector<float> row(Dim dim) {
        std::vector<float> row(dim);
        for (float& value : row) value = 0.1F * draw();
        for (std::size_t k = 0; k < basis_.size() / dim; ++k) {
            const float along = draw();
            for (Dim d = 0; d < dim; ++d) row[d] += along * basis_[k * dim + d];
        }
        return row;
    }

private:
    Random random_;
    std::vector<float> basis_;
};

}  // namespace

TEST_CASE("rounding: long rows of which fewer values are compared are found as by all", "[contract]") {
    constexpr Dim dim = 320;
    constexpr std::size_t n = 6000;
    constexpr std::size_t far_off = 8;
    LongRows random(dim, 3);
    Rows rows(Element::float32, dim, n + far_off);
    for (std::size_t i = 0; i < n; ++i) rows.set(i, random.row(dim));
    for (std::size_t i = n; i < n + far_off; ++i) {  // nearly nothing but what the others hardly have
        std::vector<float> row(dim);
        for (float& value : row) value = 4 * random.draw();
        rows.set(i, row);
    }
    for (const MetricKind metric : {MetricKind::l2, MetricKind::cosine, MetricKind::inner_product}) {
        const Index index = build("HNSW16", metric, rows.view()).value();
        const Index exact = build("Flat", metric, rows.view()).value();
        double found = 0;
        std::size_t far_found = 0;
        for (std::size_t i = 0; i < n + far_off; i += i < n ? 20 : 1) {
            const Answer truth = ask(exact, rows.row(i), {.k = 10}).value();
            const Answer answer = ask(index, rows.row(i), {.k = 10, .ef = 40}).value();
            for (const Neighbor& neighbor : answer) {
                found += neighbor.distance <= truth.neighbors.back().distance ? 0.1 : 0;
            }
            far_found += i >= n && answer.neighbors.front().id == truth.neighbors.front().id ? 1 : 0;
        }
        INFO(name(metric) << ": " << found << ", " << far_found);
        // As without the shorter codes: 307 and 308 of 308 under l2 and cosine, 279 under ip; of the far ones 6 to 8, under ip 4 to 8.
        const bool product = metric == MetricKind::inner_product;
        CHECK(found >= (product ? 0.88 : 0.98) * (n / 20 + far_off));
        if (!product) CHECK(far_found >= far_off * 3 / 4);
    }
}

TEST_CASE("rounding: long rows that are told apart by what most do not differ in are found", "[contract]") {
    // 60 rows of which each stands a hundred times, moved a little in any direction.
    constexpr Dim dim = 320;
    constexpr std::size_t n = 6000;
    LongRows random(dim, 4);
    Rows rows(Element::float32, dim, n);
    std::vector<std::vector<float>> middles;
    for (std::size_t i = 0; i < 60; ++i) middles.push_back(random.row(dim));
    for (std::size_t i = 0; i < n; ++i) {
        std::vector<float> row = middles[i % middles.size()];
        for (float& value : row) value += 0.2F * random.draw();
        rows.set(i, row);
    }
    for (const MetricKind metric : {MetricKind::l2, MetricKind::cosine}) {
        Searcher search = build("HNSW8", metric, rows.view()).value().searcher();
        std::size_t found = 0;
        for (std::size_t i = 0; i < n; ++i) {
            found += search(rows.row(i), {.k = 1, .ef = 32}).value()[0].id == static_cast<Id>(i) ? 1 : 0;
        }
        INFO(name(metric) << ": " << found);
        CHECK(found >= n * 99 / 100);
    }
}
