// Sorted keys against a vector that is sorted anew each time: whatever the capacity, and whatever was kept there before.
#include <tonari/graph/sorted_keys.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

#include <tonari/core/random.hpp>

#include "support/catch.hpp"

using namespace tonari;

namespace {

/// Puts in `count` keys, of which many are alike if `spread` is small: how often what is kept, or said of it, is not what the model has.
std::size_t kept_otherwise(SortedKeys& keys, std::size_t capacity, std::size_t count, std::uint64_t spread,
                           Random& random) {
    std::vector<OrderedKey> model;
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const OrderedKey key = random.below(spread) * (std::uint64_t{1} << 40);
        const bool taken = model.size() < capacity || key < model.back();
        wrong += keys.takes(key) == taken ? 0 : 1;
        if (!taken) continue;
        const auto at = std::lower_bound(model.begin(), model.end(), key);
        wrong += keys.insert(key) == static_cast<std::size_t>(at - model.begin()) ? 0 : 1;
        model.insert(at, key);
        if (model.size() > capacity) model.pop_back();
        wrong += keys.size() == model.size() && keys.full() == (model.size() == capacity) ? 0 : 1;
        wrong += std::equal(model.begin(), model.end(), keys.data()) && keys.last() == model.back() ? 0 : 1;
        if (random.below(8) == 0) {  // as a walk marks those that it has taken
            const std::size_t marked = random.below(model.size());
            keys[marked] |= 1;
            model[marked] |= 1;
        }
    }
    return wrong;
}

}  // namespace

TEST_CASE("sorted keys are a sorted vector of the smallest", "[graph]") {
    Random random(7);
    SortedKeys keys;  // one for all: what was kept before must not matter
    for (const std::size_t capacity :
         {1U, 2U, 700U, 10U, 15U, 16U, 17U, 31U, 32U, 33U, 48U, 255U, 256U, 257U, 300U, 1000U, 3U}) {
        for (const std::uint64_t spread : {std::uint64_t{3}, std::uint64_t{1} << 20}) {
            INFO(capacity << " of " << spread);
            keys.reset(capacity);
            CHECK(kept_otherwise(keys, capacity, 3 * capacity + 40, spread, random) == 0);
            keys.clear();
            CHECK(kept_otherwise(keys, capacity, capacity + 5, spread, random) == 0);
        }
    }
}
