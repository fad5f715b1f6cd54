// The k nearest, beside a sort of all that was offered.
#include <tonari/core/top_k.hpp>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include <tonari/core/random.hpp>

#include "support/catch.hpp"

using namespace tonari;

namespace {

/// Distances of which many are equal.
std::vector<OrderedKey> stream(std::size_t rows, std::uint64_t seed) {
    Random random(seed);
    std::vector<OrderedKey> keys(rows);
    for (std::size_t i = 0; i < rows; ++i) {
        keys[i] = make_key(static_cast<float>(random.below(200)) / 4 - 20, static_cast<RowId>(i));
    }
    for (std::size_t i = rows; i > 1; --i) std::swap(keys[i - 1], keys[random.below(i)]);
    return keys;
}

}  // namespace

TEST_CASE("top k: the nearest of a stream, whatever its order and however many are kept") {
    TopK kept;
    for (const std::size_t k : {1U, 2U, 10U, 100U, 127U, 128U, 129U, 300U, 700U}) {
        for (const float limit : {std::numeric_limits<float>::infinity(), 15.0F, -19.0F, -21.0F}) {
            INFO("k " << k << ", limit " << limit);
            const std::vector<OrderedKey> keys = stream(500, k);
            kept.reset(k, limit);
            std::vector<OrderedKey> right;
            std::size_t wrong = 0;
            for (const OrderedKey key : keys) {
                kept.offer(distance_of(key), row_of(key));
                if (distance_of(key) <= limit) right.insert(std::upper_bound(right.begin(), right.end(), key), key);
                if (right.size() > k) right.pop_back();
                wrong += kept.size() == right.size() && kept.room() == k - right.size() ? 0 : 1;
                const float bound = right.size() == k ? distance_of(right.back()) : limit;
                wrong += kept.bound() == bound ? 0 : 1;
                std::vector<OrderedKey> unsorted(kept.unsorted().begin(), kept.unsorted().end());
                std::sort(unsorted.begin(), unsorted.end());
                wrong += unsorted == right ? 0 : 1;
            }
            CHECK(wrong == 0);
            const auto sorted = kept.sort();
            CHECK(std::vector<OrderedKey>(sorted.begin(), sorted.end()) == right);
        }
    }
}
