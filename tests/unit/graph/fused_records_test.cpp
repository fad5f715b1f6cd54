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

/// By the words: at most `ef` estimates, least first, of rows that were not expanded; or rows, by the first estimate of each.
class SlowFrontier {
public:
    SlowFrontier(std::size_t ef, bool once) : ef_(ef), once_(once) {}

    [[nodiscard]] float bound() const {
        return kept_.size() == ef_ ? kept_.back().distance : std::numeric_limits<float>::infinity();
    }
    void offer(RowId row, float estimate) {
        if (once_ ? !met_.insert(row).second : expanded_.count(row) != 0) return;
        kept_.push_back({estimate, row});
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
    bool once_;
    std::vector<Candidate> kept_;
    std::set<RowId> met_;
    std::set<RowId> expanded_;
};

}  // namespace

TEST_CASE("estimates: rows are expanded as by a frontier that sorts, and each is answered once", "[graph]") {
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
        std::map<RowId, float> settled;  // by its first distance: in truth it has but one
        for (const bool once : {false, true}) {
            if (once) fast.restart_once_each();
            SlowFrontier slow(ef, once);
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
                const auto distance = static_cast<float>(random() % 50);
                settled.emplace(*row, distance);
                fast.settle(*row, distance);
            }
        }
        std::vector<float> distances;
        for (const auto& [row, distance] : settled) distances.push_back(distance);
        std::sort(distances.begin(), distances.end());
        distances.resize(std::min<std::size_t>(distances.size(), 5));
        const auto kept = nearest.sort();
        REQUIRE(kept.size() == distances.size());
        for (std::size_t i = 0; i < kept.size(); ++i) CHECK(distance_of(kept[i]) == distances[i]);
    }
    CHECK(popped > 8000);
}

TEST_CASE("records: everything stands where the picture says", "[graph]") {
    for (const std::size_t code : {1U, 63U, 64U, 65U, 516U}) {
        for (const std::size_t degree : {32U, 64U, 512U}) {
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
