// The type-erased cursor, and what all cursors share: the order of answers. Where rows come from is a source's business.
#pragma once

#include <algorithm>
#include <concepts>
#include <limits>
#include <utility>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/graph/cursor_frontier.hpp>
#include <tonari/index/cursor.hpp>

namespace tonari {

class TONARI_API CursorModel {
public:
    CursorModel() = default;
    CursorModel(const CursorModel&) = delete;
    CursorModel& operator=(const CursorModel&) = delete;
    virtual ~CursorModel();

    /// As `Cursor::next`. Throws bad_alloc, and then goes on where it was.
    virtual Outcome next(std::size_t n, const Deadline& deadline, std::vector<Neighbor>& out) = 0;
    [[nodiscard]] virtual bool done() const noexcept = 0;
    [[nodiscard]] virtual std::size_t late() const noexcept = 0;
};

/// Where a cursor's rows come from. It stays where it was made: walks point into themselves.
template <class S>
concept RowSource = requires(S source, const S known, const Deadline& deadline, RowId row, void (&visit)(Id)) {
    { known.ids() } noexcept -> std::same_as<std::size_t>;  // most that may be answered
    { source.pending() } noexcept -> std::same_as<PendingRows&>;
    { known.pending() } noexcept -> std::same_as<const PendingRows&>;
    // Offers rows until as many are pending as it was widened to and no nearer one is in sight, or none is left.
    // Throws bad_alloc, and then goes on where it was.
    { source.find(deadline) } -> std::same_as<Outcome>;
    { known.exhausted() } noexcept -> std::same_as<bool>;  // no row is left to be found
    { known.for_each_id(row, visit) } noexcept;            // those of the row that may be answered
};

template <class Source>
class CursorOf final : public CursorModel {
public:
    template <class... Arguments>
    explicit CursorOf(const CursorOptions& options, const Arguments&... arguments)
        : source_(arguments...), ef_(options.ef), strict_(options.strict) {
        static_assert(RowSource<Source>);
    }

    Outcome next(std::size_t n, const Deadline& deadline, std::vector<Neighbor>& out) override {
        n = std::min(n, source_.ids());
        out.clear();
        out.reserve(n);
        put_in_order();  // what an earlier call left when memory ran out
        Outcome outcome;
        while (ready() < n && outcome.complete && !drained()) {
            // Nothing is ahead of what is found when all is: then a batch is sorted, no more.
            const std::size_t ahead = source_.exhausted() ? 1 : ef_;
            source_.pending().widen(std::clamp<std::size_t>(ahead, std::max<std::size_t>(n, 1), most(n)));
            const Outcome found = source_.find(deadline);
            outcome.complete = found.complete;
            outcome.hops += found.hops;
            outcome.distances += found.distances;
            exact_ = found.exact;
            source_.pending().sort();
            if (outcome.complete || !strict_) make_ready(n);
        }
        outcome.exact = outcome.complete && exact_;
        answer(std::min(n, ready()), out);
        return outcome;
    }
    [[nodiscard]] bool done() const noexcept override { return ready() == 0 && (taken_ >= source_.ids() || drained()); }
    [[nodiscard]] std::size_t late() const noexcept override { return late_; }

private:
    /// No walk needs to be wider than all there is.
    [[nodiscard]] std::size_t most(std::size_t n) const noexcept {
        return std::max({n, source_.ids(), std::size_t{1}});
    }
    [[nodiscard]] bool drained() const noexcept { return source_.exhausted() && source_.pending().empty(); }
    [[nodiscard]] std::size_t ready() const noexcept { return ready_.size() - answered_; }

    /// The ids of pending rows, nearest first, until `n` are ready and all that are as near as the last of them.
    void make_ready(std::size_t n) {
        PendingRows& pending = source_.pending();
        while (!pending.empty()) {
            const OrderedKey key = pending.first();
            const float distance = distance_of(key);
            if (ready() >= n && distance > ready_.back().distance) break;
            // Behind the nearest ones lies what the walk has not come to yet: to answer that would make the rest late.
            if (strict_ && pending.beyond_nearest() && !source_.exhausted()) break;
            std::size_t ids = 0;
            source_.for_each_id(row_of(key), [&](Id) { ++ids; });
            const std::size_t needed = ready_.size() + ids;
            if (needed > ready_.capacity()) ready_.reserve(std::max(needed, 2 * ready_.capacity()));
            const bool late = distance < farthest_;
            late_ += late ? ids : 0;
            taken_ += ids;
            if (!late || !strict_) {
                source_.for_each_id(row_of(key), [&](Id id) { ready_.push_back({id, distance}); });
            }
            pending.pop();  // last: what could not be taken stays
        }
        put_in_order();
    }
    void put_in_order() noexcept {
        const auto first = ready_.begin() + static_cast<std::ptrdiff_t>(answered_);
        const auto sorted = ready_.begin() + static_cast<std::ptrdiff_t>(sorted_);
        std::sort(sorted, ready_.end(), nearer_id);
        std::inplace_merge(first, sorted, ready_.end(), nearer_id);
        sorted_ = ready_.size();
    }
    void answer(std::size_t count, std::vector<Neighbor>& out) noexcept {
        if (count == 0) return;
        const auto first = ready_.begin() + static_cast<std::ptrdiff_t>(answered_);
        out.assign(first, first + static_cast<std::ptrdiff_t>(count));
        farthest_ = std::max(farthest_, out.back().distance);
        answered_ += count;
        if (2 * answered_ >= ready_.size()) {
            ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(answered_));
            answered_ = 0;
        }
        sorted_ = ready_.size();
    }
    static bool nearer_id(const Neighbor& a, const Neighbor& b) noexcept { return nearer(a, b); }

    Source source_;
    std::size_t ef_;
    bool strict_;
    std::vector<Neighbor> ready_;  // ids of rows that were taken, in order; those before `answered_` are answered
    std::size_t answered_ = 0;
    std::size_t sorted_ = 0;  // those behind were taken when memory ran out, and are in no order yet
    std::size_t taken_ = 0;   // ids that were ready at some time, or late and dropped
    bool exact_ = false;      // as the last look for rows said
    float farthest_ = -std::numeric_limits<float>::infinity();  // that was answered
    std::size_t late_ = 0;
};

}  // namespace tonari
