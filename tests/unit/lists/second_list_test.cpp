// The choice of second lists, beside its definition in double.
#include <tonari/lists/second_list.hpp>

#include <cmath>
#include <vector>

#include "support/catch.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

std::vector<double> directed(std::span<const float> row, bool by_direction) {
    std::vector<double> out(row.begin(), row.end());
    double square = 0;
    for (const double value : out) square += value * value;
    for (double& value : out) value /= by_direction && square > 0 ? std::sqrt(square) : 1;
    return out;
}

/// |r'|^2 + lambda (<r, r'> / |r|)^2
double cost(const std::vector<double>& row, std::span<const float> first, std::span<const float> second) {
    double square = 0, length = 0, product = 0;
    for (std::size_t d = 0; d < row.size(); ++d) {
        const double r = row[d] - double{first[d]}, other = row[d] - double{second[d]};
        square += other * other, length += r * r, product += r * other;
    }
    return square + (length > 0 ? double{SecondList::lambda} * product * product / length : 0);
}

std::vector<Neighbor> all_lists(std::size_t count) {
    std::vector<Neighbor> lists;
    for (std::size_t l = 0; l < count; ++l) lists.push_back({static_cast<Id>(l), 0});
    return lists;
}

}  // namespace

TEST_CASE("second list: the least sum, as its definition has it", "[lists]") {
    constexpr Dim dim = 19;
    for (const bool by_direction : {false, true}) {
        const Rows rows = clustered_rows(Element::float32, dim, 300, 1);
        Rows centroids = clustered_rows(Element::float32, dim, 40, 2);
        for (std::size_t c = 0; by_direction && c < centroids.size(); ++c) {
            const auto unit = directed(centroids.values(c), true);
            centroids.set(c, std::vector<float>(unit.begin(), unit.end()));
        }
        SecondList choice(centroids.view(), by_direction);
        std::size_t nearest = 0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const std::vector<double> row = directed(rows.values(i), by_direction);
            const RowId first = static_cast<RowId>(i % centroids.size());
            const std::vector<float> values(rows.values(i).begin(), rows.values(i).end());
            const RowId chosen = choice.choose(values.data(), first, all_lists(centroids.size()));
            REQUIRE(chosen < centroids.size());
            CHECK(chosen != first);
            double least = std::numeric_limits<double>::infinity();
            double shortest = least;
            std::size_t closest = 0;
            for (std::size_t c = 0; c < centroids.size(); ++c) {
                if (c == first) continue;
                least = std::min(least, cost(row, centroids.values(first), centroids.values(c)));
                double square = 0;
                for (std::size_t d = 0; d < dim; ++d) square += std::pow(row[d] - double{centroids.values(c)[d]}, 2);
                if (square < shortest) shortest = square, closest = c;
            }
            CHECK(cost(row, centroids.values(first), centroids.values(chosen)) <= least * (1 + 1e-4));
            nearest += closest == chosen ? 1 : 0;
        }
        CHECK(nearest < rows.size());  // or the term would say nothing
        CHECK(nearest > 0);
    }
}

TEST_CASE("second list: equal lists, rows on centroids, rows of zeros, nothing named", "[lists]") {
    Rows centroids(Element::float32, 2, 4);
    centroids.set(0, std::vector<float>{0, 0});
    centroids.set(1, std::vector<float>{1, 0});
    centroids.set(2, std::vector<float>{0, 1});
    centroids.set(3, std::vector<float>{0, 1});
    SecondList choice(centroids.view(), false);
    const std::vector<float> on_first{0, 0};
    CHECK(choice.choose(on_first.data(), 0, all_lists(4)) == 1);  // all as far: the smallest number
    const std::vector<float> across{0.45F, 0.0F};
    CHECK(choice.choose(across.data(), 0, all_lists(4)) == 1);
    std::vector<Neighbor> first_alone{{3, 0}};
    CHECK(choice.choose(across.data(), 3, first_alone) == 0);
    CHECK(choice.choose(across.data(), 1, {}) == 2);

    // The farther one, in whose direction the first lies not at all, before the nearer one on the other side of the row.
    Rows around(Element::float32, 2, 3);
    around.set(0, std::vector<float>{0, 0});
    around.set(1, std::vector<float>{1, 0});
    around.set(2, std::vector<float>{0.5F, 0.6F});
    SecondList orthogonal(around.view(), false);
    const std::vector<float> between{0.5F, 0};
    CHECK(orthogonal.choose(between.data(), 0, all_lists(3)) == 2);

    // A price outweighs what is nearer.
    const std::vector<float> prices{0, 10, 0, 0.5F};
    SecondList priced(centroids.view(), false, prices);
    CHECK(priced.choose(on_first.data(), 0, all_lists(4)) == 2);
    SecondList directions(centroids.view(), true);
    CHECK(directions.choose(on_first.data(), 1, all_lists(4)) < 4);
}
