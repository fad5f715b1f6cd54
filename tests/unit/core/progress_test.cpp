// Parts of a long call make one progress.
#include <tonari/core/progress.hpp>

#include <utility>
#include <vector>

#include "support/catch.hpp"

using namespace tonari;

TEST_CASE("progress: parts follow one another to the end of the whole", "[core]") {
    std::vector<std::pair<std::size_t, std::size_t>> told;
    const ProgressFunction whole = [&](std::size_t done, std::size_t total) { told.emplace_back(done, total); };
    const ProgressFunction first = progress_between(whole, 1000, 0, 0.1);
    const ProgressFunction second = progress_between(whole, 1000, 0.1, 1);
    first(1, 2);
    first(2, 2);
    second(0, 7);
    second(7, 7);
    CHECK(told == std::vector<std::pair<std::size_t, std::size_t>>{{50, 1000}, {100, 1000}, {100, 1000}, {1000, 1000}});
}

TEST_CASE("progress: nobody asked, nothing is told", "[core]") {
    const ProgressFunction nobody;
    CHECK_FALSE(progress_between(nobody, 1000, 0, 1));
}
