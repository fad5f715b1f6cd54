// Links turned round are those links.
#include <tonari/graph/reverse_links.hpp>

#include <algorithm>
#include <vector>

#include <tonari/core/random.hpp>

#include "support/catch.hpp"

using namespace tonari;

TEST_CASE("reverse links: who links to a vertex, in order, none left out", "[graph]") {
    constexpr std::size_t vertices = 200;
    constexpr std::size_t degree = 5;
    Random random(7);
    std::vector<RowId> links(vertices * degree, no_row);
    std::vector<std::vector<RowId>> to(vertices);
    for (std::size_t v = 0; v < vertices; ++v) {
        for (std::size_t i = 0; i < random() % (degree + 1); ++i) {
            // Half of all lead to one vertex; vertex 3 is led to by none.
            const auto target = static_cast<RowId>(random() % 2 == 0 ? 0 : random() % (vertices - 4) + 4);
            links[v * degree + i] = target;
            to[target].push_back(static_cast<RowId>(v));
        }
    }
    const ReverseLinks back(LinkTable(Bytes({}, std::as_bytes(std::span(links))), degree), vertices);
    std::size_t most = 0;
    for (std::size_t v = 0; v < vertices; ++v) {
        CHECK(std::ranges::equal(back.to(static_cast<RowId>(v)), to[v]));
        most = std::max(most, to[v].size());
    }
    CHECK(back.most() == most);
    CHECK(back.to(3).empty());
}
