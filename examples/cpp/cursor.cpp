// A search that goes on until the caller has enough: the nearest offers of five different shops, however many of the
// first ones that takes.
#include <cstdio>
#include <random>
#include <set>
#include <vector>

#include <tonari/tonari.hpp>

int main() {
    constexpr std::size_t offers = 20'000;
    constexpr std::size_t dim = 32;
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::vector<float> values(offers * dim);
    for (float& value : values) value = normal(random);
    const auto shop_of = [](tonari::Id offer) { return offer % 3 != 0 ? 1 : 2 + offer / 3 % 40; };  // one has most

    const tonari::MatrixView rows(values.data(), offers, dim);
    const tonari::Index index = tonari::build("HNSW16", tonari::MetricKind::l2, rows).value();

    std::set<tonari::Id> shops;
    std::size_t seen = 0;
    tonari::Cursor cursor = index.cursor(rows.row(42), {.ef = 100}).value();
    while (shops.size() < 5 && !cursor.done()) {
        for (const tonari::Neighbor& offer : cursor.next(10).value()) {
            ++seen;
            if (shops.size() < 5 && shops.insert(shop_of(offer.id)).second) {
                std::printf("shop %2lld: offer %lld at distance %.1f\n", static_cast<long long>(shop_of(offer.id)),
                            static_cast<long long>(offer.id), static_cast<double>(offer.distance));
            }
        }
    }
    std::printf("%zu offers seen, %zu of them out of order\n", seen, cursor.late());
    return shops.size() == 5 && seen < offers ? 0 : 1;
}
