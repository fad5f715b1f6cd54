// Growing lists, one thread at a time: chains, places, who waits for whom, and what is given back.
#include <tonari/lists/growing_lists.hpp>

#include <bit>
#include <cstring>
#include <map>
#include <set>
#include <vector>

#include <tonari/core/random.hpp>

#include "support/catch.hpp"

using namespace tonari;

namespace {

constexpr std::size_t code_size = 12;
constexpr auto no_block = GrowingLists::no_block;

/// The shown places of a list, in the order of its chain.
std::vector<RowId> places_of(const GrowingLists& lists, std::size_t list) {
    std::vector<RowId> places;
    for (auto block = lists.first(list); block != no_block; block = lists.next(block)) {
        for (std::uint32_t shown = lists.shown(block); shown != 0; shown &= shown - 1) {
            places.push_back(GrowingLists::first_place(block) + static_cast<RowId>(std::countr_zero(shown)));
        }
    }
    return places;
}
std::size_t blocks_of(const GrowingLists& lists, std::size_t list) {
    std::size_t blocks = 0;
    for (auto block = lists.first(list); block != no_block; block = lists.next(block)) ++blocks;
    return blocks;
}

RowId put(GrowingLists& lists, std::size_t list, std::uint32_t value) {
    const RowId place = lists.take(list).value();
    std::memcpy(lists.room(place), &value, sizeof value);
    lists.show(place);
    return place;
}
std::uint32_t value_at(const GrowingLists& lists, RowId place) {
    std::uint32_t value = 0;
    std::memcpy(&value, lists.code(place), sizeof value);
    return value;
}

}  // namespace

TEST_CASE("growing lists: any order of changes leaves every code in its list, once", "[lists]") {
    constexpr std::size_t count = 7;
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        INFO("seed " << seed);
        GrowingLists lists(count, code_size);
        Random random(seed);
        std::map<RowId, std::pair<std::size_t, std::uint32_t>> truth;  // place to list and value
        Moment now = 1;
        std::size_t wrong = 0;
        std::uint32_t next = 0;
        for (int step = 0; step < 20000; ++step) {
            const bool grows = (step / 2000) % 2 == 0;  // for a while more come, then more go
            if (truth.empty() || random.below(10) < (grows ? 7U : 3U)) {
                const std::size_t list = random.below(count);
                const RowId place = put(lists, list, ++next);
                wrong += truth.count(place) == 0 ? 0 : 1;
                truth[place] = {list, next};
            } else {
                const auto gone = std::next(truth.begin(), static_cast<std::ptrdiff_t>(random.below(truth.size())));
                lists.hide(gone->first);
                lists.give_back(gone->first, ++now);
                truth.erase(gone);
            }
            if (random.below(50) == 0) lists.reclaim(now);
            if (step % 500 != 0) continue;
            std::size_t found = 0;
            for (std::size_t list = 0; list < count; ++list) {
                std::size_t rows = 0;
                for (const RowId place : places_of(lists, list)) {
                    const auto known = truth.find(place);
                    wrong += known != truth.end() && known->second == std::pair{list, value_at(lists, place)} ? 0 : 1;
                    ++rows;
                }
                found += rows;
                wrong += rows > 0 || lists.first(list) == no_block ? 0 : 1;  // no block stays in a chain without a row
            }
            wrong += found == truth.size() ? 0 : 1;
        }
        CHECK(wrong == 0);
        lists.reclaim(now);
        CHECK(lists.waiting_blocks() == 0);
        std::size_t linked = 0;
        for (std::size_t list = 0; list < count; ++list) linked += blocks_of(lists, list);
        CHECK(linked + lists.free_blocks() == lists.blocks());
    }
}

TEST_CASE("growing lists: the places of a list are filled before it has another block", "[lists]") {
    GrowingLists lists(3, code_size);
    std::vector<RowId> places;
    for (std::uint32_t i = 0; i < 96; ++i) places.push_back(put(lists, 1, i));
    for (RowId i = 0; i < 96; ++i) CHECK(places[i] == i);  // blocks that follow each other are one scan
    CHECK(blocks_of(lists, 1) == 3);
    CHECK(lists.first(0) == no_block);
    for (const RowId gone : {RowId{5}, RowId{40}}) {
        lists.hide(gone);
        CHECK_FALSE(lists.give_back(gone, 1));
    }
    const std::set<RowId> again{put(lists, 1, 7), put(lists, 1, 8)};
    CHECK(again == std::set<RowId>{5, 40});
    CHECK(put(lists, 1, 9) == 96);
}

TEST_CASE("growing lists: a block without rows leads on, and is used again when all are beyond", "[lists]") {
    GrowingLists lists(2, code_size);
    for (std::uint32_t i = 0; i < 3 * 32; ++i) put(lists, 0, i);
    const auto first = lists.first(0);
    const auto middle = lists.next(first);
    const auto last = lists.next(middle);
    for (RowId i = 0; i < 32; ++i) {
        const RowId place = GrowingLists::first_place(middle) + i;
        lists.hide(place);
        CHECK(lists.give_back(place, 10) == (i == 31));
    }
    CHECK(lists.next(first) == last);
    CHECK(lists.next(middle) == last);  // for who stands there
    CHECK(lists.shown(middle) == 0);
    CHECK(lists.waiting_blocks() == 1);
    lists.reclaim(9);
    CHECK(lists.free_blocks() == 0);
    CHECK(put(lists, 1, 7) / 32 == 3);  // somebody may still stand there
    lists.reclaim(10);
    CHECK(lists.free_blocks() == 1);
    for (std::uint32_t i = 0; i < 31; ++i) put(lists, 1, i);
    CHECK(put(lists, 1, 8) / 32 == middle);
    CHECK(lists.list_of(middle) == 1);
    CHECK(lists.blocks() == 4);
}

TEST_CASE("growing lists: of free blocks the lowest is taken, and those at the end are dropped", "[lists]") {
    GrowingLists lists(6, code_size);
    for (std::size_t list = 0; list < 6; ++list) put(lists, list, 1);
    for (const RowId block : {4U, 1U, 5U, 3U}) {
        lists.hide(block * 32);
        CHECK(lists.give_back(block * 32, 1));
    }
    lists.reclaim(1);
    CHECK(lists.drop_free_end());
    CHECK(lists.blocks() == 3);
    CHECK(lists.free_blocks() == 1);
    CHECK_FALSE(lists.drop_free_end());
    CHECK(put(lists, 5, 1) == 1 * 32);
    CHECK(put(lists, 4, 1) == 3 * 32);  // the memory that was given back is good to write to
    CHECK(value_at(lists, 3 * 32) == 1);
    CHECK(value_at(lists, 2 * 32) == 1);
}

TEST_CASE("growing lists: superfluous are blocks whose rows fit elsewhere, then those behind", "[lists]") {
    GrowingLists lists(2, code_size);
    for (std::uint32_t i = 0; i < 4 * 32; ++i) put(lists, 0, i);
    put(lists, 1, 0);
    CHECK(lists.superfluous().empty());
    const auto remove = [&](RowId first, RowId last) {
        for (RowId place = first; place < last; ++place) {
            lists.hide(place);
            lists.give_back(place, 1);
        }
    };
    remove(1, 32);   // block 0 has one row
    remove(42, 64);  // block 1 has ten
    CHECK(lists.superfluous() == std::vector<GrowingLists::Block>{0});
    lists.close(0);
    CHECK(lists.take_within(0, no_block) / 32 == 1);
    remove(0, 1);
    lists.reclaim(1);
    lists.open(0);  // it has left the list meanwhile: nothing happens
    CHECK(lists.free_blocks() == 1);
    CHECK(lists.superfluous() == std::vector<GrowingLists::Block>{4});
    CHECK(lists.take_within(1, 4) / 32 == 4);  // it has room itself
    lists.close(4);
    CHECK(lists.take_within(1, 0) == no_row);
    CHECK(lists.take_within(1, 4) == 0);
    lists.open(4);
    CHECK(lists.take_within(1, 0) / 32 == 4);
}
