// Rows in second lists: where they stand, and what a scan is told of them.
#include <tonari/lists/spill.hpp>

#include <algorithm>
#include <numeric>
#include <vector>

#include <tonari/core/random.hpp>

#include "support/catch.hpp"

using namespace tonari;

namespace {

struct Lists {
    Partition own;
    Spill spill;
    std::vector<RowId> second;
};

/// Rows in lists of these sizes, each a second time in another one; within a list in descending order, to see that it is kept.
Lists lists_of(const std::vector<std::size_t>& sizes, std::uint64_t seed) {
    Lists made{Partition::create(sizes).value(), {}, {}};
    Random random(seed);
    for (std::size_t row = 0; row < made.own.rows(); ++row) {
        const std::size_t first = made.own.list_of(row);
        made.second.push_back(static_cast<RowId>((first + 1 + random.below(sizes.size() - 1)) % sizes.size()));
    }
    std::vector<RowId> in_order(made.own.rows());
    std::iota(in_order.rbegin(), in_order.rend(), RowId{0});
    made.spill = Spill::create(made.own, made.second, in_order).value();
    return made;
}

}  // namespace

TEST_CASE("spill: every row stands at two places, in its two lists", "[lists]") {
    for (const auto& sizes :
         {std::vector<std::size_t>{5, 0, 2, 0, 0, 7, 0}, {0, 3}, {4, 0, 0}, {1, 1, 1, 1}, {0, 0, 100, 3}}) {
        const Lists lists = lists_of(sizes, sizes.size());
        CHECK(lists.spill.rows() == lists.own.rows());
        VisitedSet met;
        met.reserve(lists.own.rows());
        std::vector<std::vector<std::size_t>> lists_of_row(lists.own.rows());
        std::size_t next = 0;
        for (std::size_t list = 0; list < sizes.size(); ++list) {
            const ListPlaces places = lists.spill.places_of(list, lists.own);
            REQUIRE(places.first == next);
            REQUIRE(places.spilled_from - places.first == sizes[list]);
            const PlacedRows placed = lists.spill.in_list(list, lists.own, met);
            RowId before = no_row;
            for (std::size_t place = places.first; place < places.last; ++place) {
                const RowId row = placed.at(place);
                REQUIRE(row < lists.own.rows());
                CHECK(lists.spill.list_at(place, lists.own) == list);
                lists_of_row[row].push_back(list);
                const bool first = place < places.spilled_from;
                CHECK((lists.own.list_of(row) == list) == first);
                CHECK((lists.spill.place_of(row, lists.own) == place) == first);
                if (!first && place > places.spilled_from) CHECK(row < before);
                before = row;
            }
            next = places.last;
        }
        CHECK(next == 2 * lists.own.rows());
        for (std::size_t row = 0; row < lists_of_row.size(); ++row) {
            const std::size_t first = lists.own.list_of(row);
            std::vector<std::size_t> expected{first, lists.second[row]};
            std::sort(expected.begin(), expected.end());
            CHECK(lists_of_row[row] == expected);
        }
    }
}

TEST_CASE("spill: none is spilled", "[lists]") {
    const std::vector<std::size_t> sizes{3, 0, 4};
    const Partition own = Partition::create(sizes).value();
    const Spill none;
    CHECK(none.empty());
    CHECK(none.rows() == 0);
    CHECK(none.bytes() == 0);
    VisitedSet met;  // is not looked at
    for (std::size_t list = 0; list < 3; ++list) {
        const ListPlaces places = none.places_of(list, own);
        CHECK(std::pair(places.first, places.last) == own.rows_of(list));
        CHECK(places.spilled_from == places.last);
        const PlacedRows placed = none.in_list(list, own, met);
        CHECK(placed.once());
        for (std::size_t place = places.first; place < places.last; ++place) {
            CHECK(placed.at(place) == place);
            CHECK(none.place_of(place, own) == place);
            CHECK(none.list_at(place, own) == list);
            CHECK(placed.take(static_cast<RowId>(place)));
            CHECK(placed.take(static_cast<RowId>(place)));
        }
    }
}

TEST_CASE("spill: a row is taken once, and none that is not there", "[lists]") {
    const std::vector<RowId> rows{2, 77, no_row, 4};
    VisitedSet met;
    met.reserve(5);
    const PlacedRows placed(5, met, 10, 13, rows);  // places 10 to 12 are rows 0 to 2, then those
    CHECK(placed.at(10) == 0);
    CHECK(placed.at(12) == 2);
    CHECK(placed.at(13) == 2);
    CHECK(placed.at(14) == no_row);
    CHECK(placed.at(15) == no_row);
    CHECK(placed.at(16) == 4);
    CHECK(placed.take(2));
    CHECK_FALSE(placed.take(2));
    CHECK_FALSE(placed.take(no_row));
    CHECK(placed.is_new(4));
    CHECK_FALSE(placed.is_new(2));
    RowBitmap passing(5);
    passing.set(2);
    CHECK_FALSE(placed.wants(2, passing));  // it has been taken
    CHECK_FALSE(placed.wants(no_row, passing));
    CHECK_FALSE(placed.any(passing, 10, 17));
    passing.set(4);
    CHECK(placed.wants(4, passing));
    CHECK(placed.any(passing, 10, 17));
    CHECK_FALSE(placed.any(passing, 10, 16));
}
