// The contract of cursors, for every model: the first batch is what a search answers; asked to the end, every id that may
// be answered comes exactly once; each batch is in order, and `late` counts the ids that broke the order between batches.
#include <set>

#include "contract/models.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr Dim dim = 16;

struct Drained {
    std::vector<Neighbor> all;
    std::size_t fallen = 0;  ///< ids nearer than the farthest of the batches before
    bool ordered = true;     ///< within each batch
};

Drained drain(Cursor& cursor, const std::vector<std::size_t>& sizes) {
    Drained drained;
    float farthest = -std::numeric_limits<float>::infinity();
    for (std::size_t i = 0; !cursor.done(); ++i) {
        const std::size_t n = sizes[i % sizes.size()];
        const Nearest batch = cursor.next(n).value();
        REQUIRE((batch.size() == n || cursor.done()));
        if (batch.size() == 0) break;
        drained.ordered = drained.ordered && well_formed(batch.neighbors) && batch.outcome.complete;
        for (const Neighbor& neighbor : batch) drained.fallen += neighbor.distance < farthest ? 1 : 0;
        farthest = std::max(farthest, batch[batch.size() - 1].distance);
        drained.all.insert(drained.all.end(), batch.begin(), batch.end());
    }
    REQUIRE(cursor.next(7).value().size() == 0);  // the end stays the end
    return drained;
}

std::multiset<Id> ids_of(std::span<const Neighbor> neighbors) {
    std::multiset<Id> ids;
    for (const Neighbor& neighbor : neighbors) ids.insert(neighbor.id);
    return ids;
}

}  // namespace

TEST_CASE("cursor: the first batch is what a search answers", "[contract]") {
    for (const Model& model : all_models()) {
        INFO(model.name);
        // A refined graph about mapped rows is walked by the rows as given, for which no other index has its links.
        const auto spec = parse_spec(model.spec);
        if (spec && spec->transform && spec->fine && spec->kind == IndexKind::hnsw) continue;
        const Rows rows = clustered_rows(model.element, dim, 1500, 120);
        const Rows queries = clustered_rows(model.element, dim, 20, 121);
        const Index index = model.built(rows, scattered_ids(rows.size()), quick_build());
        // Over a refined graph a cursor walks by the rows as given, where a search walks by their codes: as over the graph
        // that is not coded, which has the same links.
        const bool fused = model.spec.starts_with("HNSW") && model.spec.find(",RaBitQ,") != std::string::npos;
        const bool by_rows = model.spec.starts_with("HNSW") && model.spec.ends_with("RFlat") && !fused;
        const Index walked = by_rows
                                 ? any_model(model.spec.substr(0, model.spec.find(',')), model.metric, model.element)
                                       .built(rows, scattered_ids(rows.size()), quick_build())
                                 : index;
        Searcher search = walked.searcher();
        // A fused graph has more links than the one that is not coded; where anything may pass, a search walks it by its rows.
        const RowFilter anything = index.prepare(Filter::predicate([](Id) { return true; })).value();
        std::size_t wrong = 0;
        for (std::size_t q = 0; q < queries.size(); ++q) {
            for (const auto& [n, ef] : {std::pair<std::size_t, std::size_t>{10, 64}, {1, 1}, {40, 20}}) {
                const std::vector<Neighbor> found =
                    copy(search(queries.row(q), {.k = n, .ef = ef, .filter = fused ? &anything : nullptr}).value());
                Cursor cursor = index.cursor(queries.row(q), {.ef = ef}).value();
                const Nearest batch = cursor.next(n).value();
                TONARI_EXPECT(wrong, batch.size() == n && well_formed(batch.neighbors) && batch.outcome.complete);
                TONARI_EXPECT(wrong, batch.outcome.distances > 0 && cursor.late() == 0);
                // A cursor goes on along ties that a search's full queue turns away, so it may find more, never less.
                const bool ties =
                    model.rounds || (model.element != Element::float32 && model.element != Element::float16);
                const bool same = identical(batch.neighbors, found);
                TONARI_EXPECT(wrong, same || (ties && batch[n - 1].distance <= found[n - 1].distance));
            }
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("cursor: asked to the end, every id comes exactly once", "[contract]") {
    for (const Model& model : all_models()) {
        INFO(model.name);
        const Rows rows = clustered_rows(model.element, dim, 600, 122);
        const Rows queries = clustered_rows(model.element, dim, 3, 123);
        const std::vector<Id> ids = scattered_ids(rows.size());
        const Index index = model.built(rows, ids, quick_build());
        std::size_t wrong = 0;
        for (std::size_t q = 0; q < queries.size(); ++q) {
            const auto truth = all_sorted(model.distance_over(rows), rows, ids, queries.values(q));
            for (const std::vector<std::size_t>& sizes :
                 {std::vector<std::size_t>{1}, {10}, {64, 3, 200}, {600}, {100'000}}) {
                Cursor cursor = index.cursor(queries.row(q), {.ef = 16}).value();
                const Drained drained = drain(cursor, sizes);
                TONARI_EXPECT(wrong, drained.ordered && cursor.done());
                TONARI_EXPECT(wrong, ids_of(drained.all) == ids_of(truth));
                TONARI_EXPECT(wrong, drained.fallen == cursor.late());
                if (model.exact) TONARI_EXPECT(wrong, cursor.late() == 0);
                if (model.exact) {
                    TONARI_EXPECT(wrong, same_as_oracle(drained.all, truth, truth.size(), model.tolerance()));
                }
                // Strict: the same, less the late ones; distances never fall.
                Cursor strict = index.cursor(queries.row(q), {.ef = 16, .strict = true}).value();
                const Drained rest = drain(strict, sizes);
                TONARI_EXPECT(wrong, rest.ordered && rest.fallen == 0);
                TONARI_EXPECT(wrong, rest.all.size() + strict.late() == rows.size());
            }
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("cursor: only what a filter passes comes, and all of it", "[contract]") {
    for (const Model& model : all_models()) {
        INFO(model.name);
        const Rows rows = clustered_rows(model.element, dim, 900, 124);
        const std::vector<Id> ids = scattered_ids(rows.size());
        const Index index = model.built(rows, ids, quick_build());
        std::size_t wrong = 0;
        for (const Id share : {Id{2}, Id{40}, Id{1'000'000'007}}) {
            const auto passes = [&](Id id) { return id % share == 0; };
            const RowFilter filter = index.prepare(Filter::predicate(passes)).value();
            std::multiset<Id> expected;
            for (const Id id : ids) {
                if (passes(id)) expected.insert(id);
            }
            Cursor cursor = index.cursor(rows.row(5), {.ef = 10, .filter = &filter}).value();
            const Drained drained = drain(cursor, {7});
            TONARI_EXPECT(wrong, drained.ordered && ids_of(drained.all) == expected);
            TONARI_EXPECT(wrong, drained.fallen == cursor.late());
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("cursor: equal rows come in the order of their ids, across batches", "[contract]") {
    for (const Model& model : some_models()) {
        INFO(model.name);
        Rows rows = clustered_rows(model.element, dim, 400, 125);
        for (std::size_t i = 0; i < 400; i += 2) rows.set(i, rows, 100);
        const Index index = model.built(rows, {}, quick_build());
        Cursor cursor = index.cursor(rows.row(100)).value();
        std::vector<Neighbor> all;
        while (!cursor.done()) {
            const Nearest batch = cursor.next(3).value();
            all.insert(all.end(), batch.begin(), batch.end());
        }
        CHECK(ids_of(all).size() == rows.size());
        std::vector<Id> copies;
        for (const Neighbor& neighbor : all) {
            if (neighbor.id % 2 == 0) copies.push_back(neighbor.id);
        }
        CHECK(copies.size() == 200);
        CHECK(std::is_sorted(copies.begin(), copies.end()));
    }
}

TEST_CASE("cursor: strict keeps what a walk has not come to for later", "[contract]") {
    for (const Model& model : some_models()) {
        if (model.exact) continue;
        INFO(model.name);
        const Rows rows = clustered_rows(model.element, dim, 2000, 130);
        const Rows queries = clustered_rows(model.element, dim, 20, 131);
        const Index index = model.built(rows, {}, quick_build());
        double loose = 0;
        double strict = 0;
        for (std::size_t q = 0; q < queries.size(); ++q) {
            const auto truth = all_sorted(model.distance_over(rows), rows, {}, queries.values(q));
            for (const bool drop : {false, true}) {
                Cursor cursor = index.cursor(queries.row(q), {.ef = 4, .strict = drop}).value();
                std::vector<Neighbor> all;
                while (all.size() < 60 && !cursor.done()) {
                    for (const Neighbor& neighbor : cursor.next(2).value()) all.push_back(neighbor);
                }
                (drop ? strict : loose) += recall(all, truth, 60, model.tolerance());
            }
        }
        INFO("loose " << loose << ", strict " << strict);
        CHECK(strict > 0.7 * loose);
    }
}

TEST_CASE("cursor: exact ones say so of every batch, and know their end", "[contract]") {
    for (const Model& model : all_models()) {
        INFO(model.name);
        const Rows rows = integer_rows(model.element, dim, 300, 132);
        const Index index = model.built(rows, {}, quick_build());
        const RowFilter half = index.prepare(Filter::predicate([](Id id) { return id % 2 == 0; })).value();
        Cursor all = index.cursor(rows.row(0)).value();
        std::size_t wrong = 0;
        for (std::size_t got = 0; got < 300; got += 3) {
            TONARI_EXPECT(wrong, !all.done());
            const Nearest batch = all.next(3).value();
            TONARI_EXPECT(wrong, batch.size() == 3 && (!model.exact || batch.outcome.exact));
        }
        TONARI_EXPECT(wrong, all.done());
        Cursor some = index.cursor(rows.row(0), {.filter = &half}).value();
        TONARI_EXPECT(wrong, some.next(150).value().size() == 150 && some.done());
        CHECK(wrong == 0);
    }
}

TEST_CASE("cursor: a deadline ends a batch, not the cursor", "[contract]") {
    const Deadline past(Clock::now() - std::chrono::hours(1));
    for (const Model& model : some_models()) {
        INFO(model.name);
        const Rows rows = clustered_rows(model.element, dim, 1000, 126);
        const Index index = model.built(rows, {}, quick_build());
        const RowFilter few = index.prepare(Filter::predicate([](Id id) { return id % 9 == 0; })).value();
        for (const RowFilter* filter : {static_cast<const RowFilter*>(nullptr), &few}) {
            Cursor cursor = index.cursor(rows.row(0), {.filter = filter}).value();
            const Nearest first = cursor.next(1000, past).value();
            CHECK((filter != nullptr || !first.outcome.complete));
            std::multiset<Id> ids = ids_of(first.neighbors);
            for (std::size_t calls = 0; !cursor.done(); ++calls) {
                REQUIRE(calls < 2000);  // each goes on a little
                ids.merge(ids_of(cursor.next(50, past).value().neighbors));
            }
            CHECK(ids.size() == (filter == nullptr ? 1000 : 112));
            CHECK(std::set<Id>(ids.begin(), ids.end()).size() == ids.size());
        }
    }
}

TEST_CASE("cursor: bad questions are refused, and it outlives the index's handle", "[contract]") {
    for (const Model& model : some_models()) {
        INFO(model.name);
        const Rows rows = clustered_rows(model.element, dim, 100, 127);
        const auto cursor = [&] {
            const Index index = model.built(rows, {}, quick_build());
            const Index other = model.built(rows, {}, quick_build());
            const RowFilter foreign = other.prepare(Filter::predicate([](Id) { return true; })).value();
            const Rows longer = clustered_rows(model.element, 24, 1, 128);
            const auto refused = [](const Result<Cursor>& result, std::string_view word) {
                REQUIRE_FALSE(result.ok());
                CHECK(result.error().code == ErrorCode::invalid_argument);
                CHECK(result.error().message.find(word) != std::string::npos);
            };
            refused(index.cursor(longer.row(0)), "got 24");
            refused(index.cursor(rows.row(0), {.ef = 0}), "ef of at least 1");
            refused(index.cursor(rows.row(0), {.filter = &foreign}), "filter");
            return index.cursor(rows.row(0)).value();
        };
        Cursor kept = cursor();
        CHECK(kept.next(0).error().message.find("n of at least 1") != std::string::npos);
        Cursor moved = std::move(kept);
        CHECK(moved.next(100).value().size() == 100);
        CHECK(moved.done());
        CHECK(kept.done());  // NOLINT(bugprone-use-after-move): it says so
        CHECK(kept.next(1).error().message.find("moved from") != std::string::npos);
        CHECK(kept.late() == 0);
        moved = cursor();  // the old one goes first, then its index
        CHECK_FALSE(moved.done());
    }
}

TEST_CASE("cursor: of a growing index, the moment at which it was made", "[contract]") {
    const Rows rows = clustered_rows(Element::float32, dim, 2000, 129);
    for (const bool lists : {false, true}) {
        GrowingIndex index = lists ? grow("IVF20,Flat", MetricKind::l2, rows.view().slice(0, 1000)).value()
                                   : grow("HNSW8", MetricKind::l2, Element::float32, dim, quick_build()).value();
        const auto ids_from = [](Id first, Id last) {
            std::vector<Id> ids;
            for (Id id = first; id < last; ++id) ids.push_back(id);
            return ids;
        };
        if (!lists) REQUIRE(index.add(rows.view().slice(0, 1000), ids_from(0, 1000)).ok());
        Cursor cursor = index.cursor(rows.row(0), {.ef = 20, .nprobe = 3}).value();
        std::multiset<Id> ids = ids_of(cursor.next(100).value().neighbors);
        // All that it has not answered goes, and as many others come, into places of their own while the cursor looks.
        REQUIRE(index.remove(ids_from(0, 900)).ok());
        REQUIRE(index.add(rows.view().slice(1000, 1000), ids_from(1000, 2000)).ok());
        CHECK_FALSE(index.tidy());
        while (!cursor.done()) ids.merge(ids_of(cursor.next(100).value().neighbors));
        CHECK(ids == [&] {
            const std::vector<Id> all = ids_from(0, 1000);
            return std::multiset<Id>(all.begin(), all.end());
        }());
        Cursor later = index.cursor(rows.row(0)).value();
        CHECK(later.next(5000).value().size() == 1100);
        {
            const Cursor gone = std::move(cursor);
        }
        later = index.cursor(rows.row(0)).value();
        CHECK_FALSE(later.done());
    }
}

TEST_CASE("cursor: of an empty growing index", "[contract]") {
    const GrowingIndex index = grow("HNSW8", MetricKind::l2, Element::float32, 4).value();
    const std::vector<float> query(4, 0.0F);
    Cursor cursor = index.cursor(query).value();
    CHECK(cursor.next(3).value().size() == 0);
    CHECK(cursor.done());
}
