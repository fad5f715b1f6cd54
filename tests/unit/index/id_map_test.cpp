// Which ids a row answers for: packing, filters, through a file and back, and what a file may not say.
#include <tonari/index/id_map.hpp>

#include <vector>

#include "support/catch.hpp"
#include "unit/io/sample_file.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

IdMap reopened(const IdMap& map) {
    SimulatedDisk disk;
    FileWriter writer = FileWriter::create("ids.tnr", {}, disk).value();
    map.save(writer.sections()).value();
    writer.finish().value();
    return IdMap::open(open_image(disk.content("ids.tnr")).value().sections()).value();
}

struct Record {
    std::uint64_t rows = 3;
    std::uint64_t size = 3;
    std::uint8_t id_bytes = 4;
    std::uint8_t has_offsets = 0;
    std::uint8_t reserved[6] = {};
};
Result<IdMap> opened(const Record& record, std::size_t ids_bytes, std::size_t offsets = 0) {
    SimulatedDisk disk;
    FileWriter writer = FileWriter::create("ids.tnr", {}, disk).value();
    writer.sections().add_record("id_map", 1, record).value();
    writer.sections().add("ids", 1, std::vector<std::byte>(ids_bytes, std::byte{0xff})).value();
    writer.sections().add_array<std::uint32_t>("offsets", 1, std::vector<std::uint32_t>(offsets, 0xfffffff0U)).value();
    writer.finish().value();
    return IdMap::open(open_image(disk.content("ids.tnr")).value().sections());
}

}  // namespace

TEST_CASE("id map: takes the bytes that the ids need", "[index]") {
    const std::vector<Id> counting = {0, 1, 2, 3};
    const std::vector<Id> narrow = {7, 0xffffffffLL, 2, 3};
    const std::vector<Id> wide = {7, 0x100000000LL, 2, 3};
    CHECK(IdMap::create(counting, {}).value().bytes() == 0);
    CHECK(IdMap::create(narrow, {}).value().bytes() == 16);
    CHECK(IdMap::create(wide, {}).value().bytes() == 32);
    for (const auto& ids : {counting, narrow, wide}) {
        for (const IdMap& map : {IdMap::create(ids, {}).value(), reopened(IdMap::create(ids, {}).value())}) {
            CHECK(map.rows() == 4);
            CHECK(map.size() == 4);
            CHECK(map.one_each());
            for (RowId row = 0; row < 4; ++row) {
                CHECK(map.slots(row) == std::pair<std::size_t, std::size_t>{row, row + 1});
                CHECK(map.id(row) == ids[row]);
            }
        }
    }
}

TEST_CASE("id map: rows with several ids", "[index]") {
    const std::vector<Id> ids = {5, 8, 1, 2, 9, 4};
    const std::vector<std::uint32_t> offsets = {0, 2, 3, 6};
    for (const IdMap& map : {IdMap::create(ids, offsets).value(), reopened(IdMap::create(ids, offsets).value())}) {
        CHECK(map.rows() == 3);
        CHECK(map.size() == 6);
        CHECK_FALSE(map.one_each());
        CHECK(map.slots(0) == std::pair<std::size_t, std::size_t>{0, 2});
        CHECK(map.slots(2) == std::pair<std::size_t, std::size_t>{3, 6});
        const std::vector<Id> wanted = {8, 4, 77, -1, 8};
        const RowFilter filter = map.translate(Filter::ids(wanted)).value();
        CHECK(filter.passing == 2);
        CHECK(filter.rows.count() == 2);
        CHECK((filter.rows.test(0) && !filter.rows.test(1) && filter.rows.test(2)));
        CHECK(filter.ids.count() == 2);
        CHECK((filter.ids.test(1) && filter.ids.test(5)));
    }
}

TEST_CASE("id map: ids that a caller gives", "[index]") {
    CHECK(check_ids({}, 5).ok());
    CHECK(check_ids(std::vector<Id>{3, 1, 2}, 3).ok());
    CHECK_FALSE(check_ids(std::vector<Id>{3, 1}, 3).ok());
    CHECK_FALSE(check_ids(std::vector<Id>{3, -1, 2}, 3).ok());
    CHECK(check_ids(std::vector<Id>{3, 1, 3}, 3).error().code == ErrorCode::already_exists);
}

TEST_CASE("id map: what a file may not say", "[index]") {
    CHECK(opened({}, 12).ok());
    CHECK(opened({.id_bytes = 8}, 24).ok());
    for (const auto& [record, ids, offsets] : {std::tuple{Record{.rows = 3, .size = 2}, 8, 0},
                                               {Record{.rows = 2, .size = 3}, 12, 0},
                                               {Record{.rows = ~0ULL, .size = ~0ULL}, 12, 0},
                                               {Record{.rows = 3, .size = 1ULL << 40, .has_offsets = 1}, 12, 4},
                                               {Record{}, 11, 0},
                                               {Record{}, 16, 0},
                                               {Record{.id_bytes = 8}, 12, 0},
                                               {Record{.id_bytes = 5}, 15, 0},
                                               {Record{.has_offsets = 1}, 12, 3},
                                               {Record{.has_offsets = 1}, 12, 5}}) {
        const auto map = opened(record, static_cast<std::size_t>(ids), static_cast<std::size_t>(offsets));
        REQUIRE_FALSE(map.ok());
        CHECK(map.error().code == ErrorCode::corrupt);
    }
    // Offsets that point anywhere: slots stay within the ids.
    const IdMap lying = opened({.rows = 3, .size = 5, .id_bytes = 4, .has_offsets = 1}, 20, 4).value();
    for (RowId row = 0; row < 3; ++row) {
        const auto [first, last] = lying.slots(row);
        CHECK(first <= last);
        CHECK(last <= lying.size());
    }
    CHECK(lying.translate(Filter::predicate([](Id) { return true; })).ok());
    const IdMap shared = IdMap::create(std::vector<Id>{5, 6, 7}, std::vector<std::uint32_t>{0, 3, 0, 3}).value();
    CHECK(shared.translate(Filter::predicate([](Id) { return true; })).error().code == ErrorCode::corrupt);
}
