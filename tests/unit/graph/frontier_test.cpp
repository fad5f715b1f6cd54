// Frontiers against the plainest model of them: a sorted vector.
#include <tonari/graph/frontier.hpp>

#include <algorithm>
#include <vector>

#include <tonari/core/random.hpp>

#include "support/catch.hpp"

using namespace tonari;

namespace {
struct Entry {
    float distance;
    RowId row;
    bool expanded = false;
};
bool before(const Entry& a, const Entry& b) {
    return nearer(Candidate{a.distance, a.row}, Candidate{b.distance, b.row});
}
}  // namespace

TEST_CASE("frontier: the pool is a sorted vector cut at ef", "[graph]") {
    for (const std::uint64_t seed : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U}) {
        CAPTURE(seed);
        Random random(seed);
        const std::size_t ef = 1 + random.below(40);
        PoolFrontier pool;
        pool.reset(ef);
        std::vector<Entry> model;
        std::size_t wrong = 0;
        RowId row = 0;
        for (int i = 0; i < 3000; ++i) {
            if (random.below(3) != 0) {
                const auto distance = static_cast<float>(random.below(50)) - 10;  // ties and negative ones
                pool.offer(row, distance, distance);
                model.push_back({distance, row});
                std::sort(model.begin(), model.end(), before);
                if (model.size() > ef) model.pop_back();
                ++row;
            } else {
                const auto next = std::find_if(model.begin(), model.end(), [](const Entry& e) { return !e.expanded; });
                wrong += pool.peek() == (next == model.end() ? no_row : next->row) ? 0 : 1;
                const auto popped = pool.pop();
                wrong += popped.has_value() == (next != model.end()) ? 0 : 1;
                if (popped && next != model.end()) {
                    wrong += *popped == next->row ? 0 : 1;
                    next->expanded = true;
                }
            }
            wrong +=
                pool.bound() == (model.size() == ef ? model.back().distance : std::numeric_limits<float>::infinity())
                    ? 0
                    : 1;
        }
        const auto answers = pool.answers();
        REQUIRE(answers.size() == model.size());
        for (std::size_t i = 0; i < model.size(); ++i) {
            wrong += row_of(answers[i]) == model[i].row && distance_of(answers[i]) == model[i].distance ? 0 : 1;
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("frontier: the heap walks through rows that do not pass and answers those that do", "[graph]") {
    std::vector<OrderedKey> heap;
    heap.reserve(1000);
    TopK width;
    width.reset(3);
    HeapFrontier frontier(heap, width, [](RowId row) { return row % 2 == 0; });
    for (RowId row = 1; row <= 10; ++row) frontier.offer(row, static_cast<float>(row), static_cast<float>(row));
    CHECK(frontier.bound() == 6);  // rows 2, 4, 6 pass
    std::vector<RowId> order;
    while (const auto row = frontier.pop()) order.push_back(*row);
    CHECK(order == std::vector<RowId>{1, 2, 3, 4, 5, 6});  // beyond 6 nothing can enter
    const auto answers = width.sort();
    REQUIRE(answers.size() == 3);
    CHECK(row_of(answers[2]) == 6);
}

TEST_CASE("frontier: in a range everything within the radius is expanded, the boundary too", "[graph]") {
    std::vector<OrderedKey> heap;
    heap.reserve(1000);
    TopK width;
    width.reset(2);
    TopK in_range;
    in_range.reset(100, 7.0F);
    HeapFrontier frontier(heap, width, in_range, [](RowId) { return true; });
    for (RowId row = 1; row <= 10; ++row) frontier.offer(row, static_cast<float>(row), static_cast<float>(row));
    CHECK(frontier.bound() > 7);  // what lies on the radius is below it
    std::size_t expanded = 0;
    while (frontier.pop()) ++expanded;
    CHECK(expanded >= 7);
    CHECK(in_range.sort().size() == 7);
}
