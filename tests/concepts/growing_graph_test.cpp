// Archetype: a graph that grows while it is walked. Rows and links lie in chunks that never move; a vertex is linked
// only after it is whole; readers take no lock. The same BeamSearch walks it.
#include <array>
#include <atomic>
#include <memory>
#include <thread>

#include <tonari/codec/flat_scorer.hpp>
#include <tonari/graph/beam_search.hpp>

#include "support/catch.hpp"
#include "support/oracle.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr std::size_t degree = 8;
constexpr std::size_t chunk_rows = 256;
constexpr Dim dim = 8;

class GrowingGraph {
public:
    /// One writer. Links the new row to the row before it and to earlier ones, and some of those back.
    void add(std::span<const float> values) {
        const std::size_t row = size_.load(std::memory_order_relaxed);
        if (row % chunk_rows == 0) chunks_[row / chunk_rows] = std::make_unique<Chunk>();
        std::copy(values.begin(), values.end(), at(row).rows[row % chunk_rows].begin());
        for (std::size_t i = 0; i < degree; ++i) link(row, i).store(no_row, std::memory_order_relaxed);
        for (std::size_t i = 0, to = row; i < degree && to > 0; ++i) {
            to = i == 0 ? row - 1 : to / 2;
            link(row, i).store(static_cast<RowId>(to), std::memory_order_relaxed);
        }
        size_.store(row + 1, std::memory_order_release);
        if (row > 0)
            link(row - 1, degree - 1).store(static_cast<RowId>(row), std::memory_order_release);  // now it can be found
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_.load(std::memory_order_acquire); }
    [[nodiscard]] RowId linked(RowId row, std::size_t i) const noexcept {
        return at(row).links[row % chunk_rows][i].load(std::memory_order_acquire);
    }
    [[nodiscard]] const std::byte* code(RowId row) const noexcept {
        return reinterpret_cast<const std::byte*>(at(row).rows[row % chunk_rows].data());
    }

private:
    struct Chunk {
        std::array<std::array<float, dim>, chunk_rows> rows;
        std::array<std::array<std::atomic<RowId>, degree>, chunk_rows> links;
    };
    [[nodiscard]] Chunk& at(std::size_t row) const noexcept { return *chunks_[row / chunk_rows]; }
    std::atomic<RowId>& link(std::size_t row, std::size_t i) { return at(row).links[row % chunk_rows][i]; }

    std::array<std::unique_ptr<Chunk>, 64> chunks_;
    std::atomic<std::size_t> size_{0};
};

/// Sees the rows that were there when it began.
template <Scorer S>
class GrowingExpander {
public:
    static constexpr bool bounded = S::bounded;

    GrowingExpander(const GrowingGraph& graph, std::size_t rows, S& scorer, VisitedSet& visited)
        : graph_(&graph), rows_(rows), scorer_(&scorer), visited_(&visited) {}

    std::optional<float> expand(RowId vertex, float bound, Expansion& out) noexcept {
        out.survivors.clear();
        out.scored = 0;
        std::array<const std::byte*, degree> codes;
        for (std::size_t i = 0; i < degree; ++i) {
            const RowId to = graph_->linked(vertex, i);
            if (to >= rows_ || !visited_->insert(to)) continue;
            out.rows[out.scored] = to;
            codes[out.scored++] = graph_->code(to);
        }
        if (out.scored != 0) scorer_->gather({codes.data(), out.scored}, bound, out.survivors);
        return std::nullopt;
    }
    void prefetch(RowId vertex) noexcept { simd::prefetch(graph_->code(vertex)); }

private:
    const GrowingGraph* graph_;
    std::size_t rows_;
    S* scorer_;
    VisitedSet* visited_;
};
static_assert(Expander<GrowingExpander<KernelScorer>>);

/// Every row that can be reached, nearest first.
std::vector<Neighbor> walk_all(const GrowingGraph& graph, std::span<const float> query, PoolFrontier& frontier) {
    const std::size_t rows = graph.size();
    KernelScorer scorer(simd::kernels().of(MetricKind::l2, Element::float32), dim);
    scorer.set_query(query.data());
    VisitedSet visited;
    visited.reserve(rows);
    const auto entry = static_cast<RowId>(rows - 1);
    visited.insert(entry);
    frontier.reset(rows);
    Expansion expansion;
    GrowingExpander expander(graph, rows, scorer, visited);
    BeamSearch walk(expander, frontier, expansion);
    const std::byte* code = graph.code(entry);
    float distance = 0;
    scorer.distances({&code, 1}, &distance);
    walk.start(entry, distance);
    while (walk.step()) {
    }
    std::vector<Neighbor> out;
    for (const OrderedKey key : frontier.answers()) out.push_back({static_cast<Id>(row_of(key)), distance_of(key)});
    return out;
}

}  // namespace

TEST_CASE("concepts: a growing graph is walked while it grows", "[concepts]") {
    const std::size_t n = 3000;
    const Rows rows = integer_rows(Element::float32, dim, n, 14);
    GrowingGraph graph;
    graph.add(rows.values(0));
    std::thread writer([&] {
        for (std::size_t i = 1; i < n; ++i) graph.add(rows.values(i));
    });
    PoolFrontier frontier;
    std::size_t wrong = 0;
    std::size_t walks = 0;
    for (std::size_t size = 0; size < n; ++walks) {  // until a walk saw the whole
        const auto answer = walk_all(graph, rows.values(1), frontier);
        wrong += well_formed(answer) && answer.size() >= size ? 0 : 1;  // what was there stays there
        for (const Neighbor& neighbor : answer) {
            wrong +=
                neighbor.distance == L2{}.distance(rows.values(1), rows.values(static_cast<std::size_t>(neighbor.id)))
                    ? 0
                    : 1;
        }
        size = answer.size();
    }
    writer.join();
    CHECK(wrong == 0);
    CHECK(walks >= 1);
    CHECK(same_as_oracle(walk_all(graph, rows.values(1), frontier),
                         all_sorted(definition_of(MetricKind::l2), rows, {}, rows.values(1)), n, 0));
}
