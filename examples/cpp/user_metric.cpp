// A metric of your own: places on the globe by great-circle distance, in a graph, in a file, and back.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <random>
#include <string_view>
#include <vector>

#include <tonari/tonari.hpp>

// Rows are (latitude, longitude) in radians. Smaller distances are nearer; `score` is what you show.
struct GreatCircle {
    static constexpr tonari::MetricKind kind = tonari::MetricKind::user;
    static constexpr std::string_view name = "great-circle";  // written into files, asked for when they are opened

    float distance(tonari::VectorView<float> a, tonari::VectorView<float> b) const noexcept {
        const double cosine = std::sin(a[0]) * std::sin(b[0]) + std::cos(a[0]) * std::cos(b[0]) * std::cos(a[1] - b[1]);
        return static_cast<float>(std::acos(std::clamp(cosine, -1.0, 1.0)));
    }
    float score(float distance) const noexcept { return 6371.0F * distance; }  // kilometres
};

int main() {
    std::mt19937 random(1);
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<float> places;
    for (int i = 0; i < 20'000; ++i) {
        places.push_back(std::asin(uniform(random)));
        places.push_back(std::numbers::pi_v<float> * uniform(random));
    }
    const tonari::MatrixView rows(places.data(), places.size() / 2, 2);

    const tonari::Index index = tonari::build("HNSW16", GreatCircle{}, rows).value();
    tonari::write_segment("places.tnr", index).value();
    const tonari::Segment map = tonari::Segment::open("places.tnr", GreatCircle{}).value();

    const std::vector<float> kyoto = {0.611F, 2.369F};
    tonari::Searcher search = map.searcher();
    const tonari::Nearest nearest = search(kyoto, {.k = 3}).value();
    for (const tonari::Neighbor& neighbor : nearest) {
        std::printf("place %lld, %.0f km away\n", static_cast<long long>(neighbor.id),
                    GreatCircle{}.score(neighbor.distance));
    }
    return nearest.size() == 3 && GreatCircle{}.score(nearest[0].distance) < 500 ? 0 : 1;
}
