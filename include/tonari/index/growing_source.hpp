// A cursor's rows from one moment of a growing graph, by a walk that stops and goes on while the graph changes.
//
// A link may move from a vertex that the walk has yet to expand to one that it has, so that a row is never met. Therefore
// the rows that were not met are compared one and all when the walk is over: every id of the moment comes. Where few rows
// pass a filter, that is all there is.
#pragma once

#include <array>

#include <tonari/index/cursor_model.hpp>
#include <tonari/index/growing_moment.hpp>

namespace tonari {

template <class Growing>
class GrowingSource {
public:
    GrowingSource(const Growing& index, typename Growing::Row query, const CursorOptions& options)
        : index_(&index),
          moment_(index),
          ids_(options.filter == nullptr ? index.most_ids() : options.filter->named->ids().size()),
          filter_(options.filter == nullptr ? nullptr : options.filter->named.get()),
          scratch_(index, moment_),
          scorer_(moment_.aim(query, scratch_)),
          expander_(moment_.bottom(scorer_, scratch_.visited)),
          frontier_(scratch_.heap, pending_, Passes{&moment_, filter_}),
          search_(expander_, frontier_, scratch_.expansion) {
        pending_.reserve(moment_.room());
        const bool scans = options.filter != nullptr && moment_.scan_is_cheaper(options.filter->passing, options.ef);
        state_ = scans ? State::sweeping : State::entering;
    }
    GrowingSource(const GrowingSource&) = delete;
    GrowingSource& operator=(const GrowingSource&) = delete;
    ~GrowingSource() = default;

    [[nodiscard]] std::size_t ids() const noexcept { return ids_; }
    [[nodiscard]] PendingRows& pending() noexcept { return pending_; }
    [[nodiscard]] const PendingRows& pending() const noexcept { return pending_; }
    [[nodiscard]] bool exhausted() const noexcept { return state_ == State::exhausted; }

    Outcome find(const Deadline& deadline) noexcept {
        Outcome outcome;
        if (state_ == State::entering) {
            outcome.distances = moment_.enter(search_, scorer_, scratch_);
            state_ = State::walking;
        }
        if (state_ == State::walking) {
            const std::uint32_t hops = search_.hops();
            const std::uint32_t distances = search_.distances();
            outcome.complete = run(search_, deadline);
            outcome.hops = search_.hops() - hops;
            outcome.distances += search_.distances() - distances;
            if (frontier_.exhausted()) state_ = State::sweeping;
        }
        if (state_ == State::sweeping && outcome.complete) sweep(deadline, outcome);
        return outcome;
    }
    template <class Visit>
    void for_each_id(RowId vertex, Visit&& visit) const noexcept {
        moment_.for_each_id(vertex, [&](Id id) {
            if (filter_ == nullptr || filter_->contains(id)) visit(id);
        });
    }

private:
    using Moment = GrowingMoment<Growing>;
    using Scorer = typename Growing::Scorer;
    struct Passes {
        const Moment* moment;
        const IdSet* filter;
        bool operator()(RowId vertex) const noexcept { return moment->passes(vertex, filter); }
    };
    using Frontier = CursorFrontier<Passes>;
    using Expander = GrowingExpander<typename Moment::Rows, Scorer>;
    struct Scratch : SearchScratch {
        Scratch(const Growing& index, const Moment& moment) {
            reserve_query(index.codec().query_size());
            visited.reserve(moment.room());
            heap.reserve(moment.room());
        }
    };
    enum class State : std::uint8_t { entering, walking, sweeping, exhausted };

    /// Compares the rows that the walk has not met.
    void sweep(const Deadline& deadline, Outcome& outcome) noexcept {
        constexpr std::size_t batch = 64;
        std::array<const std::byte*, batch> codes{};
        std::array<RowId, batch> rows;       // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        std::array<float, batch> distances;  // NOLINT(cppcoreguidelines-pro-type-member-init)
        const std::size_t last = moment_.vertices();
        while (swept_ < last && outcome.complete) {
            std::size_t count = 0;
            for (; count < batch && swept_ < last; ++swept_) {
                const auto vertex = static_cast<RowId>(swept_);
                if (scratch_.visited.contains(vertex) || !moment_.passes(vertex, filter_)) continue;
                codes[count] = index_->rows().code(vertex);
                rows[count++] = vertex;
            }
            scorer_.distances({codes.data(), count}, distances.data());
            for (std::size_t i = 0; i < count; ++i) pending_.offer(make_key(distances[i], rows[i]));
            outcome.distances += static_cast<std::uint32_t>(count);
            outcome.complete = swept_ >= last || !deadline.expired();
        }
        if (swept_ < last) return;  // `last` may have fallen: free places at the end were dropped
        state_ = State::exhausted;
        outcome.exact = outcome.complete && search_.hops() == 0;
    }

    const Growing* index_;
    Moment moment_;
    std::size_t ids_;
    const IdSet* filter_;
    Scratch scratch_;
    Scorer scorer_;
    Expander expander_;
    PendingRows pending_;
    Frontier frontier_;
    BeamSearch<Expander, Frontier> search_;
    State state_ = State::entering;
    std::size_t swept_ = 0;
};

}  // namespace tonari
