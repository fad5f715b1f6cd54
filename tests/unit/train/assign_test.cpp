// Rows to their nearest centroids, beside an oracle that compares them one by one.
#include <tonari/train/assign.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <tonari/simd/kernels.hpp>

#include "support/catch.hpp"
#include "support/oracle.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;
using namespace tonari::train;

namespace {

/// Of equal distances the smaller number.
std::size_t by_hand(const Distance& distance, std::span<const float> row, const Rows& centroids, float& least) {
    std::size_t best = 0;
    for (std::size_t c = 0; c < centroids.size(); ++c) {
        const float at = distance(row, centroids.values(c));
        if (c == 0 || at < least) least = at, best = c;
    }
    return best;
}

std::string message_of(const Status& status) { return status ? "no error" : status.error().message; }

}  // namespace

TEST_CASE("assign: whole numbers find exactly their nearest centroid, the smaller number of equals", "[train]") {
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product}) {
        for (const Element element :
             {Element::float32, Element::float16, Element::bfloat16, Element::int8, Element::uint8}) {
            for (const Dim dim : {1U, 3U, 16U, 37U}) {
                for (const std::size_t clusters : {1U, 2U, 31U, 121U, 300U}) {
                    CAPTURE(name(metric), name(element), dim, clusters);
                    const Rows rows = integer_rows(element, dim, 203, dim);
                    const Rows centroids = integer_rows(Element::float32, dim, clusters, 7);
                    for (const unsigned threads : {1U, 3U}) {
                        std::vector<std::uint32_t> nearest(rows.size(), 77);
                        std::vector<float> distances(rows.size());
                        assign(rows.view(), centroids.view(), metric, nearest, distances, {{threads}, {}}).value();
                        for (std::size_t i = 0; i < rows.size(); ++i) {
                            float least = 0;
                            REQUIRE(nearest[i] == by_hand(definition_of(metric), rows.values(i), centroids, least));
                            REQUIRE(distances[i] == least);
                        }
                    }
                }
            }
        }
    }
}

TEST_CASE("assign: within the error that is promised, for any threads, also far from the origin", "[train]") {
    for (const float offset : {0.0F, 5000.0F}) {
        Rows rows = clustered_rows(Element::float32, 40, 5000, 2);
        Rows centroids = clustered_rows(Element::float32, 40, 200, 3);
        for (Rows* moved : {&rows, &centroids}) {
            for (std::size_t i = 0; i < moved->size(); ++i) {
                std::vector<float> values(moved->values(i).begin(), moved->values(i).end());
                for (float& value : values) value += offset;
                moved->set(i, values);
            }
        }
        std::vector<std::uint32_t> nearest(rows.size());
        std::vector<float> distances(rows.size());
        assign(rows.view(), centroids.view(), MetricKind::l2, nearest, distances).value();
        for (std::size_t i = 0; i < rows.size(); ++i) {
            float least = 0;
            by_hand(definition_of(MetricKind::l2), rows.values(i), centroids, least);
            REQUIRE(distances[i] >= least * 0.99999F);
            REQUIRE(distances[i] <= least + 0.02F);  // 2 * 56 * 2^-22 of squared lengths up to 300
        }
        for (const unsigned threads : {2U, 3U}) {
            std::vector<std::uint32_t> again(rows.size());
            assign(rows.view(), centroids.view(), MetricKind::l2, again, {}, {{threads}, {}}).value();
            CHECK(again == nearest);
        }
    }
}

TEST_CASE("assign: rows and centroids with gaps between them", "[train]") {
    const Rows rows = integer_rows(Element::float32, 12, 90, 1);
    const Rows centroids = integer_rows(Element::float32, 12, 30, 2);
    const MatrixView narrow_rows(rows.view().data(), 90, 9, Element::float32, 48);
    const MatrixView narrow_centroids(centroids.view().data(), 30, 9, Element::float32, 48);
    std::vector<std::uint32_t> nearest(90);
    assign(narrow_rows, narrow_centroids, MetricKind::l2, nearest).value();
    for (std::size_t i = 0; i < 90; ++i) {
        std::size_t best = 0;
        const auto distance = [&](std::size_t c) {
            return L2{}.distance(rows.values(i).first(9), centroids.values(c).first(9));
        };
        for (std::size_t c = 1; c < 30; ++c) {
            if (distance(c) < distance(best)) best = c;
        }
        CHECK(nearest[i] == best);
    }
}

TEST_CASE("assign: progress rises to the number of rows", "[train]") {
    const Rows rows = integer_rows(Element::int8, 2, 150'000, 1);
    const Rows centroids = integer_rows(Element::float32, 2, 3, 2);
    std::vector<std::uint32_t> nearest(rows.size());
    std::vector<std::size_t> told;
    assign(rows.view(), centroids.view(), MetricKind::l2, nearest, {},
           {{},
            [&](std::size_t done, std::size_t total) {
                CHECK(total == rows.size());
                told.push_back(done);
            }})
        .value();
    CHECK(told.size() > 1);
    CHECK(std::is_sorted(told.begin(), told.end()));
    CHECK(told.back() == rows.size());
}

TEST_CASE("assign: what it refuses", "[train]") {
    Rows rows = integer_rows(Element::float32, 4, 20, 1);
    Rows centroids = integer_rows(Element::float32, 4, 3, 1);
    std::vector<std::uint32_t> nearest(20);
    std::vector<float> distances(20);
    const auto refused = [&](MetricKind metric = MetricKind::l2) {
        return message_of(assign(rows.view(), centroids.view(), metric, nearest, distances));
    };
    CHECK(refused() == "no error");
    CHECK(refused(MetricKind::cosine) == "expected l2 or ip to assign rows to centroids, got cosine");
    nearest.resize(19);
    CHECK(refused() == "expected room for 20 centroid numbers, got 19");
    nearest.resize(20);
    distances.resize(21);
    CHECK(refused() == "expected room for 20 distances, or none, got 21");
    distances.resize(20);
    rows.set(7, std::vector<float>{0, 0, std::numeric_limits<float>::infinity(), 0});
    CHECK(refused() == "expected finite values in rows, got inf at row 7, column 2");
    rows.set(7, std::vector<float>(4));
    centroids.set(1, std::vector<float>{std::numeric_limits<float>::quiet_NaN(), 0, 0, 0});
    CHECK(refused() == "expected finite values in centroids, got nan at row 1, column 0");
    centroids = integer_rows(Element::int8, 4, 3, 1);
    CHECK(refused() == "expected float32 centroids, got int8");
    centroids = integer_rows(Element::float32, 5, 3, 1);
    CHECK(refused() == "expected centroids of 4 dimensions, as rows have, got 5");
    centroids = Rows(Element::float32, 4, 0);
    CHECK(refused() == "expected at least one row and one dimension in centroids, got 0 rows of 4 dimensions");
    rows = integer_rows(Element::bits, 8, 20, 1);
    CHECK(refused() == "expected rows of numbers, which have a mean, got bits");
}
