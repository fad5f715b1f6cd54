// k-means: the centroids of a plain Lloyd, the same bits for any threads, and an answer for rows of every kind.
#include <tonari/train/kmeans.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <set>
#include <string>

#include <tonari/train/sample.hpp>

#include "support/catch.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;
using namespace tonari::train;

namespace {

KMeansOptions options_of(std::size_t clusters, std::uint64_t seed = 1, unsigned threads = 1) {
    KMeansOptions options;
    options.clusters = clusters;
    options.seed = seed;
    options.threads = {threads};
    return options;
}

std::span<const float> centroid(const Centroids& centroids, std::size_t c) {
    return centroids.values.as<float>().subspan(c * centroids.dim, centroids.dim);
}

std::vector<float> values_of(const Centroids& centroids) {
    const auto all = centroids.values.as<float>().first(centroids.clusters * centroids.dim);
    return {all.begin(), all.end()};
}

double square(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
    return sum;
}

std::size_t nearest_to(std::span<const float> row, const std::vector<float>& centroids) {
    std::size_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t c = 0; c < centroids.size() / row.size(); ++c) {
        const double distance = square(row, std::span(centroids).subspan(c * row.size(), row.size()));
        if (distance < least) least = distance, best = c;
    }
    return best;
}

double inertia_of(const Rows& rows, const std::vector<float>& centroids) {
    double sum = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto row = rows.values(i);
        sum += square(row, std::span(centroids).subspan(nearest_to(row, centroids) * row.size(), row.size()));
    }
    return sum / static_cast<double>(rows.size());
}

/// Lloyd's algorithm as it is written down, in double; a cell that runs empty stays where it was.
std::vector<float> plain_lloyd(const Rows& rows, std::vector<float> centroids, unsigned iterations) {
    const std::size_t dim = rows.dim();
    for (unsigned iteration = 0; iteration < iterations; ++iteration) {
        std::vector<double> sums(centroids.size());
        std::vector<double> counts(centroids.size() / dim);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const std::size_t c = nearest_to(rows.values(i), centroids);
            ++counts[c];
            for (std::size_t d = 0; d < dim; ++d) sums[c * dim + d] += rows.values(i)[d];
        }
        for (std::size_t i = 0; i < sums.size(); ++i) {
            if (counts[i / dim] > 0) centroids[i] = static_cast<float>(sums[i] / counts[i / dim]);
        }
    }
    return centroids;
}

/// Points of `count` well separated places (-10 or 10 in each dimension), a little noise around each.
Rows planted(std::size_t places, std::size_t each, Dim dim, float offset = 0) {
    Rows rows(Element::float32, dim, places * each);
    Random random(5);
    std::vector<float> values(dim);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        for (std::size_t d = 0; d < dim; ++d) {
            const double place = (hash(9, i % places) >> d & 1U) != 0 ? 10 : -10;
            values[d] = offset + static_cast<float>(place + 0.1 * bell(random));
        }
        rows.set(i, values);
    }
    return rows;
}

std::string message_of(MatrixView rows, const KMeansOptions& options) {
    const auto trained = kmeans(rows, options);
    return trained ? "no error" : trained.error().message;
}

/// Of two levels, from so many clusters on; they end within `most` times the inertia of one.
Centroids close_to_one_level(const Rows& rows, KMeansOptions options, std::size_t from, double most) {
    options.two_levels_from = 1000;
    const double one = inertia_of(rows, values_of(kmeans(rows.view(), options).value()));
    options.two_levels_from = from;
    Centroids two = kmeans(rows.view(), options).value();
    CHECK(inertia_of(rows, values_of(two)) <= most * one);
    CHECK(two.inertia <= most * one);
    std::size_t sum = 0;
    for (const std::uint32_t size : two.sizes) sum += size;
    CHECK(sum == rows.size());
    return two;
}

}  // namespace

TEST_CASE("k-means: no worse than a plain Lloyd from a start like its own", "[train]") {
    const Rows rows = clustered_rows(Element::float32, 24, 3000, 3);
    for (const std::size_t clusters : {2U, 16U, 50U}) {
        CAPTURE(clusters);
        KMeansOptions options = options_of(clusters);
        options.sample_per_cluster = 5000;  // all rows
        options.iterations = 10;
        const Centroids trained = kmeans(rows.view(), options).value();
        // The start is drawn as the trainer draws it.
        std::vector<float> start;
        for (const RowId row : sample_rows(rows.size(), clusters, hash(options.seed, 2))) {
            start.insert(start.end(), rows.values(row).begin(), rows.values(row).end());
        }
        const double plain = inertia_of(rows, plain_lloyd(rows, start, 10));
        CHECK(inertia_of(rows, values_of(trained)) <= 1.0001 * plain);
        CHECK(trained.inertia >= 0.9999 * inertia_of(rows, values_of(trained)));
        CHECK(trained.inertia <= 1.01 * plain);
    }
}

TEST_CASE("k-means: parts of many rows lead where all of them do", "[train]") {
    const Rows rows = clustered_rows(Element::float32, 8, 40'000, 6, 200);
    KMeansOptions options = options_of(40);
    options.sample_per_cluster = 1000;  // all rows
    options.iterations = 10;
    double trained = 0;
    double plain = 0;
    for (options.seed = 1; options.seed <= 6; ++options.seed) {
        const Centroids centroids = kmeans(rows.view(), options).value();
        trained += inertia_of(rows, values_of(centroids));
        CHECK(std::accumulate(centroids.sizes.begin(), centroids.sizes.end(), std::size_t{0}) == rows.size());
        std::vector<float> start;
        for (const RowId row : sample_rows(rows.size(), 40, hash(options.seed, 2))) {
            start.insert(start.end(), rows.values(row).begin(), rows.values(row).end());
        }
        plain += inertia_of(rows, plain_lloyd(rows, start, 10));
        options.threads = {3};
        CHECK(values_of(kmeans(rows.view(), options).value()) == values_of(centroids));
        options.threads = {};
    }
    CHECK(trained <= 1.01 * plain);
}

TEST_CASE("k-means: two levels end close to where one level does", "[train]") {
    const Rows rows = clustered_rows(Element::float32, 16, 6000, 4, 300);
    KMeansOptions options = options_of(100);
    for (const std::size_t clusters : {100U, 300U}) {  // compared with all of them, and with those that are near
        CAPTURE(clusters);
        options = options_of(clusters);
        options.two_levels_from = 2;
        const Centroids two = close_to_one_level(rows, options, options.two_levels_from, 1.02);
        options.threads = {3};
        CHECK(values_of(kmeans(rows.view(), options).value()) == values_of(two));
    }
    // As many clusters as come of it, however few rows the cells have.
    for (const std::size_t clusters : {1U, 2U, 3U, 5U, 2999U, 5999U, 6000U}) {
        CAPTURE(clusters);
        options.clusters = clusters;
        options.iterations = 2;
        const Centroids many = kmeans(rows.view(), options).value();
        CHECK(many.sizes.size() == clusters);
        CHECK(std::isfinite(many.inertia));
    }
}

TEST_CASE("k-means: a few rows far off, which the upper level parts from all others, are too few for a cluster below",
          "[train]") {
    Rows rows(Element::float32, 8, 6000);
    std::vector<float> values(8);
    Random random(6);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        for (float& value : values) value = static_cast<float>(bell(random)) + (i % 2000 == 7 ? 1000.0F : 0.0F);
        rows.set(i, values);
    }
    close_to_one_level(rows, options_of(200), 128, 1.05);
}

TEST_CASE("k-means: two levels of rows most of which are equal", "[train]") {
    Rows rows(Element::float32, 6, 4000);
    std::vector<float> values(6);
    Random random(5);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        for (float& value : values) value = i % 10 == 0 ? static_cast<float>(bell(random)) : 3.0F;
        rows.set(i, values);
    }
    KMeansOptions options = options_of(200);
    options.two_levels_from = 128;
    const Centroids two = close_to_one_level(rows, options, options.two_levels_from, 1.05);
    options.threads = {3};
    CHECK(values_of(kmeans(rows.view(), options).value()) == values_of(two));
}

TEST_CASE("k-means: iterations that look near end where those of a plain Lloyd do, on any threads", "[train]") {
    const Rows rows = clustered_rows(Element::float32, 24, 4000, 31, 200);
    double trained = 0;
    double plain = 0;
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        KMeansOptions options = options_of(160, seed);  // of 128 and more
        options.iterations = 12;
        const Centroids near = kmeans(rows.view(), options).value();
        options.threads = {3};
        CHECK(values_of(near) == values_of(kmeans(rows.view(), options).value()));
        trained += inertia_of(rows, values_of(near));
        std::vector<float> start;
        for (const RowId row : sample_rows(rows.size(), 160, hash(seed, 2))) {
            start.insert(start.end(), rows.values(row).begin(), rows.values(row).end());
        }
        plain += inertia_of(rows, plain_lloyd(rows, start, 12));
    }
    CAPTURE(trained, plain);
    CHECK(trained <= 1.005 * plain);
    KMeansOptions options = options_of(160, 5);
    options.spherical = true;
    options.iterations = 3;  // all of which look at all clusters
    const double before = kmeans(rows.view(), options)->inertia;
    options.iterations = 12;
    CHECK(kmeans(rows.view(), options)->inertia < before);
}

TEST_CASE("k-means: the same bits for any number of threads and for the same seed, others for another", "[train]") {
    for (const bool spherical : {false, true}) {
        const Rows rows = clustered_rows(Element::float16, 33, 2500, 6);
        KMeansOptions options = options_of(40, 7);
        options.spherical = spherical;
        options.sample_per_cluster = 30;
        const Centroids one = kmeans(rows.view(), options).value();
        for (const unsigned threads : {1U, 2U, 3U}) {
            options.threads = {threads};
            const Centroids other = kmeans(rows.view(), options).value();
            CHECK(values_of(other) == values_of(one));
            CHECK(other.sizes == one.sizes);
            CHECK(other.inertia == one.inertia);
        }
        options.seed = 8;
        CHECK(values_of(kmeans(rows.view(), options).value()) != values_of(one));
    }
}

TEST_CASE("k-means: well separated clusters are found, also far from the origin", "[train]") {
    for (const float offset : {0.0F, 20'000.0F}) {
        CAPTURE(offset);
        const Rows rows = planted(12, 50, 16, offset);
        // From a random start a place is sure to be found only where several centroids fall on each.
        const Centroids trained = kmeans(rows.view(), options_of(100, 2)).value();
        CHECK(trained.inertia < 1);  // 16 dimensions with a deviation of 0.1
        CHECK(inertia_of(rows, values_of(trained)) < 1);
    }
}

TEST_CASE("k-means: cells that run empty are filled", "[train]") {
    // Almost all rows are equal, so almost every start is on the same place.
    Rows rows(Element::float32, 8, 400);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::vector<float> values(8);
        if (i < 20) values[i % 8] = 1 + static_cast<float>(i);
        rows.set(i, values);
    }
    KMeansOptions options = options_of(21);
    options.iterations = 40;
    const Centroids trained = kmeans(rows.view(), options).value();
    CHECK(std::count(trained.sizes.begin(), trained.sizes.end(), 0U) == 0);
    CHECK(trained.inertia == 0);
    CHECK(*std::max_element(trained.sizes.begin(), trained.sizes.end()) == 380);
}

TEST_CASE("k-means: fewer distinct rows than clusters, one cluster, as many as rows", "[train]") {
    SECTION("all rows equal") {
        Rows rows(Element::float32, 5, 100);
        const std::vector<float> values{1, -2, 3, 0.5F, 7};
        for (std::size_t i = 0; i < rows.size(); ++i) rows.set(i, values);
        for (const std::size_t clusters : {1U, 7U, 100U}) {
            for (const std::size_t levels : {2U, 1000U}) {
                KMeansOptions options = options_of(clusters);
                options.two_levels_from = levels;
                const Centroids trained = kmeans(rows.view(), options).value();
                CHECK(trained.clusters == clusters);
                CHECK(trained.inertia == 0);
                CHECK(trained.sizes[0] == 100);
                for (std::size_t c = 0; c < clusters; ++c) {
                    CHECK(square(values, centroid(trained, c)) == 0);
                }
            }
        }
    }
    SECTION("one cluster is the mean") {
        const Rows rows = integer_rows(Element::uint8, 9, 64, 1);  // 64: a mean of whole numbers is exact
        const Centroids trained = kmeans(rows.view(), options_of(1)).value();
        for (std::size_t d = 0; d < 9; ++d) {
            float sum = 0;
            for (std::size_t i = 0; i < rows.size(); ++i) sum += rows.values(i)[d];
            CHECK(values_of(trained)[d] == sum / 64);
        }
        CHECK(trained.sizes == std::vector<std::uint32_t>{64});
    }
    SECTION("every row its own") {
        const Rows rows = clustered_rows(Element::float32, 12, 70, 1);
        const Centroids trained = kmeans(rows.view(), options_of(70)).value();
        CHECK(trained.inertia == 0);
        CHECK(std::memcmp(trained.values.data(), rows.bytes().data(), rows.bytes().size()) == 0);
    }
}

TEST_CASE("k-means: dimensions that are constant stay what they are", "[train]") {
    Rows rows(Element::float32, 10, 500);
    Random random(1);
    std::vector<float> values(10);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        for (std::size_t d = 0; d < 10; ++d) {
            values[d] = d % 2 == 0 ? 1000.0F * static_cast<float>(d) : static_cast<float>(bell(random));
        }
        rows.set(i, values);
    }
    const std::vector<float> trained = values_of(kmeans(rows.view(), options_of(20)).value());
    for (std::size_t i = 0; i < trained.size(); ++i) {
        if (i % 10 % 2 == 0) CHECK(trained[i] == Approx(1000.0F * static_cast<float>(i % 10)));
    }
    CHECK(inertia_of(rows, trained) < 3.5);  // of 5 for one cluster
}

TEST_CASE("k-means: spherical centroids have length 1", "[train]") {
    Rows rows = clustered_rows(Element::float32, 20, 800, 2);
    rows.set(3, std::vector<float>(20));
    rows.set(4, std::vector<float>(20));
    for (const std::size_t levels : {4U, 1000U}) {
        KMeansOptions options = options_of(30);
        options.spherical = true;
        options.two_levels_from = levels;
        const Centroids trained = kmeans(rows.view(), options).value();
        const std::vector<float> zeros(20);
        for (std::size_t c = 0; c < 30; ++c) {
            CHECK(square(centroid(trained, c), zeros) == Approx(1).epsilon(1e-5));
        }
    }
    Rows nothing(Element::float32, 3, 10);
    KMeansOptions options = options_of(2);
    options.spherical = true;
    CHECK(values_of(kmeans(nothing.view(), options).value()) == std::vector<float>{1, 0, 0, 1, 0, 0});
}

TEST_CASE("k-means: every element type, as its values in float32", "[train]") {
    for (const Element element : {Element::float16, Element::bfloat16, Element::int8, Element::uint8}) {
        CAPTURE(name(element));
        const Rows rows = clustered_rows(element, 19, 700, 3);
        Rows wide(Element::float32, 19, 700);
        for (std::size_t i = 0; i < rows.size(); ++i) wide.set(i, rows, i);
        for (const std::size_t sample : {20U, 256U}) {
            KMeansOptions options = options_of(25);
            options.sample_per_cluster = sample;
            CHECK(values_of(kmeans(rows.view(), options).value()) == values_of(kmeans(wide.view(), options).value()));
        }
    }
}

TEST_CASE("k-means: progress rises to its total", "[train]") {
    const Rows rows = clustered_rows(Element::float32, 8, 900, 3);
    for (const std::size_t levels : {4U, 1000U}) {
        KMeansOptions options = options_of(50);
        options.two_levels_from = levels;
        std::size_t before = 0;
        std::size_t total = 0;
        std::size_t calls = 0;
        options.progress = [&](std::size_t done, std::size_t of) {
            CHECK(done >= before);
            CHECK((total == 0 || total == of));
            before = done;
            total = of;
            ++calls;
        };
        kmeans(rows.view(), options).value();
        CHECK(before == total);
        CHECK(calls > 2);
    }
}

TEST_CASE("k-means: one iteration over many rows tells how far it has come", "[train]") {
    const Rows rows = clustered_rows(Element::float32, 4, 50'000, 3);
    for (const float balance : {0.0F, 0.1F}) {
        KMeansOptions options = options_of(8);
        options.sample_per_cluster = rows.size();
        options.iterations = 1;
        options.balance = balance;
        std::vector<double> shares;
        options.progress = [&](std::size_t done, std::size_t of) {
            shares.push_back(static_cast<double>(done) / static_cast<double>(of));
        };
        kmeans(rows.view(), options).value();
        CHECK(std::is_sorted(shares.begin(), shares.end()));
        CHECK(shares.size() > 3);
        CHECK(shares.front() < 0.5);
        CHECK(shares.back() == 1);
    }
}

TEST_CASE("k-means: what it refuses", "[train]") {
    Rows rows = clustered_rows(Element::float32, 6, 50, 1);
    CHECK(message_of(rows.view(), options_of(0)) == "k-means: expected 1 to 50 clusters of as many rows, got 0");
    CHECK(message_of(rows.view(), options_of(51)) == "k-means: expected 1 to 50 clusters of as many rows, got 51");
    KMeansOptions options = options_of(2);
    options.iterations = 0;
    CHECK(message_of(rows.view(), options) == "k-means: expected at least one iteration, got 0");
    options = options_of(2);
    options.final_iterations = 0;
    CHECK(message_of(rows.view(), options) == "k-means: expected at least one final iteration, got 0");
    options = options_of(2);
    options.sample_per_cluster = 0;
    CHECK(message_of(rows.view(), options) ==
          "k-means: expected at least one row in the sample for each cluster, got 0");
    CHECK(message_of(rows.view().slice(0, 0), options_of(1)) ==
          "expected at least one row and one dimension in rows, got 0 rows of 6 dimensions");
    const Rows bits = integer_rows(Element::bits, 16, 20, 1);
    CHECK(message_of(bits.view(), options_of(2)) == "expected rows of numbers, which have a mean, got bits");

    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        std::vector<float> values(6);
        values[2] = bad;
        rows.set(31, values);
        CHECK(message_of(rows.view(), options_of(2)) ==
              "expected finite values in rows, got " + std::to_string(bad) + " at row 31, column 2");
    }
    rows.set(31, std::vector<float>(6, 1e30F));
    CHECK(message_of(rows.view(), options_of(2)) ==
          "expected finite values in rows, got values so large at row 31 that their squares overflow float32; "
          "scale the rows down");
}

TEST_CASE("sample: distinct, ascending, and every row as likely", "[train]") {
    CHECK(sample_rows(5, 9, 1) == std::vector<RowId>{0, 1, 2, 3, 4});
    CHECK(sample_rows(5, 0, 1).empty());
    std::vector<int> drawn(40);
    for (std::uint64_t seed = 0; seed < 4000; ++seed) {
        const std::vector<RowId> picked = sample_rows(40, 10, seed);
        REQUIRE(picked.size() == 10);
        REQUIRE(std::is_sorted(picked.begin(), picked.end()));
        REQUIRE(std::set<RowId>(picked.begin(), picked.end()).size() == 10);
        for (const RowId row : picked) ++drawn[row];
    }
    for (const int times : drawn) CHECK(std::abs(times - 1000) < 140);  // five deviations
}
