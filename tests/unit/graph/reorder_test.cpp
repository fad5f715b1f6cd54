// Renumbering: a permutation that keeps layers together, and moving rows by it.
#include <tonari/graph/reorder.hpp>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include <tonari/core/random.hpp>

#include "support/catch.hpp"

using namespace tonari;

TEST_CASE("reorder: rows go where they are sent", "[graph]") {
    for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
        for (const std::size_t n : {0U, 1U, 2U, 3U, 17U, 1000U}) {
            CAPTURE(seed, n);
            Random random(seed);
            std::vector<RowId> to(n);
            std::iota(to.begin(), to.end(), RowId{0});
            if (seed != 1) {  // the first leaves all where they are
                for (std::size_t i = n; i > 1; --i) std::swap(to[i - 1], to[random.below(i)]);
            }
            for (const std::size_t width : {1U, 3U, 50U}) {  // 4 bytes to several cache lines
                for (const unsigned threads : {1U, 2U, 3U, 8U}) {
                    CAPTURE(width, threads);
                    std::vector<std::uint32_t> rows(n * width);
                    std::iota(rows.begin(), rows.end(), 100U);
                    renumber_rows(reinterpret_cast<std::byte*>(rows.data()), width * 4, to, {threads});
                    std::size_t wrong = 0;
                    for (std::size_t i = 0; i < n * width; ++i) {
                        wrong += rows[width * to[i / width] + i % width] == i + 100 ? 0 : 1;
                    }
                    CHECK(wrong == 0);
                }
            }
        }
    }
}

TEST_CASE("reorder: links are renamed, empty places stay empty", "[graph]") {
    std::vector<RowId> links = {2, 0, no_row, 1, no_row, no_row};
    const std::vector<RowId> to = {5, 7, 9};
    renumber_links(links, to);
    CHECK(links == std::vector<RowId>{9, 5, no_row, 7, no_row, no_row});
}

TEST_CASE("reorder: numbers are a permutation, breadth first within each layer", "[graph]") {
    // 0 -> 3, 4;  3 -> 1;  4 -> 2, 5;  vertices 0, 1, 2 stand on layer 1.
    constexpr RowId no = no_row;
    std::vector<RowId> links = {3, 4, no, no, no, no, 1, no, 2, 5, no, no};
    const LinkTable table(Bytes({}, std::as_bytes(std::span(links))), 2);
    const std::vector<std::size_t> counts = {6, 3};
    const auto numbers = breadth_first_numbers(table, counts);
    // Met in the order 0, 3, 4, 1, 2, 5.
    CHECK(numbers == std::vector<RowId>{0, 1, 2, 3, 4, 5});
    // Turn vertex 4 before 3.
    std::swap(links[0], links[1]);
    CHECK(breadth_first_numbers(table, counts) == std::vector<RowId>{0, 2, 1, 4, 3, 5});
}
