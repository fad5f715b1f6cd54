// Which rows a walk has seen: one bit a row (125 KB for a million rows stays in the L2 cache).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <tonari/core/types.hpp>

namespace tonari {

class VisitedSet {
public:
    /// Makes room for `rows` rows. The only place that allocates.
    void reserve(std::size_t rows) {
        if (words_.size() < (rows + 63) / 64) {
            words_.assign((rows + 63) / 64, 0);
            touched_.resize(words_.size() / clear_ratio + 1);
            count_ = 0;
        }
    }
    /// Forgets everything: the touched words one by one while they are few, else all of them at once.
    void clear() noexcept {
        if (count_ + 1 < touched_.size()) {
            for (std::size_t i = 0; i < count_; ++i) words_[touched_[i]] = 0;
        } else {
            std::fill(words_.begin(), words_.end(), 0);
        }
        count_ = 0;
    }
    /// True if `row` was not seen before. Without branches: whether a walk has seen a neighbour cannot be predicted.
    bool insert(RowId row) noexcept {
        std::uint64_t& word = words_[row >> 6];
        const std::uint64_t before = word;
        const std::uint64_t bit = std::uint64_t{1} << (row & 63);
        word = before | bit;
        touched_[count_] = row >> 6;
        count_ += static_cast<std::size_t>(before == 0) & static_cast<std::size_t>(count_ + 1 < touched_.size());
        return (before & bit) == 0;
    }
    [[nodiscard]] bool contains(RowId row) const noexcept { return (words_[row >> 6] >> (row & 63) & 1) != 0; }

private:
    static constexpr std::size_t clear_ratio = 16;  // a scattered store costs about as much as 16 streamed ones
    std::vector<std::uint64_t> words_;
    std::vector<std::uint32_t> touched_;  // words that are not zero, and one place that is written and does not count
    std::size_t count_ = 0;               // of these; once only that place is left, others go uncounted
};

}  // namespace tonari
