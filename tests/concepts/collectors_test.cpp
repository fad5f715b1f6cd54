// Archetypes: collectors. The k nearest, everything in a range, and the best row of each group.
#include <map>

#include <tonari/codec/flat.hpp>
#include <tonari/core/top_k.hpp>
#include <tonari/graph/frontier.hpp>

#include "concepts/collect.hpp"
#include "support/catch.hpp"
#include "support/oracle.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

/// Everything within a radius, the boundary included: `bound` is what nothing at or above can enter.
class RangeCollector {
public:
    explicit RangeCollector(float radius) : bound_(std::nextafter(radius, INFINITY)) { rows_.reserve(10'000); }
    [[nodiscard]] float bound() const noexcept { return bound_; }
    void offer(RowId row, float estimate, float /*lower*/) noexcept {
        if (estimate < bound_) rows_.push_back(row);
    }
    [[nodiscard]] const std::vector<RowId>& rows() const { return rows_; }

private:
    float bound_;
    std::vector<RowId> rows_;
};

/// The nearest row of each group (a document's passages). It never says that a row is too far: another group's may be
/// needed.
class UniqueCollector {
public:
    explicit UniqueCollector(std::size_t groups) : best_(groups, Candidate{INFINITY, no_row}) {}
    [[nodiscard]] float bound() const noexcept { return INFINITY; }
    void offer(RowId row, float estimate, float /*lower*/) noexcept {
        Candidate& best = best_[row % best_.size()];
        if (nearer({estimate, row}, best)) best = {estimate, row};
    }
    [[nodiscard]] const std::vector<Candidate>& best() const { return best_; }

private:
    std::vector<Candidate> best_;
};

static_assert(Collector<TopK> && Collector<RangeCollector> && Collector<UniqueCollector>);
static_assert(Collector<PoolFrontier> && Frontier<PoolFrontier>);
static_assert(!Frontier<TopK>);

struct WithoutBound {
    void offer(RowId, float, float) noexcept {}
};
static_assert(!Collector<WithoutBound>);

}  // namespace

TEST_CASE("concepts: collectors over one scan", "[concepts]") {
    const Rows rows = integer_rows(Element::float32, 8, 1300, 11);
    const auto codec = Flat<L2>::create(Element::float32, 8).value();
    auto scorer = codec.scorer();
    scorer.set_query(rows.row(5).data());
    const CodeBlock block{rows.bytes().data(), codec.code_size(), rows.size()};
    const auto truth = all_sorted(definition_of(MetricKind::l2), rows, {}, rows.values(5));
    Survivors survivors;

    TopK nearest;
    nearest.reset(7);
    collect(scorer, block, 0, nearest, survivors);
    const auto keys = nearest.sort();
    for (std::size_t i = 0; i < 7; ++i) CHECK(static_cast<Id>(row_of(keys[i])) == truth[i].id);

    const float radius = truth[100].distance;
    RangeCollector range(radius);
    collect(scorer, block, 0, range, survivors);
    CHECK(range.rows().size() ==
          static_cast<std::size_t>(
              std::count_if(truth.begin(), truth.end(), [&](const Neighbor& t) { return t.distance <= radius; })));

    UniqueCollector unique(10);
    collect(scorer, block, 0, unique, survivors);
    for (std::size_t group = 0; group < 10; ++group) {
        const auto first = std::find_if(truth.begin(), truth.end(), [&](const Neighbor& t) {
            return static_cast<std::size_t>(t.id) % 10 == group;
        });
        CHECK(static_cast<Id>(unique.best()[group].row) == first->id);
    }
}
