// A growing graph as walks see it: one layer, those of its vertices for which the walk has room.
#pragma once

#include <array>
#include <optional>

#include <tonari/core/visited.hpp>
#include <tonari/graph/expander.hpp>
#include <tonari/graph/growing_graph.hpp>

#if defined(__SANITIZE_THREAD__)
#define TONARI_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TONARI_THREAD_SANITIZER 1
#endif
#endif

namespace tonari {

namespace detail {
/// Kernels are not instrumented: this read stands for theirs, so that ThreadSanitizer sees a place that is used again
/// while somebody reads it.
inline void row_is_read([[maybe_unused]] const std::byte* code) noexcept {
#if defined(TONARI_THREAD_SANITIZER)
    static_cast<void>(*static_cast<const volatile std::byte*>(code));
#endif
}
}  // namespace detail

/// The neighbours of a vertex, for `descend`.
template <class Rows>
class GrowingNeighbours {
public:
    GrowingNeighbours(const GrowingGraph& graph, const Rows& rows, std::size_t layer, std::size_t room) noexcept
        : graph_(&graph), rows_(&rows), layer_(layer), room_(room) {}

    std::size_t operator()(RowId vertex, RowId* out, const std::byte** codes) const noexcept {
        const GrowingGraph::Link* links = graph_->list(layer_, vertex);
        std::size_t count = 0;
        for (std::size_t i = 0; i < graph_->degree(layer_); ++i) {
            const RowId row = links[i].load(std::memory_order_acquire);
            if (row == no_row) break;
            if (row >= room_) continue;
            out[count] = row;
            codes[count] = rows_->code(row);
            detail::row_is_read(codes[count]);
            simd::prefetch(codes[count++], rows_->code_size(), 12);
        }
        return count;
    }

private:
    const GrowingGraph* graph_;
    const Rows* rows_;
    std::size_t layer_;
    std::size_t room_;
};

/// `visited` has room for the vertices below `room`; those that came since are passed over.
template <class Rows, class S>
class GrowingExpander {
public:
    static constexpr bool bounded = S::bounded;

    GrowingExpander(const GrowingGraph& graph, const Rows& rows, std::size_t layer, std::size_t room, S& scorer,
                    VisitedSet& visited) noexcept
        : graph_(&graph), rows_(&rows), layer_(layer), room_(room), scorer_(&scorer), visited_(&visited) {}

    std::optional<float> expand(RowId vertex, float bound, Expansion& out) noexcept {
        const GrowingGraph::Link* const links = graph_->list(layer_, vertex);
        const auto link = [&](std::size_t i) {
            const RowId row = links[i].load(std::memory_order_acquire);
            return row < room_ || row == no_row ? row : vertex;  // itself, which was met: passed over
        };
        const std::size_t fresh = meet(graph_->degree(layer_), rows_->code_size(), link, {0, room_}, *visited_,
                                       out.rows.data(), [&](std::size_t place, RowId row) {
                                           batch_[place] = rows_->code(row);
                                           detail::row_is_read(batch_[place]);
                                           simd::prefetch(batch_[place], rows_->code_size(), prefetched_lines);
                                       });
        out.survivors.clear();
        out.scored = fresh;
        if (fresh != 0) scorer_->gather({batch_.data(), fresh}, bound, out.survivors);
        return std::nullopt;  // its distance was exact when it was found
    }
    void prefetch(RowId vertex) noexcept {
        simd::prefetch(graph_->list(layer_, vertex), graph_->degree(layer_) * sizeof(RowId));
    }

private:
    const GrowingGraph* graph_;
    const Rows* rows_;
    std::size_t layer_;
    std::size_t room_;
    S* scorer_;
    VisitedSet* visited_;
    std::array<const std::byte*, max_batch> batch_;
};

}  // namespace tonari
