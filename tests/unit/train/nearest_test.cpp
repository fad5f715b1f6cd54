// The nearest of many centroids: of all of them, and of some for some rows, as arithmetic says.
#include "train/nearest.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include <tonari/core/random.hpp>

#include "support/catch.hpp"
#include "support/oracle.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;
using train::FloatRows;
using train::NearestCentroids;

namespace {

/// Of whole numbers, so that distances are exact: the first of the nearest among some.
std::uint32_t nearest_of(const Rows& rows, std::size_t row, const Rows& centroids, std::span<const std::uint32_t> among,
                         MetricKind metric) {
    const auto distance = definition_of(metric);
    double least = std::numeric_limits<double>::infinity();
    std::uint32_t nearest = 0;
    for (const std::uint32_t c : among) {
        const double value = distance(rows.values(row), centroids.values(c));
        if (value < least) nearest = c;
        least = std::min(least, value);
    }
    return nearest;
}

}  // namespace

TEST_CASE("nearest centroids: among all, and among some for some rows", "[train]") {
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product}) {
        for (const Dim dim : {3U, 20U, 131U}) {
            const Rows rows = integer_rows(Element::float32, dim, 1300, 1);
            const Rows centroids = integer_rows(Element::float32, dim, 200, 2);
            std::vector<float> values;
            for (std::size_t c = 0; c < centroids.size(); ++c) {
                values.insert(values.end(), centroids.values(c).begin(), centroids.values(c).end());
            }
            NearestCentroids find = NearestCentroids::create(metric, dim, centroids.size(), {}, 128).value();
            find.set(values);
            std::vector<std::uint32_t> nearest(rows.size(), 0);
            CHECK(find.find(FloatRows(rows.view()), 0, nearest));
            CHECK_FALSE(find.find(FloatRows(rows.view()), 0, nearest));
            std::vector<std::uint32_t> all(centroids.size());
            std::iota(all.begin(), all.end(), 0U);
            std::size_t wrong = 0;
            for (std::size_t i = 0; i < rows.size(); ++i) {
                wrong += nearest[i] == nearest_of(rows, i, centroids, all, metric) ? 0 : 1;
            }
            CHECK(wrong == 0);
            if (!find.finds_among()) continue;  // a level without block kernels
            Random random(3);
            for (const std::size_t count : {1U, 31U, 32U, 33U, 1200U}) {
                for (const std::size_t of : {1U, 7U, 128U}) {
                    std::vector<RowId> some;  // in no order
                    for (std::size_t i = 0; i < count; ++i) some.push_back(static_cast<RowId>((i * 7 + of) % 1300));
                    std::vector<std::uint32_t> among;
                    while (among.size() < of) {
                        const auto c = static_cast<std::uint32_t>(random.below(centroids.size()));
                        if (std::find(among.begin(), among.end(), c) == among.end()) among.push_back(c);
                    }
                    std::sort(among.begin(), among.end());
                    std::vector<std::uint32_t> found = nearest;
                    std::vector<std::uint32_t> expected = nearest;
                    for (const RowId row : some) expected[row] = nearest_of(rows, row, centroids, among, metric);
                    CHECK(find.find_among(0, FloatRows(rows.view()), some, among, found) == (expected != nearest));
                    CHECK(found == expected);
                    CHECK_FALSE(find.find_among(0, FloatRows(rows.view()), some, among, found));
                }
            }
        }
    }
}
