// Where rows found by coarse codes go that finer codes of them rank.
//
// How many rows are looked at again is not a number that somebody guesses: a coarse code says how near a row may be at least,
// and one that may be nearer than the k-th by fine codes so far is looked at. (As in Gao and Long 2024, section 4.)
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include <tonari/codec/scorer.hpp>
#include <tonari/core/collector.hpp>
#include <tonari/core/nearest_limit.hpp>
#include <tonari/core/ordered_key.hpp>
#include <tonari/core/top_k.hpp>
#include <tonari/simd/prefetch.hpp>

namespace tonari {

/// Keeps the nearest rows by their fine codes, of those whose coarse codes do not rule them out. `Fine` are StoredRows or what
/// has as much of them as is used here.
template <class Fine>
class RefiningCollector {
public:
    static constexpr bool by_bounds = true;  // of the rows that are offered some are never looked at

    RefiningCollector(const Fine& fine, typename Fine::Scorer& scorer, TopK& nearest) noexcept
        : fine_(&fine), code_size_(fine.codec().code_size()), scorer_(&scorer), nearest_(&nearest) {}

    /// What is to be added to lower bounds that are offered, for them to be of fine distances.
    void offset_bounds(float offset) noexcept { offset_ = offset; }

    [[nodiscard]] float bound() const noexcept { return nearest_->bound() - offset_; }
    [[nodiscard]] std::size_t size() const noexcept { return nearest_->size(); }
    [[nodiscard]] bool on_disk() const noexcept { return fine_->on_disk(); }
    [[nodiscard]] std::uint32_t looked_at() const noexcept { return looked_at_; }
    void offer(RowId row, float /*estimate*/, float lower) noexcept {
        if (lower > bound()) return;  // one at the bound may have the smaller id
        offered_[count_] = make_key(lower, row);
        if (++count_ == offered_.size()) settle();
    }
    /// A good time to look at what was offered since, if the rows lie in memory: the bound keeps others from being offered. Once there
    /// is one, some are waited for: of more rows at once, the nearest of which are looked at first, fewer need to be.
    /// From disk as many as possible at once are looked at.
    void flush() noexcept {
        if (!fine_->on_disk() && (nearest_->room() > 0 || count_ >= waited_for)) settle();
    }
    /// Looks at what was offered since. As long as there is no bound, first at the rows that seem nearest: their distances rule
    /// out most of the others.
    void settle() noexcept {
        const std::size_t room = nearest_->room();
        if (!fine_->on_disk() && room > 0 && room < count_) {
            const std::size_t first = put_nearest_first(room);
            look_at(0, first);
            look_at(first, count_);
        } else {
            if (room == 0 || fine_->on_disk()) {
                std::sort(offered_.begin(), offered_.begin() + static_cast<std::ptrdiff_t>(count_));
            }
            look_at(0, count_);
        }
        count_ = 0;
    }

    /// Of what was offered since only as many rows as the disk is asked for at once.
    void keep_nearest() noexcept {
        if (count_ <= at_once) return;
        const auto first = offered_.begin();
        std::nth_element(first, first + at_once, first + static_cast<std::ptrdiff_t>(count_));
        count_ = at_once;
    }
    /// What was offered and not looked at: at most so much, after a flush.
    static constexpr std::size_t most_waiting(const Fine& fine) noexcept {
        return fine.on_disk() ? max_batch : waited_for;
    }
    [[nodiscard]] std::span<const OrderedKey> waiting() const noexcept { return {offered_.data(), count_}; }
    /// Goes on where another collector of the same query left off.
    void resume(std::span<const OrderedKey> waiting) noexcept {
        std::copy(waiting.begin(), waiting.end(), offered_.begin());
        count_ = waiting.size();
    }

private:
    static constexpr std::size_t waited_for = 32;
    static constexpr std::size_t at_once = 16;   // from disk
    static constexpr std::size_t in_memory = 8;  // fewer: each may bring a bound for those behind it

    /// Of what was offered since at least the `wanted` nearest, which are not all, and few others: how many.
    std::size_t put_nearest_first(std::size_t wanted) noexcept {
        std::array<float, max_batch> lower;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        for (std::size_t i = 0; i < count_; ++i) lower[i] = distance_of(offered_[i]);
        const float limit = nearest_limit(std::span(lower).first(count_), wanted);
        const auto last = offered_.begin() + static_cast<std::ptrdiff_t>(count_);
        if (limit < std::numeric_limits<float>::infinity()) {
            const auto within = [=](OrderedKey key) { return distance_of(key) <= limit; };
            return static_cast<std::size_t>(std::partition(offered_.begin(), last, within) - offered_.begin());
        }
        std::nth_element(offered_.begin(), offered_.begin() + static_cast<std::ptrdiff_t>(wanted), last);
        return wanted;
    }
    /// Those of offers [first, last) that the bound has not ruled out meanwhile.
    void look_at(std::size_t first, std::size_t last) noexcept {
        std::array<const std::byte*, at_once> codes{};
        std::array<RowId, at_once> rows{};
        std::array<float, at_once> distances{};
        const std::size_t most = fine_->on_disk() ? at_once : in_memory;
        while (first < last) {
            std::size_t count = 0;
            for (; first < last && count < most; ++first) {
                if (distance_of(offered_[first]) > bound()) continue;
                rows[count] = row_of(offered_[first]);
                codes[count] = fine_->code(rows[count]);
                simd::prefetch(codes[count++], code_size_, 8);
            }
            if (fine_->on_disk()) {
                for (std::size_t i = 0; i < count; ++i) fine_->fetch(rows[i], rows[i] + std::size_t{1});
            }
            scorer_->distances({codes.data(), count}, distances.data());
            for (std::size_t i = 0; i < count; ++i) nearest_->offer(distances[i], rows[i]);
            looked_at_ += static_cast<std::uint32_t>(count);
        }
    }

    const Fine* fine_;
    std::size_t code_size_;
    typename Fine::Scorer* scorer_;
    TopK* nearest_;
    std::array<OrderedKey, max_batch> offered_;  // NOLINT(cppcoreguidelines-pro-type-member-init): lower bound, row
    std::size_t count_ = 0;
    float offset_ = 0;
    std::uint32_t looked_at_ = 0;
};

}  // namespace tonari
