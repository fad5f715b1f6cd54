// The contract of deadlines: one that has passed stops the search, which answers what it has and says so; one far away
// changes nothing.
#include "contract/models.hpp"

using namespace tonari;
using namespace tonari::test;

TEST_CASE("deadline: passed before the search began", "[contract]") {
    const Deadline past(Clock::now() - std::chrono::hours(1));
    for (const Model& model : some_models()) {
        INFO(model.name);
        const Rows rows = clustered_rows(model.element, 16, 2000, 60);
        const Index index = model.built(rows, {}, quick_build());
        const RowFilter most = index.prepare(Filter::predicate([](Id id) { return id % 10 != 0; })).value();
        const RowFilter few = index.prepare(Filter::predicate([](Id id) { return id % 10 == 0; })).value();
        Searcher search = index.searcher();
        const auto stopped = [&](const Nearest& nearest) {
            CHECK_FALSE(nearest.outcome.complete);
            CHECK_FALSE(nearest.outcome.exact);
            CHECK(nearest.size() <= 10);
            CHECK(well_formed(nearest.neighbors));
            CHECK(nearest.outcome.distances < rows.size());
        };
        for (const RowFilter* filter : {static_cast<const RowFilter*>(nullptr), &most, &few}) {
            stopped(search(rows.row(0), {.filter = filter, .deadline = past}).value());
            stopped(
                search.range(rows.row(0), {.radius = 1e30F, .cap = 10, .filter = filter, .deadline = past}).value());
        }
        // More than a few queries, so that exact indexes take their way for batches.
        const Answers answers = index.search(rows.view().slice(0, 50), {.deadline = past}).value();
        CHECK(std::none_of(answers.outcomes.begin(), answers.outcomes.end(),
                           [](const Outcome& o) { return o.complete; }));
        const RangeAnswers ranges =
            index.range_search(rows.view().slice(0, 50), {.radius = 1e30F, .deadline = past}).value();
        CHECK(
            std::none_of(ranges.outcomes.begin(), ranges.outcomes.end(), [](const Outcome& o) { return o.complete; }));
    }
}

TEST_CASE("deadline: far away, it changes nothing", "[contract]") {
    const Deadline far = Deadline::after(std::chrono::hours(24));
    for (const Model& model : some_models()) {
        INFO(model.name);
        const Rows rows = clustered_rows(model.element, 16, 1000, 61);
        const Index index = model.built(rows, {}, quick_build());
        const Answers with = index.search(rows.view().slice(0, 20), {.deadline = far}).value();
        const Answers without = index.search(rows.view().slice(0, 20)).value();
        CHECK(with.ids == without.ids);
        CHECK(with.distances == without.distances);
        CHECK(std::all_of(with.outcomes.begin(), with.outcomes.end(), [](const Outcome& o) { return o.complete; }));
    }
}
