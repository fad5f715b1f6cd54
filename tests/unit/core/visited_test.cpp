// What a walk has seen, beside a set of the standard library.
#include <tonari/core/visited.hpp>

#include <set>

#include <tonari/core/random.hpp>

#include "support/catch.hpp"

using namespace tonari;

TEST_CASE("visited set: knows what was inserted since it was cleared", "[core]") {
    for (const std::size_t rows : {1U, 63U, 64U, 65U, 1'000U, 1'024U, 1'088U, 20'000U}) {
        VisitedSet visited;
        visited.reserve(rows);
        Random random(rows);
        // Few rows, so many that each word is touched, and about as many as are remembered one by one.
        for (const std::size_t inserted :
             {std::size_t{1}, rows / 1'024, rows / 1'024 + 1, rows / 1'000, rows / 64, rows, 3 * rows}) {
            visited.clear();
            std::set<RowId> seen;
            std::size_t wrong = 0;
            for (std::size_t i = 0; i < inserted; ++i) {
                const auto row = static_cast<RowId>(random.below(rows));
                wrong += visited.contains(row) != (seen.count(row) > 0) ? 1 : 0;
                wrong += visited.insert(row) != seen.insert(row).second ? 1 : 0;
            }
            for (RowId row = 0; row < rows; ++row) wrong += visited.contains(row) != (seen.count(row) > 0) ? 1 : 0;
            INFO(rows << " rows, " << inserted << " inserted");
            CHECK(wrong == 0);
        }
        visited.clear();
        for (RowId row = 0; row < rows; ++row) REQUIRE(visited.insert(row));
    }
}

TEST_CASE("visited set: makes room for more rows", "[core]") {
    VisitedSet visited;
    visited.reserve(0);
    visited.clear();
    visited.reserve(100);
    CHECK(visited.insert(99));
    visited.reserve(5'000);  // which forgets
    CHECK(visited.insert(99));
    CHECK(visited.insert(4'999));
    visited.reserve(10);  // nothing
    CHECK_FALSE(visited.insert(4'999));
}
