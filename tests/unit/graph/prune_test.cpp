// The rule by which links are chosen, against its definition.
#include <tonari/graph/prune.hpp>

#include <vector>

#include <tonari/codec/flat.hpp>

#include "support/catch.hpp"
#include "support/oracle.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

/// As written in the paper: a candidate is kept unless a kept one is nearer to it than the row is.
std::vector<RowId> by_definition(const Rows& rows, const std::vector<Candidate>& candidates, std::size_t limit,
                                 const Distance& distance, float same_place) {
    std::vector<RowId> kept;
    for (const Candidate& candidate : candidates) {
        if (kept.size() == limit) break;
        const bool led = std::any_of(kept.begin(), kept.end(), [&](RowId k) {
            const float between = distance(rows.values(candidate.row), rows.values(k));
            return between < candidate.distance || between <= same_place;
        });
        if (!led) kept.push_back(candidate.row);
    }
    return kept;
}

}  // namespace

TEST_CASE("prune: keeps what the definition keeps", "[graph]") {
    for (const MetricKind metric : {MetricKind::l2, MetricKind::l1, MetricKind::inner_product}) {
        for (const std::uint64_t seed : {1U, 2U, 3U, 4U, 5U}) {
            CAPTURE(name(metric), seed);
            const Rows rows = integer_rows(Element::float32, 6, 120, seed, 4);
            const auto codec = Flat<>::create(Element::float32, 6, metric).value();
            Pruner prune(PackedRows(codec, rows.bytes().data()));
            const Distance distance = definition_of(metric);
            std::vector<Candidate> candidates;
            for (const Neighbor& n : all_sorted(distance, rows, {}, rows.values(0))) {
                if (n.id != 0) candidates.push_back({n.distance, static_cast<RowId>(n.id)});
            }
            for (const std::size_t limit : {1U, 4U, 16U, 100U}) {
                std::vector<RowId> out(limit);
                out.resize(prune(candidates, limit, out.data()));
                CHECK(out == by_definition(rows, candidates, limit, distance, coincidence(metric)));
            }
        }
    }
}

TEST_CASE("prune: of many equal rows one link is kept", "[graph]") {
    Rows rows(Element::float32, 2, 50);
    for (std::size_t i = 0; i < 50; ++i) rows.set(i, std::vector<float>{i < 40 ? 1.0F : static_cast<float>(i), 0});
    const auto codec = Flat<>::create(Element::float32, 2, MetricKind::l2).value();
    Pruner prune(PackedRows(codec, rows.bytes().data()));
    std::vector<Candidate> candidates;
    for (RowId i = 1; i < 40; ++i) candidates.push_back({0, i});  // seen from row 0, which is equal to them
    std::array<RowId, 16> out{};
    CHECK(prune(candidates, 16, out.data()) == 1);
    CHECK(out[0] == 1);
    CHECK(prune({}, 16, out.data()) == 0);
}
