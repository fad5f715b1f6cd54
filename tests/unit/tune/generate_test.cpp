#include <tonari/tune/generate.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include <tonari/tune/describe.hpp>
#include <tonari/tune/ground_truth.hpp>

#include "support/catch.hpp"

using namespace tonari;

namespace {

tune::GenerateOptions small(std::uint64_t seed = 1) {
    tune::GenerateOptions options;
    options.rows = 2000;
    options.dim = 24;
    options.queries = 100;
    options.seed = seed;
    return options;
}

const float* floats(MatrixView rows, std::size_t row) { return reinterpret_cast<const float*>(rows.row_data(row)); }

}  // namespace

TEST_CASE("generated rows are the same bytes for any number of threads") {
    tune::GenerateOptions options = small();
    options.threads.count = 1;
    const auto one = tune::generate(options).value();
    options.threads.count = 3;
    const auto three = tune::generate(options).value();
    CHECK(one.hash() == three.hash());
    CHECK(one.base_cluster == three.base_cluster);
    CHECK(one.query_cluster == three.query_cluster);
}

TEST_CASE("generated rows are these bytes on every machine") {
    CHECK(tune::generate(small()).value().hash() == 0xcca964a30238c027ULL);
    tune::GenerateOptions unit = small(7);
    unit.unit_norm = true;
    unit.dim = 17;
    CHECK(tune::generate(unit).value().hash() == 0x1e77b0b01df3b4caULL);
}

TEST_CASE("generated rows follow their seed") {
    CHECK(tune::generate(small(1)).value().hash() != tune::generate(small(2)).value().hash());
    // Fewer rows of the same clusters are the first of more rows.
    tune::GenerateOptions options = small();
    options.clusters = 20;
    const auto many = tune::generate(options).value();
    options.rows = 500;
    const auto few = tune::generate(options).value();
    CHECK(std::memcmp(many.base().data(), few.base().data(), std::size_t{500} * 24 * sizeof(float)) == 0);
}

TEST_CASE("generated queries are no rows") {
    const auto rows = tune::generate(small()).value();
    std::set<std::string> known;
    const auto bytes = [](MatrixView view, std::size_t row) {
        return std::string(reinterpret_cast<const char*>(view.row_data(row)), view.stride());
    };
    for (std::size_t row = 0; row < rows.rows; ++row) known.insert(bytes(rows.base(), row));
    CHECK(known.size() == rows.rows);
    for (std::size_t query = 0; query < rows.queries; ++query) CHECK(known.count(bytes(rows.query(), query)) == 0);
}

TEST_CASE("generated rows of unit norm") {
    tune::GenerateOptions options = small();
    options.unit_norm = true;
    const auto rows = tune::generate(options).value();
    for (std::size_t row = 0; row < rows.rows; row += 97) {
        double square = 0;
        for (std::size_t i = 0; i < rows.dim; ++i) square += std::pow(double{floats(rows.base(), row)[i]}, 2);
        CHECK(square == Approx(1).epsilon(1e-6));
    }
}

TEST_CASE("generator refuses what it cannot make") {
    const auto message = [](auto change) {
        tune::GenerateOptions options = small();
        change(options);
        const auto rows = tune::generate(options);
        REQUIRE_FALSE(rows.ok());
        CHECK(rows.error().code == ErrorCode::invalid_argument);
        return rows.error().message;
    };
    CHECK(message([](auto& o) { o.rows = 0; }).find("got 0") != std::string::npos);
    CHECK(message([](auto& o) { o.rows = max_rows + 1; }).find("rows") != std::string::npos);
    CHECK(message([](auto& o) { o.dim = 0; }).find("dimensions") != std::string::npos);
    CHECK(message([](auto& o) { o.dim = max_dim + 1; }).find("dimensions") != std::string::npos);
    CHECK(message([](auto& o) { o.clusters = 2001; }).find("clusters") != std::string::npos);
    tune::GenerateOptions none = small();
    none.queries = 0;
    CHECK(tune::generate(none).value().query().empty());
}

TEST_CASE("generated rows are as hard as promised") {
    // The ranges that generate.hpp states; lists are flattered by data whose neighbours share one cluster.
    tune::GenerateOptions options;
    options.queries = 200;
    options.seed = 3;
    SECTION("128 dimensions") { options.dim = 128; }
    SECTION("32 dimensions, fewer rows") {
        options.dim = 32;
        options.rows = 20'000;
    }
    SECTION("unit norm, 96 dimensions") {
        options.dim = 96;
        options.rows = 50'000;
        options.unit_norm = true;
    }
    options.threads.count = 0;
    const auto rows = tune::generate(options).value();
    tune::GroundTruthOptions computing;
    computing.threads.count = 0;
    const auto truth = tune::compute_ground_truth(rows.base(), rows.query(), MetricKind::l2, computing).value();
    const double dimension = tune::local_intrinsic_dimension(truth, MetricKind::l2);
    CAPTURE(dimension);
    CHECK(dimension >= 12);
    CHECK(dimension <= 32);
    const double foreign = tune::foreign_neighbours(truth, 10, rows.base_cluster, rows.query_cluster);
    CAPTURE(foreign);
    CHECK(foreign >= 0.2);
    CHECK(foreign <= 0.9);  // and yet there are clusters
}

TEST_CASE("local intrinsic dimension of rows whose dimension is known") {
    // Neighbours at distances (i / k)^(1 / d) are those of a uniform d-dimensional ball.
    tune::GroundTruth truth;
    truth.queries = 1;
    truth.k = 1000;
    for (std::size_t i = 1; i <= truth.k; ++i) {
        truth.ids.push_back(static_cast<Id>(i));
        truth.distances.push_back(
            static_cast<float>(std::pow(static_cast<double>(i) / 1000, 2.0 / 8)));  // squared, d = 8
    }
    CHECK(tune::local_intrinsic_dimension(truth, MetricKind::l2) == Approx(8).epsilon(0.01));
    CHECK(tune::local_intrinsic_dimension(truth, MetricKind::cosine) == Approx(8).epsilon(0.01));
    CHECK(tune::local_intrinsic_dimension(truth, MetricKind::l1) == Approx(4).epsilon(0.01));
    CHECK(tune::local_intrinsic_dimension(truth, MetricKind::inner_product) == 0);
    std::fill(truth.distances.begin(), truth.distances.end(), 1.0F);
    CHECK(tune::local_intrinsic_dimension(truth, MetricKind::l2) == 0);
}
