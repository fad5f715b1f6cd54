// The frontier of estimates beside a slow one that does what its description says.
#include <tonari/graph/fused_records.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "support/catch.hpp"

using namespace tonari;

namespace {

/// By the words: at most `ef` candidates, nearest first; estimates of one that waits are averaged.
class SlowFrontier {
public:
    explicit SlowFrontier(std::size_t ef) : ef_(ef) {}

    [[nodiscard]] float bound() const {
        return kept_.size() == ef_ ? kept_.back().distance : std::numeric_limits<float>::infinity();
    }
    void offer(RowId row, float estimate) {
        if (expanded_.count(row) != 0) return;
        const auto same = std::find_if(kept_.begin(), kept_.end(), [&](const Candidate& c) { return c.row == row; });
        if (same != kept_.end()) {
            same->distance = 0.5F * (same->distance + estimate);
        } else {
            kept_.push_back({estimate, row});
        }
        std::sort(kept_.begin(), kept_.end(), [](const Candidate& a, const Candidate& b) { return nearer(a, b); });
        if (kept_.size() > ef_) kept_.pop_back();
    }
    std::optional<RowId> pop() {
        for (const Candidate& candidate : kept_) {
            if (expanded_.insert(candidate.row).second) return candidate.row;
        }
        return std::nullopt;
    }

private:
    std::size_t ef_;
    std::vector<Candidate> kept_;
    std::set<RowId> expanded_;
};

}  // namespace

TEST_CASE("estimates: rows are expanded as by a frontier that sorts", "[graph]") {
    std::mt19937 random(7);
    EstimateFrontier fast;
    VisitedSet met;
    VisitedSet expanded;
    TopK nearest;
    constexpr std::size_t rows = 60;
    met.reserve(rows);
    expanded.reserve(rows);
    std::size_t popped = 0;
    for (int round = 0; round < 400; ++round) {
        const std::size_t ef = 1 + random() % 40;
        fast.reset(ef, 5, met, expanded, nearest);
        SlowFrontier slow(ef);
        std::vector<float> settled;
        for (int step = 0; step < 80; ++step) {
            for (std::size_t offers = random() % 6; offers > 0; --offers) {
                const auto row = static_cast<RowId>(random() % rows);
                const auto estimate = static_cast<float>(random() % 50);  // ties are common
                fast.offer(row, estimate, estimate);
                slow.offer(row, estimate);
                REQUIRE(fast.bound() == slow.bound());
            }
            const RowId next = fast.peek();
            const auto row = fast.pop();
            REQUIRE(row == slow.pop());
            CHECK(next == row.value_or(no_row));
            if (!row) continue;
            ++popped;
            settled.push_back(static_cast<float>(random() % 50));
            fast.settle(*row, settled.back());
        }
        std::sort(settled.begin(), settled.end());
        settled.resize(std::min<std::size_t>(settled.size(), 5));
        const auto kept = nearest.sort();
        REQUIRE(kept.size() == settled.size());
        for (std::size_t i = 0; i < kept.size(); ++i) CHECK(distance_of(kept[i]) == settled[i]);
    }
    CHECK(popped > 4000);
}

TEST_CASE("records: everything stands where the picture says", "[graph]") {
    for (const std::size_t code : {1, 63, 64, 65, 516}) {
        for (const std::size_t degree : {32, 64, 512}) {
            const FusedLayout layout(code, 448, degree);
            CHECK(layout.blocks_at % 64 == 0);
            CHECK(layout.blocks_at >= code);
            CHECK(layout.blocks_at < code + 64);
            CHECK(layout.links_at == layout.blocks_at + degree / 32 * 448);
            CHECK(layout.stride % 64 == 0);
            CHECK(layout.stride >= layout.links_at + 4 * degree);
        }
    }
}
