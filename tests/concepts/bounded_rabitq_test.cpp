// Archetype: a scorer with an error bound. No distance lies below `lower`, so no row that belongs to the answer is lost.
#include "concepts/rabitq.hpp"
#include "support/catch.hpp"
#include "support/oracle.hpp"

using namespace tonari;
using namespace tonari::test;

TEST_CASE("concepts: the lower bound of a bounded scorer holds", "[concepts]") {
    for (const std::uint64_t seed : {6U, 7U, 8U}) {
        CAPTURE(seed);
        const Rows rows = clustered_rows(Element::float32, 64, 500, seed);
        const Rows query = clustered_rows(Element::float32, 64, 1, seed + 100);
        const BoundedBits codec(64);
        const Origin centroid{.centroid = rows.values(0).data()};
        std::vector<std::byte> codes(rows.size() * codec.code_size());
        std::vector<const std::byte*> pointers;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            codec.encode(rows.values(i), centroid, std::span(codes).subspan(i * codec.code_size(), codec.code_size()));
            pointers.push_back(codes.data() + i * codec.code_size());
        }
        BoundedBitsScorer scorer(query.values(0));
        scorer.enter(centroid);
        Survivors all;
        scorer.gather(pointers, INFINITY, all);
        REQUIRE(all.count == rows.size());
        std::size_t broken = 0;
        std::size_t useful = 0;
        const float bound = all_sorted(definition_of(MetricKind::l2), rows, {}, query.values(0))[9].distance;
        for (std::size_t i = 0; i < all.count; ++i) {
            const float distance = L2{}.distance(query.values(0), rows.values(all.index[i]));
            broken += all.lower[i] <= distance ? 0 : 1;
            broken += all.lower[i] <= all.estimate[i] ? 0 : 1;
            useful += all.lower[i] >= bound ? 1 : 0;
        }
        CHECK(broken == 0);
        CHECK(useful > 20);  // it does tell something
        Survivors some;
        scorer.gather(pointers, bound, some);
        CHECK(some.count == rows.size() - useful);
    }
}
