// The contract of range search, for every model: all rows within the radius, the boundary included, nearest first;
// the cap cuts from the far end and says so.
#include <limits>

#include "contract/models.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {
constexpr Dim dim = 16;
constexpr std::size_t n = 600;
constexpr float infinity = std::numeric_limits<float>::infinity();
}  // namespace

TEST_CASE("range: everything within the radius, and nothing else", "[contract]") {
    for (const Model& model : all_models()) {
        INFO(model.name);
        const Rows rows = integer_rows(model.element, dim, n, 30);
        const Rows queries = integer_rows(model.element, dim, 8, 31);
        const std::vector<Id> ids = scattered_ids(n);
        const Index index = model.built(rows, ids, quick_build());
        Searcher search = index.searcher();
        std::size_t wrong = 0;
        std::size_t wanted = 0;
        std::size_t found = 0;
        for (std::size_t q = 0; q < queries.size(); ++q) {
            const auto truth = all_sorted(model.distance_over(rows), rows, ids, queries.values(q));
            const float nudge = model.integer_tolerance() * 4;
            for (const std::size_t rank : {0U, 5U, 40U, 300U, 599U}) {
                const float radius = truth[rank].distance + nudge;  // a row lies exactly on it
                const auto within = static_cast<std::size_t>(
                    std::count_if(truth.begin(), truth.end(), [&](const Neighbor& t) { return t.distance <= radius; }));
                const Nearest nearest = search.range(queries.row(q), {.radius = radius}).value();
                TONARI_EXPECT(wrong, well_formed(nearest.neighbors));
                TONARI_EXPECT(wrong, !nearest.outcome.truncated && nearest.outcome.complete);
                TONARI_EXPECT(wrong, nearest.size() <= within);
                if (model.exact)
                    TONARI_EXPECT(wrong, same_as_oracle(nearest.neighbors, truth, within, model.integer_tolerance()));
                for (const Neighbor& neighbor : nearest) TONARI_EXPECT(wrong, neighbor.distance <= radius);
                wanted += within;
                found += nearest.size();
            }
            TONARI_EXPECT(wrong,
                          search.range(queries.row(q), {.radius = truth[0].distance - 0.5F}).value().size() == 0);
            TONARI_EXPECT(wrong, search.range(queries.row(q), {.radius = -infinity}).value().size() == 0);
            for (const float huge : {1e30F, infinity}) {
                TONARI_EXPECT(wrong, same_as_oracle(search.range(queries.row(q), {.radius = huge}).value().neighbors,
                                                    truth, n, model.integer_tolerance()));
            }
        }
        CHECK(wrong == 0);
        INFO("found " << found << " of " << wanted);
        CHECK(static_cast<double>(found) >= (model.exact ? 1.0 : 0.98) * static_cast<double>(wanted));
    }
}

TEST_CASE("range: the cap keeps the nearest and says that it cut", "[contract]") {
    for (const Model& model : all_models()) {
        INFO(model.name);
        const Rows rows = integer_rows(model.element, dim, n, 32);
        const Rows queries = integer_rows(model.element, dim, 5, 33);
        const Index index = model.built(rows, {}, quick_build());
        Searcher search = index.searcher();
        std::size_t wrong = 0;
        for (std::size_t q = 0; q < queries.size(); ++q) {
            const auto truth = all_sorted(model.distance_over(rows), rows, {}, queries.values(q));
            for (const std::size_t cap : {std::size_t{1}, std::size_t{20}, n - 1}) {
                const Nearest nearest = search.range(queries.row(q), {.radius = infinity, .cap = cap}).value();
                TONARI_EXPECT(wrong,
                              nearest.outcome.truncated && nearest.size() == cap && well_formed(nearest.neighbors));
                if (model.exact)
                    TONARI_EXPECT(wrong, same_as_oracle(nearest.neighbors, truth, cap, model.integer_tolerance()));
                // A capped walk keeps to the near ones; it may miss a few, as any walk.
                TONARI_EXPECT(wrong, recall(nearest.neighbors, truth, cap, model.integer_tolerance()) >=
                                         (model.exact ? 1.0 : 0.8));
            }
            for (const std::size_t cap : {n, n + 1, 100 * n, std::numeric_limits<std::size_t>::max()}) {
                const Nearest nearest = search.range(queries.row(q), {.radius = infinity, .cap = cap}).value();
                TONARI_EXPECT(wrong, !nearest.outcome.truncated && nearest.size() == n);
            }
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("range: filters hold there, too", "[contract]") {
    for (const Model& model : all_models()) {
        INFO(model.name);
        const Rows rows = integer_rows(model.element, dim, n, 34);
        const Rows queries = integer_rows(model.element, dim, 5, 35);
        const Index index = model.built(rows, {}, quick_build());
        Searcher search = index.searcher();
        std::size_t wrong = 0;
        for (const Id every : {1, 2, 100, 1000}) {
            const auto passes = [&](Id id) { return id % every == every / 2; };
            const RowFilter filter = index.prepare(Filter::predicate(passes)).value();
            for (std::size_t q = 0; q < queries.size(); ++q) {
                const auto truth = all_sorted(model.distance_over(rows), rows, {}, queries.values(q), passes);
                const Nearest all = search.range(queries.row(q), {.radius = infinity, .filter = &filter}).value();
                TONARI_EXPECT(wrong, same_as_oracle(all.neighbors, truth, n, model.integer_tolerance()));
                if (truth.size() < 2) continue;
                const Nearest capped =
                    search.range(queries.row(q), {.radius = infinity, .cap = 1, .filter = &filter}).value();
                TONARI_EXPECT(wrong, capped.size() == 1 && capped.outcome.truncated && passes(capped[0].id));
            }
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("range: a batch is its queries one by one", "[contract]") {
    for (const Model& model : some_models()) {
        INFO(model.name);
        const Rows rows = clustered_rows(model.element, dim, n, 36);
        const Rows queries = clustered_rows(model.element, dim, 50, 37);
        const Index index = model.built(rows, {}, quick_build());
        Searcher search = index.searcher();
        const float radius = search(queries.row(0), {.k = 30}).value()[29].distance;
        const RangeAnswers one = index.range_search(queries.view(), {.radius = radius, .cap = 100}).value();
        const RangeAnswers two =
            index.range_search(queries.view(), {.radius = radius, .cap = 100, .threads = {2}}).value();
        CHECK(one.offsets == two.offsets);
        CHECK(one.ids == two.ids);
        CHECK(one.distances == two.distances);
        REQUIRE(one.offsets.size() == queries.size() + 1);
        std::size_t wrong = 0;
        for (std::size_t q = 0; q < queries.size(); ++q) {
            const Nearest alone = search.range(queries.row(q), {.radius = radius, .cap = 100}).value();
            TONARI_EXPECT(wrong, identical(answer_of(one, q), alone.neighbors));
            TONARI_EXPECT(wrong, one.outcomes[q].truncated == alone.outcome.truncated);
        }
        CHECK(wrong == 0);
    }
}
