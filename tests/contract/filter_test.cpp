// The contract of filters, for every model: whatever passes and only that, exactly min(k, passing) answers.
#include <set>

#include "contract/models.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr Dim dim = 16;
constexpr std::size_t n = 600;

/// Searches under `filter` and compares with the oracle over the ids that `passes`.
std::size_t mistakes(const Model& model, const Index& index, const Rows& rows, std::span<const Id> ids,
                     const Rows& queries, const Filter& filter, const std::function<bool(Id)>& passes) {
    const RowFilter prepared = index.prepare(filter).value();
    std::size_t wrong = 0;
    const auto passing = static_cast<std::size_t>(std::count_if(ids.begin(), ids.end(), passes));
    TONARI_EXPECT(wrong, prepared.passing == passing);
    Searcher search = index.searcher();
    for (std::size_t q = 0; q < queries.size(); ++q) {
        const auto truth = all_sorted(model.distance_over(rows), rows, ids, queries.values(q), passes);
        for (const std::size_t k : {std::size_t{1}, std::size_t{10}, n, 2 * n}) {
            const Nearest nearest = search(queries.row(q), {.k = k, .ef = 64, .filter = &prepared}).value();
            TONARI_EXPECT(wrong, nearest.size() == std::min(k, passing));
            TONARI_EXPECT(wrong, well_formed(nearest.neighbors));
            TONARI_EXPECT(wrong,
                          std::all_of(nearest.begin(), nearest.end(), [&](const Neighbor& x) { return passes(x.id); }));
            if (nearest.outcome.exact || k >= passing) {
                TONARI_EXPECT(
                    wrong, same_as_oracle(nearest.neighbors, truth, k, model.integer_tolerance()) ||
                               (!model.exact && recall(nearest.neighbors, truth, k, model.integer_tolerance()) == 1));
            }
            TONARI_EXPECT(wrong, !model.exact || nearest.outcome.exact);
        }
    }
    return wrong;
}

}  // namespace

TEST_CASE("filter: lists, bitmaps and predicates of any share", "[contract]") {
    for (const Model& model : all_models()) {
        const Rows rows = integer_rows(model.element, dim, n, 20);
        const Rows queries = integer_rows(model.element, dim, 5, 21);
        const std::vector<Id> ids = scattered_ids(n);
        const Index index = model.built(rows, ids, quick_build());

        for (const std::size_t share : {0U, 1U, 3U, 50U, 300U, 599U, 600U}) {  // how many pass
            INFO(model.name << ", " << share << " of " << n << " pass");
            std::vector<Id> listed(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(share));
            const auto passes = [&](Id id) { return std::find(listed.begin(), listed.end(), id) != listed.end(); };
            std::vector<Id> given = listed;
            given.insert(given.end(), {5'000'000, -3, 0});  // ids that the index does not hold
            if (!listed.empty()) given.push_back(listed.front());
            CHECK(mistakes(model, index, rows, ids, queries, Filter::ids(given), passes) == 0);

            std::vector<std::uint64_t> words(2000 / 64);
            for (const Id id : listed) words[static_cast<std::size_t>(id) / 64] |= std::uint64_t{1} << (id % 64);
            CHECK(mistakes(model, index, rows, ids, queries, Filter::bitmap(words), passes) == 0);
            CHECK(mistakes(model, index, rows, ids, queries, Filter::predicate(passes), passes) == 0);
        }
    }
}

TEST_CASE("filter: ids beyond a bitmap do not pass, an empty one lets none through", "[contract]") {
    const Rows rows = integer_rows(Element::float32, dim, n, 22);
    for (const char* spec : {"Flat", "HNSW16"}) {
        const Index index = build(spec, MetricKind::l2, rows.view()).value();
        const std::vector<std::uint64_t> words = {0, 0b101};  // ids 64 and 66
        const RowFilter few = index.prepare(Filter::bitmap(words)).value();
        const Answer nearest = ask(index, rows.row(0), {.k = 10, .filter = &few}).value();
        REQUIRE(nearest.size() == 2);
        CHECK(std::set<Id>{nearest[0].id, nearest[1].id} == std::set<Id>{64, 66});
        const RowFilter none = index.prepare(Filter::bitmap({})).value();
        CHECK(ask(index, rows.row(0), {.filter = &none}).value().size() == 0);
        CHECK(ask(index, rows.row(0), {.filter = &none}).value().outcome.complete);
        const RowFilter empty_list = index.prepare(Filter::ids({})).value();
        CHECK(empty_list.passing == 0);
    }
}

TEST_CASE("filter: where the nearest rows do not pass, the walk goes on", "[contract]") {
    // Rows on a line; only the far end passes. A walk that stops at its first ef candidates would find none.
    const std::size_t rows_on_line = 3000;
    Rows rows(Element::float32, 4, rows_on_line);
    for (std::size_t i = 0; i < rows_on_line; ++i) rows.set(i, std::vector<float>{static_cast<float>(i), 0, 0, 0});
    const Index index = build("HNSW8", MetricKind::l2, rows.view(), {}, quick_build()).value();
    for (const Id from : {2990, 2900, 2000, 100}) {
        const RowFilter far = index.prepare(Filter::predicate([&](Id id) { return id >= from; })).value();
        const Answer nearest = ask(index, rows.row(0), {.k = 10, .ef = 10, .filter = &far}).value();
        REQUIRE(nearest.size() == 10);
        CHECK(nearest[0].id == from);
        CHECK(nearest[9].id == from + 9);
    }
}

TEST_CASE("filter: serves a batch, on several threads too", "[contract]") {
    for (const Model& model : some_models()) {
        INFO(model.name);
        const Rows rows = clustered_rows(model.element, dim, n, 23);
        const Rows queries = clustered_rows(model.element, dim, 40, 24);
        const Index index = model.built(rows, {}, quick_build());
        const RowFilter even = index.prepare(Filter::predicate([](Id id) { return id % 2 == 0; })).value();
        const Answers one = index.search(queries.view(), {.k = 7, .filter = &even}).value();
        const Answers two = index.search(queries.view(), {.k = 7, .filter = &even, .threads = {2}}).value();
        CHECK(one.ids == two.ids);
        CHECK(one.distances == two.distances);
        Searcher search = index.searcher();
        std::size_t wrong = 0;
        for (std::size_t q = 0; q < queries.size(); ++q) {
            TONARI_EXPECT(wrong, identical(answer_of(one, q),
                                           search(queries.row(q), {.k = 7, .filter = &even}).value().neighbors));
            TONARI_EXPECT(wrong, one.counts[q] == 7);
        }
        CHECK(wrong == 0);
    }
}
