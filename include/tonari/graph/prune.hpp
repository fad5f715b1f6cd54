// Which of many near rows become links: those that no nearer link already leads to (Malkov, Yashunin 2016,
// algorithm 4; the rule is that of the relative neighbourhood graph, Toussaint 1980).
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <vector>

#include <tonari/codec/scorer.hpp>
#include <tonari/core/neighbor.hpp>

namespace tonari {

/// Below or at this distance two rows count as the same place, and one link to it is enough. Without that,
/// thousands of equal rows would fill each other's links and fall off the graph.
constexpr float coincidence(MetricKind metric) noexcept {
    switch (metric) {
        case MetricKind::l2:
        case MetricKind::l1:
        case MetricKind::hamming: return 0.0F;
        case MetricKind::cosine: return 4 * std::numeric_limits<float>::epsilon();
        case MetricKind::inner_product:
        case MetricKind::user: break;  // no distance means "the same"
    }
    return -std::numeric_limits<float>::infinity();
}

/// One thread's pruner over the codes of one index.
template <class Codec>
class Pruner {
public:
    Pruner(const Codec& codec, const std::byte* codes)
        : codec_(&codec),
          codes_(codes),
          code_size_(codec.code_size()),
          same_place_(coincidence(codec.metric_kind())),
          scorer_(codec.scorer()),
          query_(codec.query_size()) {}

    /// Writes at most `limit` of `candidates` (nearest first, distances to the row that gets the links) to `out` and
    /// returns how many. O(candidates x links kept) distances, less by early rejection.
    std::size_t operator()(std::span<const Candidate> candidates, std::size_t limit, RowId* out) noexcept {
        std::size_t kept = 0;
        for (const Candidate& candidate : candidates) {
            if (kept == limit) break;
            const std::byte* code = at(candidate.row);
            if (leads_to(code, candidate.distance, kept)) continue;
            out[kept] = candidate.row;
            kept_[kept++] = code;
        }
        return kept;
    }

private:
    [[nodiscard]] const std::byte* at(RowId row) const noexcept { return codes_ + std::size_t{row} * code_size_; }

    /// Is one of the kept links nearer to the candidate than the row itself is?
    bool leads_to(const std::byte* code, float distance, std::size_t kept) noexcept {
        constexpr std::size_t group = 4;  // most candidates are rejected by one of the first links
        scorer_.set_query(codec_->as_query(code, query_.data()));
        std::array<float, group> to_link;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        for (std::size_t first = 0; first < kept; first += group) {
            const std::size_t count = std::min(group, kept - first);
            scorer_.distances({kept_.data() + first, count}, to_link.data());
            for (std::size_t i = 0; i < count; ++i) {
                if (to_link[i] < distance || to_link[i] <= same_place_) return true;
            }
        }
        return false;
    }

    const Codec* codec_;
    const std::byte* codes_;
    std::size_t code_size_;
    float same_place_;
    typename Codec::Scorer scorer_;
    std::vector<std::byte> query_;
    std::array<const std::byte*, max_batch> kept_;
};

}  // namespace tonari
