// k-means whose cells have prices: more even, not much worse, and nothing else when the prices are none.
#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <tonari/lists/list_summary.hpp>
#include <tonari/train/assign.hpp>
#include <tonari/train/kmeans.hpp>

#include "support/catch.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;
using namespace tonari::train;

namespace {

Centroids trained(const Rows& rows, std::size_t clusters, float balance, unsigned threads = 1, bool spherical = false,
                  std::size_t two_levels_from = 1024) {
    KMeansOptions options;
    options.clusters = clusters;
    options.balance = balance;
    options.spherical = spherical;
    options.two_levels_from = two_levels_from;
    options.threads = {threads};
    return kmeans(rows.view(), options).value();
}

std::vector<float> values_of(const Centroids& centroids) {
    const auto all = centroids.values.as<float>().first(centroids.clusters * centroids.dim);
    return {all.begin(), all.end()};
}

double imbalance(const Centroids& centroids) {
    return summarize_lists(centroids.sizes.size(), [&](std::size_t c) { return std::size_t{centroids.sizes[c]}; })
        .imbalance;
}

/// Clusters of very different sizes: the first holds half of all rows, the next a quarter, ...
Rows skewed(std::size_t count, Dim dim) {
    Rows rows(Element::float32, dim, count);
    Random random(3);
    std::vector<float> values(dim);
    std::vector<double> centres(13 * dim);
    for (double& value : centres) value = 2 * bell(random);
    for (std::size_t i = 0; i < count; ++i) {
        std::size_t cluster = 0;
        while (cluster < 12 && random.below(2) == 0) ++cluster;
        for (std::size_t d = 0; d < dim; ++d) {
            values[d] = static_cast<float>(bell(random) + centres[cluster * dim + d]);
        }
        rows.set(i, values);
    }
    return rows;
}

}  // namespace

TEST_CASE("balance: cells are more even the more it counts, and rows not much farther from their centroids",
          "[train]") {
    const Rows rows = skewed(8000, 12);
    for (const bool spherical : {false, true}) {
        const Centroids plain = trained(rows, 64, 0, 1, spherical);
        CHECK(plain.prices.empty());
        double before = imbalance(plain);
        for (const float balance : {0.1F, 0.5F, 2.0F}) {
            INFO(balance << (spherical ? ", spherical" : ""));
            const Centroids even = trained(rows, 64, balance, 1, spherical);
            REQUIRE(even.prices.size() == 64);
            for (const float price : even.prices) CHECK(price >= 0);
            CHECK(imbalance(even) < before);
            if (!spherical) CHECK(even.inertia < 1.3 * plain.inertia);
            before = imbalance(even);
        }
        CHECK(before - 1 < 0.7 * (imbalance(plain) - 1));
    }
}

TEST_CASE("balance: other rows are as even when they are assigned by the same prices", "[train]") {
    const Rows rows = skewed(20'000, 12);
    KMeansOptions options;
    options.clusters = 50;
    options.balance = 0.2F;
    options.sample_per_cluster = 128;
    const Centroids even = kmeans(rows.view(), options).value();
    const auto assigned = [&](std::span<const float> prices) {
        std::vector<std::uint32_t> nearest(rows.size());
        AssignOptions with;
        with.prices = prices;
        assign(rows.view(), even.view(), MetricKind::l2, nearest, {}, with).value();
        std::vector<std::size_t> sizes(50);
        for (const std::uint32_t c : nearest) ++sizes[c];
        return summarize_lists(50, [&](std::size_t c) { return sizes[c]; }).imbalance;
    };
    CHECK(assigned(even.prices) < assigned({}));
    CHECK(assigned(even.prices) - 1 < 2 * (imbalance(even) - 1) + 0.05);
}

TEST_CASE("balance: the same bits for any number of threads, at one level and two; 0 is as if it was not there",
          "[train]") {
    const Rows rows = skewed(6000, 10);
    for (const std::size_t two_levels_from : {std::size_t{1024}, std::size_t{40}}) {
        for (const bool spherical : {false, true}) {
            const Centroids one = trained(rows, 80, 0.3F, 1, spherical, two_levels_from);
            for (const unsigned threads : {2U, 3U}) {
                const Centroids more = trained(rows, 80, 0.3F, threads, spherical, two_levels_from);
                CHECK(values_of(one) == values_of(more));
                CHECK(one.prices == more.prices);
                CHECK(one.sizes == more.sizes);
            }
            CHECK(imbalance(one) < imbalance(trained(rows, 80, 0, 1, spherical, two_levels_from)));
        }
    }
}

TEST_CASE("balance: rows of every kind have an answer", "[train]") {
    Rows rows(Element::float32, 4, 100);  // zeros
    for (const bool spherical : {false, true}) {
        CHECK(trained(rows, 7, 1, 1, spherical).prices.size() == 7);
        CHECK(trained(rows, 100, 1, 1, spherical).prices.size() == 100);
        CHECK(trained(rows, 1, 1, 1, spherical).prices.size() == 1);
    }
    const Rows whole = clustered_rows(Element::uint8, 8, 500, 4);
    CHECK(trained(whole, 20, 1).sizes.size() == 20);
}

TEST_CASE("balance: what it refuses", "[train]") {
    const Rows rows = skewed(100, 4);
    KMeansOptions options;
    options.clusters = 4;
    for (const float bad : {-0.1F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        options.balance = bad;
        const auto made = kmeans(rows.view(), options);
        REQUIRE_FALSE(made.ok());
        CHECK(made.error().message.find("expected balance of at least 0") != std::string::npos);
    }
    const Centroids four = trained(rows, 4, 1);
    std::vector<std::uint32_t> nearest(100);
    AssignOptions with;
    with.prices = std::span(four.prices).first(3);
    CHECK(assign(rows.view(), four.view(), MetricKind::l2, nearest, {}, with).error().message ==
          "expected a price for each of 4 centroids, or none, got 3");
    with.prices = four.prices;
    CHECK(assign(rows.view(), four.view(), MetricKind::inner_product, nearest, {}, with).error().message ==
          "expected l2 with prices, got ip");
}
