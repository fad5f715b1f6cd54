// Archetype: refinement from a disk. A collector whose answers are exact distances, read row by row only where the lower
// bound says that the row may still belong to the answer.
#include <tonari/core/top_k.hpp>

#include "concepts/collect.hpp"
#include "concepts/rabitq.hpp"
#include "support/catch.hpp"
#include "support/oracle.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

/// Fine rows, and how many of them were read.
struct FineRows {
    const Rows* rows;
    std::size_t reads = 0;
    float distance(VectorView<float> query, RowId row) noexcept {
        ++reads;
        return L2{}.distance(query, rows->values(row));
    }
};

class RefiningCollector {
public:
    RefiningCollector(FineRows& fine, VectorView<float> query, std::size_t k) : fine_(&fine), query_(query) {
        nearest_.reset(k);
    }
    [[nodiscard]] float bound() const noexcept { return nearest_.bound(); }
    void offer(RowId row, float /*estimate*/, float lower) noexcept {
        if (lower < bound()) nearest_.offer(fine_->distance(query_, row), row);
    }
    std::span<const OrderedKey> answers() noexcept { return nearest_.sort(); }

private:
    FineRows* fine_;
    VectorView<float> query_;
    TopK nearest_;
};
static_assert(Collector<RefiningCollector>);

}  // namespace

TEST_CASE("concepts: refinement reads few rows and loses none", "[concepts]") {
    const Dim dim = 96;
    const Rows rows = clustered_rows(Element::float32, dim, 2000, 9);
    const Rows queries = clustered_rows(Element::float32, dim, 10, 10);
    const BoundedBits codec(dim);
    std::vector<std::byte> codes(rows.size() * codec.code_size());
    std::vector<float> mean(dim);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        for (Dim d = 0; d < dim; ++d) mean[d] += rows.values(i)[d] / static_cast<float>(rows.size());
    }
    const Origin origin{.centroid = mean.data()};
    for (std::size_t i = 0; i < rows.size(); ++i) {
        codec.encode(rows.values(i), origin, std::span(codes).subspan(i * codec.code_size(), codec.code_size()));
    }
    Survivors survivors;
    std::size_t reads = 0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        FineRows fine{&rows};
        RefiningCollector collector(fine, queries.values(q), 10);
        BoundedBitsScorer scorer(queries.values(q));
        scorer.enter(origin);
        collect(scorer, {codes.data(), codec.code_size(), rows.size()}, 0, collector, survivors);
        const auto truth = all_sorted(definition_of(MetricKind::l2), rows, {}, queries.values(q));
        const auto answers = collector.answers();
        REQUIRE(answers.size() == 10);
        for (std::size_t i = 0; i < 10; ++i) {
            CHECK(static_cast<Id>(row_of(answers[i])) == truth[i].id);
            CHECK(distance_of(answers[i]) == truth[i].distance);
        }
        reads += fine.reads;
    }
    CHECK(reads < queries.size() * rows.size() * 9 / 10);
}
