// Archetype: a graph whose rows hold everything that a step needs, as on a disk:
//
//     | the vertex's own values, float32 | degree links | degree codes of the neighbours, int8 |
//
// Neighbours are estimated from their codes, so that no other row is touched; the distance of the vertex itself comes
// with its row, and is what the answer is made of.
#include <cmath>
#include <cstring>

#include <tonari/core/top_k.hpp>
#include <tonari/graph/beam_search.hpp>

#include "support/catch.hpp"
#include "support/oracle.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr float step = 1.0F / 32;

class FusedRows {
public:
    /// Links every row to its `degree` nearest, the quick way of a test.
    FusedRows(const Rows& rows, std::size_t degree)
        : dim_(rows.dim()), degree_(degree), bytes_(rows.size() * row_size()) {
        for (std::size_t i = 0; i < rows.size(); ++i) {
            std::byte* at = bytes_.data() + i * row_size();
            std::memcpy(at, rows.values(i).data(), dim_ * sizeof(float));
            const auto nearest = all_sorted(definition_of(MetricKind::l2), rows, {}, rows.values(i));
            for (std::size_t n = 0; n < degree_; ++n) {
                // Half near ones, half spread over all rows, so that every place can be reached.
                const auto to =
                    static_cast<RowId>(n % 2 == 0 ? nearest[n / 2 + 1].id : nearest[nearest.size() * n / degree_].id);
                std::memcpy(at + dim_ * sizeof(float) + n * sizeof(RowId), &to, sizeof to);
                for (Dim d = 0; d < dim_; ++d) {
                    const auto code =
                        static_cast<std::int8_t>(std::clamp(std::lround(rows.values(to)[d] / step), -127L, 127L));
                    std::memcpy(at + codes_at() + n * dim_ + d, &code, 1);
                }
            }
        }
    }
    [[nodiscard]] std::size_t row_size() const { return codes_at() + degree_ * dim_; }
    [[nodiscard]] std::size_t codes_at() const { return dim_ * sizeof(float) + degree_ * sizeof(RowId); }
    [[nodiscard]] const std::byte* row(RowId vertex) const noexcept { return bytes_.data() + vertex * row_size(); }
    [[nodiscard]] Dim dim() const noexcept { return dim_; }
    [[nodiscard]] std::size_t degree() const noexcept { return degree_; }

private:
    Dim dim_;
    std::size_t degree_;
    std::vector<std::byte> bytes_;
};

class FusedExpander {
public:
    static constexpr bool bounded = false;

    FusedExpander(const FusedRows& rows, VectorView<float> query, VisitedSet& visited)
        : rows_(&rows), query_(query), visited_(&visited) {}

    std::optional<float> expand(RowId vertex, float bound, Expansion& out) noexcept {
        const std::byte* row = rows_->row(vertex);
        out.survivors.clear();
        out.scored = 0;
        for (std::size_t n = 0; n < rows_->degree(); ++n) {
            RowId to = 0;
            std::memcpy(&to, row + rows_->dim() * sizeof(float) + n * sizeof(RowId), sizeof to);
            if (!visited_->insert(to)) continue;
            const float estimate = estimated(row + rows_->codes_at() + n * rows_->dim());
            out.rows[out.scored] = to;
            if (estimate < bound) {
                out.survivors.index[out.survivors.count] = static_cast<std::uint32_t>(out.scored);
                out.survivors.estimate[out.survivors.count++] = estimate;
            }
            ++out.scored;
        }
        return L2{}.distance(query_, {reinterpret_cast<const float*>(row), rows_->dim()});
    }
    void prefetch(RowId vertex) noexcept { simd::prefetch(rows_->row(vertex), rows_->row_size()); }

private:
    [[nodiscard]] float estimated(const std::byte* code) const noexcept {
        float sum = 0;
        for (Dim d = 0; d < rows_->dim(); ++d) {
            const float difference = query_[d] - step * static_cast<float>(static_cast<std::int8_t>(code[d]));
            sum += difference * difference;
        }
        return sum;
    }
    const FusedRows* rows_;
    VectorView<float> query_;
    VisitedSet* visited_;
};

/// Walks by estimates, answers by distances.
class SettlingFrontier {
public:
    SettlingFrontier(std::size_t ef, std::size_t k) {
        walk_.reset(ef);
        answers_.reset(k);
    }
    [[nodiscard]] float bound() const noexcept { return walk_.bound(); }
    void offer(RowId row, float estimate, float lower) noexcept { walk_.offer(row, estimate, lower); }
    std::optional<RowId> pop() noexcept { return walk_.pop(); }
    [[nodiscard]] RowId peek() const noexcept { return walk_.peek(); }
    void settle(RowId vertex, float distance) noexcept { answers_.offer(distance, vertex); }
    std::span<const OrderedKey> answers() noexcept { return answers_.sort(); }

private:
    PoolFrontier walk_;
    TopK answers_;
};

static_assert(Expander<FusedExpander>);
static_assert(Frontier<SettlingFrontier>);

}  // namespace

TEST_CASE("concepts: a fused row answers with the distances that its rows hold", "[concepts]") {
    const Rows rows = clustered_rows(Element::float32, 16, 600, 12);
    const Rows queries = clustered_rows(Element::float32, 16, 20, 13);
    const FusedRows fused(rows, 16);
    double found = 0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        VisitedSet visited;
        visited.reserve(rows.size());
        visited.insert(0);
        FusedExpander expander(fused, queries.values(q), visited);
        SettlingFrontier frontier(60, 10);
        Expansion expansion;
        BeamSearch walk(expander, frontier, expansion);
        walk.start(0, 0);
        while (walk.step()) {
        }
        CHECK(walk.done());
        CHECK(walk.hops() >= 60);
        std::vector<Neighbor> answer;
        for (const OrderedKey key : frontier.answers()) {
            answer.push_back({static_cast<Id>(row_of(key)), distance_of(key)});
            CHECK(distance_of(key) ==
                  L2{}.distance(queries.values(q), rows.values(row_of(key))));  // exact, not estimated
        }
        REQUIRE(answer.size() == 10);
        found += recall(answer, all_sorted(definition_of(MetricKind::l2), rows, {}, queries.values(q)), 10);
    }
    CHECK(found >= 0.9 * static_cast<double>(queries.size()));
}
