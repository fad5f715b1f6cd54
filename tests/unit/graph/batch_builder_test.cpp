// The builder by itself: what a new row's list holds. Recall, reachability and determinism are tested through the index.
#include <tonari/graph/batch_builder.hpp>

#include <vector>

#include <tonari/codec/flat.hpp>

#include "support/catch.hpp"

using namespace tonari;

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
