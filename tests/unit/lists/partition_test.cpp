#include <tonari/lists/partition.hpp>

#include <vector>

#include "support/catch.hpp"
#include "support/image.hpp"

using namespace tonari;
using namespace tonari::test;

TEST_CASE("partition: lists lie one behind another, empty ones too", "[lists]") {
    const std::vector<std::size_t> sizes{5, 0, 2, 0, 0, 7, 0};
    const Partition partition = Partition::create(sizes).value();
    CHECK(partition.lists() == 7);
    CHECK(partition.rows() == 14);
    std::size_t next = 0;
    for (std::size_t list = 0; list < sizes.size(); ++list) {
        const auto [first, last] = partition.rows_of(list);
        CHECK(first == next);
        CHECK(last - first == sizes[list]);
        next = last;
    }
}

TEST_CASE("partition: more rows than an index holds are refused", "[lists]") {
    const std::vector<std::size_t> sizes{max_rows, 1};
    CHECK(Partition::create(sizes).error().code == ErrorCode::out_of_range);
}
