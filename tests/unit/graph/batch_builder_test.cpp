// The builder by itself: what a new row's list holds. Recall, reachability and determinism are tested through the index.
#include <tonari/graph/batch_builder.hpp>

#include <vector>

#include <tonari/codec/flat.hpp>

#include "support/catch.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

TEST_CASE("batch builder: a new row links to as many as its list holds, 2M on layer 0", "[graph]") {
    constexpr std::size_t m = 4;
    constexpr std::size_t n = 2 * m + 1;  // corners of a simplex: all equally far apart, so every link is diverse
    std::vector<float> corners(n * n, 0.0F);
    for (std::size_t i = 0; i < n; ++i) corners[i * n + i] = 1;
    const auto codec = Flat<AnyMetric>::create(Element::float32, n, AnyMetric(MetricKind::l2)).value();
    BatchBuilder builder(codec, reinterpret_cast<std::byte*>(corners.data()), {n}, {.links = m}, {1}, {});
    const auto built = builder.build().value();
    const LinkTable& links = built.layers.links(0);
    REQUIRE(links.degree() == 2 * m);
    std::size_t missing = 0;
    for (RowId vertex = 0; vertex < n; ++vertex) {
        for (RowId other = 0; other < n; ++other) {
            const RowId* list = links.at(vertex);
            if (other != vertex && std::find(list, list + links.degree(), other) == list + links.degree()) ++missing;
        }
    }
    CHECK(missing == 0);
}

TEST_CASE("batch builder: walked by other codes, links are those by the codes given", "[graph]") {
    // Two values of which the walk sees one: rows that seem to lie on a line. A search for candidates as wide as there are rows
    // finds all of them, so the links are those of a build that walks by both.
    constexpr std::size_t n = 60;
    Random random(5);
    std::vector<float> both(n * 2);
    std::vector<float> one(n);
    for (std::size_t i = 0; i < n; ++i) {
        both[2 * i] = one[i] = static_cast<float>(bell(random));
        both[2 * i + 1] = static_cast<float>(bell(random));
    }
    const auto codec = Flat<AnyMetric>::create(Element::float32, 2, AnyMetric(MetricKind::l2)).value();
    const auto shorter = Flat<AnyMetric>::create(Element::float32, 1, AnyMetric(MetricKind::l2)).value();
    const auto links = [&](bool walks) {
        std::vector<float> codes = both;
        BatchBuilder builder(codec, reinterpret_cast<std::byte*>(codes.data()), {n}, {.links = 4, .ef_construction = n},
                             {1}, {});
        if (walks) builder.walk_by(shorter, reinterpret_cast<const std::byte*>(one.data()));
        builder.insert_all().value();
        builder.recode(codec, reinterpret_cast<std::byte*>(codes.data()));
        const auto built = builder.finish();
        std::vector<RowId> all(built.layers.links(0).at(0), built.layers.links(0).at(0) + n * 8);
        return all;
    };
    CHECK(links(true) == links(false));
}
