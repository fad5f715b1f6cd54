// The contract of batches: bit for bit the answers of the queries one by one, on any number of threads, whose ever.
#include "contract/models.hpp"
#include "support/executor.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {
constexpr Dim dim = 20;

void check_batch(const Model& model, const Rows& rows, const Rows& queries, std::size_t k) {
    const Index index = model.built(rows, scattered_ids(rows.size(), true), quick_build());
    const Answers one = index.search(queries.view(), {.k = k, .ef = 50}).value();
    REQUIRE(one.queries == queries.size());
    REQUIRE(one.k == k);
    REQUIRE(one.counts.size() == queries.size());
    Searcher search = index.searcher();
    std::size_t wrong = 0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        const Nearest alone = search(queries.row(q), {.k = k, .ef = 50}).value();
        TONARI_EXPECT(wrong, identical(answer_of(one, q), alone.neighbors));
        TONARI_EXPECT(wrong, one.outcomes[q].complete && one.outcomes[q].exact == alone.outcome.exact);
        for (std::size_t i = one.counts[q]; i < k; ++i) {  // what is left over is filled up
            TONARI_EXPECT(wrong, one.ids[q * k + i] == no_id && std::isinf(one.distances[q * k + i]));
        }
    }
    CHECK(wrong == 0);

    ThreadExecutor executor(3);
    for (const Threads threads : {Threads{2}, Threads{5}, Threads{0}, Threads{3, &executor}}) {
        const Answers many = index.search(queries.view(), {.k = k, .ef = 50, .threads = threads}).value();
        CHECK(many.ids == one.ids);
        CHECK(many.distances == one.distances);
        CHECK(many.counts == one.counts);
    }
}

}  // namespace

TEST_CASE("batch: the same as one by one, for real values", "[contract]") {
    for (const Model& model : all_models()) {
        INFO(model.name);
        check_batch(model, clustered_rows(model.element, dim, 900, 40), clustered_rows(model.element, dim, 70, 41), 10);
    }
}

TEST_CASE("batch: the same as one by one where distances tie", "[contract]") {
    for (const Model& model : all_models()) {
        if (!model.exact) continue;
        INFO(model.name);
        check_batch(model, integer_rows(model.element, dim, 1100, 42, 1), integer_rows(model.element, dim, 40, 43, 1),
                    25);
    }
}

TEST_CASE("batch: k beyond n, few queries, none", "[contract]") {
    for (const Model& model : some_models()) {
        INFO(model.name);
        const Rows rows = clustered_rows(model.element, dim, 30, 44);
        check_batch(model, rows, clustered_rows(model.element, dim, 9, 45), 50);
        check_batch(model, rows, clustered_rows(model.element, dim, 1, 46), 3);
        const Index index = model.built(rows);
        const Answers none = index.search(rows.view().slice(0, 0)).value();
        CHECK(none.queries == 0);
        CHECK(none.ids.empty());
        const RangeAnswers nothing = index.range_search(rows.view().slice(0, 0), {.radius = 1}).value();
        CHECK(nothing.offsets == std::vector<std::size_t>{0});
    }
}

TEST_CASE("batch: an executor's threads are the ones used", "[contract]") {
    const Rows rows = clustered_rows(Element::float32, dim, 300, 47);
    ThreadExecutor executor(2);
    for (const char* spec : {"Flat", "HNSW16"}) {
        const std::size_t before = executor.runs();
        const Index index = build(spec, MetricKind::l2, rows.view(), {}, {.threads = {2, &executor}}).value();
        CHECK(executor.runs() > before);
        const std::size_t built = executor.runs();
        CHECK(index.search(rows.view(), {.threads = {2, &executor}}).ok());
        CHECK(executor.runs() > built);
        const std::size_t searched = executor.runs();
        CHECK(index.range_search(rows.view(), {.radius = 1, .threads = {2, &executor}}).ok());
        CHECK(executor.runs() > searched);
    }
}

TEST_CASE("batch: queries may lie apart from each other", "[contract]") {
    for (const Model& model : some_models()) {
        const Rows rows = clustered_rows(model.element, dim, 300, 48);
        const Index index = model.built(rows, {}, quick_build());
        const Rows queries = clustered_rows(model.element, dim, 20, 49);
        const std::size_t bytes = row_bytes(model.element, dim);
        const std::size_t stride = bytes + 12;  // elements stay aligned
        std::vector<std::byte> spread(stride * queries.size(), std::byte{0xff});
        for (std::size_t q = 0; q < queries.size(); ++q)
            std::memcpy(spread.data() + q * stride, queries.view().row_data(q), bytes);
        const Answers packed = index.search(queries.view()).value();
        const Answers apart =
            index.search(MatrixView(spread.data(), queries.size(), dim, model.element, stride)).value();
        INFO(model.name);
        CHECK(packed.ids == apart.ids);
        CHECK(packed.distances == apart.distances);
    }
}

TEST_CASE("batch: rows that lie apart build the same index", "[contract]") {
    for (const Model& model : some_models()) {
        const Rows rows = clustered_rows(model.element, dim, 200, 50);
        const std::size_t bytes = row_bytes(model.element, dim);
        const std::size_t stride = bytes + 8;
        std::vector<std::byte> spread(stride * rows.size(), std::byte{0x7f});
        for (std::size_t i = 0; i < rows.size(); ++i)
            std::memcpy(spread.data() + i * stride, rows.view().row_data(i), bytes);
        const Index apart =
            model.build(MatrixView(spread.data(), rows.size(), dim, model.element, stride), {}, quick_build()).value();
        INFO(model.name);
        CHECK(image_of(apart) == image_of(model.built(rows, {}, quick_build())));
    }
}
