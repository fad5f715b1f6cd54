// When a search may leave lists unasked: after a while in which none held a row that is among the nearest.
//
// Lists are asked in the order of their centroids' distances. After some without a find the next will hold one with a probability
// that falls with their number, and with how far their centroids lie beyond the k-th row so far: so lists in vain count more, the
// farther the next one lies. (That a search may end by how it has gone: Li, Zhang, Andersen and He 2020, who learn it; patience is
// the word of Lucene's graphs. The weight is ours: counting the lists' rows alone, on sift-128 with 1,024 lists, as many
// neighbours are found by comparing 1.35 to 1.5 times fewer; without it 1.2 to 1.3 times. Ranking further lists takes some of that back.)
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

#include <tonari/metric/metric.hpp>

namespace tonari {

class Patience {
public:
    /// It ends after `lists` in vain whose next one is as far as the k-th row; 0: never.
    Patience(float lists, MetricKind metric) noexcept : lists_(lists), metric_(metric) {}
    /// A search within a radius has none: it goes from list to list by what these hold.
    template <class Options>
    static Patience of(const Options& options, MetricKind metric) noexcept {
        if constexpr (requires { options.patience; }) {
            return {options.patience, metric};
        } else {
            return {0, metric};
        }
    }

    [[nodiscard]] bool ever_ends() const noexcept { return lists_ > 0; }
    /// Is the list at `distance` not worth asking? `bound` is the distance of the k-th row, or infinite.
    [[nodiscard]] bool ends(float distance, float bound) const noexcept {
        if (!ever_ends() || in_vain_ == 0 || bound == infinite) return false;
        return static_cast<double>(in_vain_) * weight(distance, bound) >= static_cast<double>(lists_);
    }
    /// One more list was asked, and `bound` is what is left to be undercut.
    void asked(float bound) noexcept {
        in_vain_ = bound < bound_ ? 0 : in_vain_ + 1;
        bound_ = bound;
    }
    /// How many of at most `most` lists are worth ranking before the first is asked: most searches end within these.
    [[nodiscard]] std::size_t ranked_first(std::size_t most) const noexcept {
        if (!ever_ends()) return most;
        return static_cast<std::size_t>(std::min(static_cast<double>(most), 1.5 * static_cast<double>(lists_) + 8));
    }

private:
    static constexpr float infinite = std::numeric_limits<float>::infinity();

    /// The fourth power of a distance in space: squared where distances are squares already. Products have no zero to measure from.
    [[nodiscard]] double weight(float distance, float bound) const noexcept {
        if (metric_ == MetricKind::inner_product) return 1;
        if (bound <= 0) return 1e300;  // nothing is nearer
        const double beyond = static_cast<double>(distance) / static_cast<double>(bound);
        return metric_ == MetricKind::l1 ? beyond * beyond * beyond * beyond : beyond * beyond;
    }

    float lists_;
    MetricKind metric_;
    std::size_t in_vain_ = 0;
    float bound_ = infinite;
};

}  // namespace tonari
