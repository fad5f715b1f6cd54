// The contract of a k-nearest search, for every model: exactly min(k, n) answers, ordered by (distance, id), no id
// twice; Flat is the oracle; graphs find nearly everything that the oracle finds.
#include "contract/models.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {
constexpr Dim dim = 24;
}

TEST_CASE("search: exact indexes give the oracle's answers", "[contract]") {
    for (const Model& model : all_models()) {
        if (!model.exact) continue;
        INFO(model.name);
        std::size_t wrong = 0;
        // Whole numbers: full of ties, and bit for bit the oracle's. 700 rows: several kernel blocks and a tail.
        const Rows rows = integer_rows(model.element, dim, 700, 1);
        const Rows queries = integer_rows(model.element, dim, 20, 2);
        const std::vector<Id> ids = scattered_ids(rows.size(), true);
        const Index index = model.built(rows, ids);
        Searcher search = index.searcher();
        for (std::size_t q = 0; q < queries.size(); ++q) {
            const auto truth = all_sorted(model.distance_over(rows), rows, ids, queries.values(q));
            for (const std::size_t k : {1U, 10U, 700U}) {
                const Nearest nearest = search(queries.row(q), {.k = k}).value();
                TONARI_EXPECT(wrong, same_as_oracle(nearest.neighbors, truth, k, model.integer_tolerance()));
                TONARI_EXPECT(wrong, nearest.outcome.complete && nearest.outcome.exact && !nearest.outcome.truncated);
                TONARI_EXPECT(wrong, nearest.outcome.distances == rows.size());
            }
        }
        const Rows real = clustered_rows(model.element, dim, 700, 3);
        const Rows asked = clustered_rows(model.element, dim, 20, 4);
        const Index of_real = model.built(real);
        Searcher search_real = of_real.searcher();
        for (std::size_t q = 0; q < asked.size(); ++q) {
            const auto truth = all_sorted(model.distance_over(real), real, {}, asked.values(q));
            TONARI_EXPECT(wrong,
                          same_as_oracle(search_real(asked.row(q)).value().neighbors, truth, 10, model.tolerance()));
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("search: graphs find at least 95 of 100 of the 10 nearest at ef 128", "[contract]") {
    for (const Model& model : all_models()) {
        if (model.exact) continue;
        const Rows rows = clustered_rows(model.element, 32, 2000, 5);
        const Rows queries = clustered_rows(model.element, 32, 60, 6);
        const Index index = model.built(rows, {}, quick_build());
        Searcher search = index.searcher();
        double found = 0;
        for (std::size_t q = 0; q < queries.size(); ++q) {
            const auto truth = all_sorted(model.distance_over(rows), rows, {}, queries.values(q));
            found += recall(copy(search(queries.row(q), {.k = 10, .ef = 128, .nprobe = 20}).value()), truth, 10,
                            model.tolerance());
        }
        INFO(model.name << ": recall@10 " << found / static_cast<double>(queries.size()));
        CHECK(found >= 0.95 * static_cast<double>(queries.size()));
    }
}

TEST_CASE("search: k of 1, between, n, and beyond, ef below k", "[contract]") {
    for (const Model& model : all_models()) {
        INFO(model.name);
        const Rows rows = clustered_rows(model.element, dim, 400, 7);
        const Rows queries = clustered_rows(model.element, dim, 10, 8);
        const std::vector<Id> ids = scattered_ids(rows.size());
        const Index index = model.built(rows, ids, quick_build());
        const Distance distance = model.distance_over(rows);
        CHECK(index.size() == rows.size());
        CHECK(index.dim() == dim);
        CHECK(index.metric() == model.metric);
        CHECK(index.element() == model.element);
        CHECK(index.spec() == model.whole_spec());
        CHECK(index.accepts(model.element));
        Searcher search = index.searcher();
        std::size_t wrong = 0;
        for (std::size_t q = 0; q < queries.size(); ++q) {
            const auto truth = all_sorted(model.distance_over(rows), rows, ids, queries.values(q));
            for (const std::size_t k : {1U, 2U, 39U, 400U, 401U, 100000U}) {
                for (const std::size_t ef : {1U, 10U, 1000U}) {
                    const Nearest nearest = search(queries.row(q), {.k = k, .ef = ef}).value();
                    TONARI_EXPECT(wrong, nearest.size() == std::min<std::size_t>(k, rows.size()));
                    TONARI_EXPECT(wrong, well_formed(nearest.neighbors));
                    TONARI_EXPECT(wrong, nearest.outcome.complete);
                    for (const Neighbor& neighbor : nearest) {  // each distance is that row's
                        const auto row =
                            static_cast<std::size_t>(std::find(ids.begin(), ids.end(), neighbor.id) - ids.begin());
                        if (row == ids.size()) {
                            ++wrong;
                            continue;
                        }
                        if (k > 2 && q > 1) continue;  // enough of that
                        const float own = distance(queries.values(q), rows.values(row));
                        TONARI_EXPECT(wrong, std::abs(own - neighbor.distance) <= model.tolerance());
                    }
                }
            }
            // As many as there are: nothing to choose, so a graph, too, gives the oracle's answer.
            TONARI_EXPECT(wrong, same_as_oracle(search(queries.row(q), {.k = 400}).value().neighbors, truth, 400,
                                                model.tolerance()));
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("search: a row finds itself", "[contract]") {
    for (const Model& model : all_models()) {
        if (!model.nearest_to_itself()) continue;  // there a longer row may be nearer
        const Rows rows = clustered_rows(model.element, dim, 500, 9);
        const Index index = model.built(rows, {}, quick_build());
        const Distance distance = model.distance_over(rows);
        Searcher search = index.searcher();
        std::size_t found = 0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const Nearest nearest = search(rows.row(i), {.k = 1, .ef = 64}).value();
            const float own = distance(rows.values(i), rows.values(i));
            found += std::abs(nearest[0].distance - own) <= model.tolerance() ? 1 : 0;
        }
        INFO(model.name);
        CHECK(found == rows.size());
    }
}

TEST_CASE("search: one row, two rows", "[contract]") {
    for (const Model& model : all_models()) {
        for (const std::size_t n : {1U, 2U, 3U}) {
            INFO(model.name << ", " << n << " rows");
            const Rows rows = clustered_rows(model.element, dim, n, 10);
            const std::vector<Id> ids = {900, 4, 77};
            const Index index = model.built(rows, std::span(ids).first(n));
            const auto truth = all_sorted(model.distance_over(rows), rows, std::span(ids).first(n), rows.values(0));
            CHECK(same_as_oracle(ask(index, rows.row(0), {.k = 5}).value().neighbors, truth, n, model.tolerance()));
        }
    }
}

TEST_CASE("search: dimensions that fill no register and no byte", "[contract]") {
    for (const Model& model : all_models()) {
        for (const Dim odd : {1U, 3U, 7U, 17U, 33U, 65U, 131U}) {
            const Rows rows = integer_rows(model.element, odd, 120, odd);
            const Rows queries = integer_rows(model.element, odd, 8, odd + 1000);
            const Index index = model.built(rows, {}, quick_build());
            Searcher search = index.searcher();
            std::size_t wrong = 0;
            for (std::size_t q = 0; q < queries.size(); ++q) {
                const auto truth = all_sorted(model.distance_over(rows), rows, {}, queries.values(q));
                TONARI_EXPECT(wrong, same_as_oracle(search(queries.row(q), {.k = 120}).value().neighbors, truth, 120,
                                                    model.integer_tolerance()));
            }
            INFO(model.name << ", dim " << odd);
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("search: rows of zeros under cosine are at distance 1", "[contract]") {
    for (const Model& model : all_models()) {
        if (model.metric != MetricKind::cosine) continue;
        INFO(model.name);
        Rows rows = integer_rows(model.element, dim, 50, 11);
        const std::vector<float> zeros(dim, 0.0F);
        rows.set(7, zeros);
        rows.set(33, zeros);
        Rows query(model.element, dim, 1);
        query.set(0, zeros);
        const Index index = model.built(rows);
        for (const RowView asked : {rows.row(1), query.row(0)}) {
            const auto values = asked.data() == rows.row(1).data() ? rows.values(1) : query.values(0);
            const auto truth = all_sorted(model.distance_over(rows), rows, {}, values);
            CHECK(same_as_oracle(ask(index, asked, {.k = 50}).value().neighbors, truth, 50, 3e-6F));
        }
    }
}

TEST_CASE("search: half precision answers float32 queries as it answers its own", "[contract]") {
    for (const auto& [spec, element] : {std::pair{"FP16", Element::float16},
                                        {"HNSW16,FP16", Element::float16},
                                        {"BF16", Element::bfloat16},
                                        {"HNSW16,BF16", Element::bfloat16}}) {
        INFO(spec);
        const Rows wide = clustered_rows(Element::float32, dim, 400, 12);
        Rows narrow(element, dim, wide.size());
        for (std::size_t i = 0; i < wide.size(); ++i) narrow.set(i, wide, i);
        const Index index = build(spec, MetricKind::l2, wide.view(), {}, quick_build()).value();
        CHECK(index.element() == element);
        CHECK(index.accepts(Element::float32));
        CHECK(index.accepts(element));
        CHECK_FALSE(index.accepts(Element::uint8));
        const Rows query = clustered_rows(Element::float32, dim, 1, 13);
        const auto truth = all_sorted(definition_of(MetricKind::l2), narrow, {}, query.values(0));
        CHECK(same_as_oracle(ask(index, query.row(0), {.k = 400}).value().neighbors, truth, 400, 1e-4F));
        // The same index whoever narrows the rows.
        CHECK(image_of(index) ==
              image_of(build(index.spec(), MetricKind::l2, narrow.view(), {}, quick_build()).value()));
    }
}

TEST_CASE("search: the thinnest graphs, too, answer with all rows when all are asked for", "[contract]") {
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product, MetricKind::cosine}) {
        for (const std::uint64_t seed : {14U, 15U, 16U}) {
            const Rows rows = clustered_rows(Element::float32, 8, 1500, seed, 40, 4);
            const Rows queries = clustered_rows(Element::float32, 8, 40, seed + 100, 40, 4);
            const Index index = build("HNSW2", metric, rows.view(), {}, {.ef_construction = 4, .seed = seed}).value();
            Searcher search = index.searcher();
            std::size_t wrong = 0;
            for (std::size_t q = 0; q < queries.size(); ++q) {
                TONARI_EXPECT(wrong, search(queries.row(q), {.k = 1500}).value().size() == 1500);
                TONARI_EXPECT(wrong, search(queries.row(q), {.k = 1400, .ef = 1}).value().size() == 1400);
                TONARI_EXPECT(wrong, search.range(queries.row(q), {.radius = 1e30F}).value().size() == 1500);
            }
            INFO(name(metric) << ", seed " << seed);
            CHECK(wrong == 0);
        }
    }
}
