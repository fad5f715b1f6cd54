// The table of ids against std::unordered_map, and the set of ids against std::set.
#include <tonari/index/id_table.hpp>

#include <set>
#include <unordered_map>
#include <vector>

#include <tonari/core/random.hpp>
#include <tonari/index/id_set.hpp>

#include "support/catch.hpp"

using namespace tonari;

TEST_CASE("id table: finds what was set, and nothing that went", "[index]") {
    for (const std::uint64_t spread : {50U, 3000U, 1U << 31U}) {
        Random random(spread);
        std::vector<Id> ids;  // by number
        const auto id_of = [&](std::uint32_t number) { return ids[number]; };
        IdTable table;
        std::unordered_map<Id, std::uint32_t> truth;
        CHECK(table.find(1, id_of) == IdTable::none);
        std::size_t wrong = 0;
        for (int i = 0; i < 30'000; ++i) {
            const Id id = static_cast<Id>(random.below(spread)) * 64;  // multiples: a weak hash would pile them up
            if (random.below(5) < 3) {
                ids.push_back(id);
                const auto number = static_cast<std::uint32_t>(ids.size() - 1);
                table.reserve(table.size() + 1, id_of);
                table.set(id, number, id_of);
                truth[id] = number;
            } else if (truth.erase(id) > 0) {
                table.erase(id, id_of);
            }
            const Id asked = static_cast<Id>(random.below(spread)) * 64;
            const auto at = truth.find(asked);
            wrong += table.find(asked, id_of) == (at == truth.end() ? IdTable::none : at->second) ? 0 : 1;
            wrong += table.size() == truth.size() ? 0 : 1;
        }
        for (const auto& [id, number] : truth) wrong += table.find(id, id_of) == number ? 0 : 1;
        CHECK(wrong == 0);
        CHECK(table.bytes() <= 16 * std::max<std::size_t>(truth.size(), 16) * 2);
    }
}

TEST_CASE("id set: holds what it was made of, dense or scattered", "[index]") {
    for (const std::uint64_t spread : {100U, 100'000U, 1U << 31U}) {
        Random random(spread + 1);
        std::vector<Id> ids;
        for (int i = 0; i < 2000; ++i) ids.push_back(static_cast<Id>(random.below(spread)));
        const std::set<Id> truth(ids.begin(), ids.end());
        const IdSet set(ids);
        CHECK(set.size() == truth.size());
        std::size_t wrong = 0;
        for (const Id id : ids) wrong += set.contains(id) ? 0 : 1;
        for (int i = 0; i < 5000; ++i) {
            const auto asked = static_cast<Id>(random.below(spread + 50));
            wrong += set.contains(asked) == (truth.count(asked) > 0) ? 0 : 1;
        }
        wrong += set.contains(Id{1} << 60) ? 1 : 0;
        CHECK(wrong == 0);
    }
    const IdSet nothing({});
    CHECK(nothing.size() == 0);
    CHECK(!nothing.contains(0));
}
