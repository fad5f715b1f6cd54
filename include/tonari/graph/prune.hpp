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
#include <tonari/simd/prefetch.hpp>

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

/// What links are chosen by: rows that lie somewhere, and the distance between two of them.
template <class R>
concept LinkRows =
    requires(const R rows, typename R::Scorer& scorer, RowId row, const std::byte* code, std::byte* buffer) {
        { rows.scorer() } -> std::same_as<typename R::Scorer>;
        { rows.code(row) } noexcept -> std::same_as<const std::byte*>;
        { rows.code_size() } noexcept -> std::same_as<std::size_t>;
        { rows.query_size() } noexcept -> std::same_as<std::size_t>;
        {
            rows.aim(scorer, code, buffer)
        } noexcept;  // the scorer then measures from that row; `query_size()` bytes of buffer
        { rows.metric_kind() } noexcept -> std::same_as<MetricKind>;
    };

/// Rows one behind another.
template <class Codec>
class PackedRows {
public:
    using Scorer = typename Codec::Scorer;
    PackedRows(const Codec& codec, const std::byte* codes) noexcept : codec_(&codec), codes_(codes) {}
    [[nodiscard]] Scorer scorer() const { return codec_->scorer(); }
    [[nodiscard]] const std::byte* code(RowId row) const noexcept { return codes_ + std::size_t{row} * code_size(); }
    [[nodiscard]] std::size_t code_size() const noexcept { return codec_->code_size(); }
    [[nodiscard]] std::size_t query_size() const noexcept { return codec_->query_size(); }
    void aim(Scorer& scorer, const std::byte* code, std::byte* buffer) const noexcept {
        scorer.set_query(codec_->as_query(code, buffer));
    }
    [[nodiscard]] MetricKind metric_kind() const noexcept { return codec_->metric_kind(); }

private:
    const Codec* codec_;
    const std::byte* codes_;
};

/// Distances of candidates from where the scorer stands, which sort them.
template <LinkRows Rows>
void rank(const Rows& rows, typename Rows::Scorer& scorer, std::span<Candidate> candidates) noexcept {
    std::array<const std::byte*, max_batch> codes;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    std::array<float, max_batch> distances;         // NOLINT(cppcoreguidelines-pro-type-member-init)
    constexpr std::size_t lines = 12;
    for (std::size_t first = 0; first < candidates.size(); first += max_batch) {
        const std::size_t count = std::min(max_batch, candidates.size() - first);
        for (std::size_t i = 0; i < count; ++i) {
            codes[i] = rows.code(candidates[first + i].row);
            simd::prefetch(codes[i], rows.code_size(), lines);
        }
        scorer.distances({codes.data(), count}, distances.data());
        for (std::size_t i = 0; i < count; ++i) candidates[first + i].distance = distances[i];
    }
    std::sort(candidates.begin(), candidates.end(),
              [](const Candidate& a, const Candidate& b) { return nearer(a, b); });
}

/// One thread's pruner over the rows of one index.
template <LinkRows Rows>
class Pruner {
public:
    explicit Pruner(const Rows& rows)
        : rows_(rows),
          same_place_(coincidence(rows.metric_kind())),
          scorer_(rows.scorer()),
          query_(rows.query_size()) {}

    /// Writes at most `limit` of `candidates` (nearest first, distances to the row that gets the links) to `out` and
    /// returns how many. Each link that is kept is measured against all that are left of some candidates at once: most are turned
    /// away by one of the first. O(candidates x links kept) distances, far fewer where rows lie in few directions.
    std::size_t operator()(std::span<const Candidate> candidates, std::size_t limit, RowId* out) noexcept {
        std::size_t kept = 0;
        for (std::size_t first = 0; first < candidates.size() && kept < limit; first += window) {
            left_ = std::min(window, candidates.size() - first);
            for (std::size_t i = 0; i < left_; ++i) {
                candidates_[i] = candidates[first + i];
                codes_[i] = rows_.code(candidates_[i].row);
            }
            for (std::size_t i = 0; i < kept && left_ > 0; ++i) turn_away(kept_[i], 0);
            for (; left_ > 0 && kept < limit; ++kept) {
                out[kept] = candidates_[0].row;
                kept_[kept] = codes_[0];
                if (kept + 1 < limit) turn_away(kept_[kept], 1);
            }
        }
        return kept;
    }

    /// Does none of `links` lead to `candidate` already?
    bool is_new_direction(const Candidate& candidate, std::span<const RowId> links) noexcept {
        for (std::size_t i = 0; i < links.size(); ++i) kept_[i] = rows_.code(links[i]);
        return !leads_to(rows_.code(candidate.row), candidate.distance, links.size());
    }

private:
    static constexpr std::size_t window = 64;

    /// Of the candidates from `first` on leaves those that are nearer to the row than to `link`; those before are done with.
    void turn_away(const std::byte* link, std::size_t first) noexcept {
        std::array<float, window> to_link;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        if (first < left_) {
            rows_.aim(scorer_, link, query_.data());
            scorer_.distances({codes_.data() + first, left_ - first}, to_link.data() + first);
        }
        std::size_t stay = 0;
        for (std::size_t i = first; i < left_; ++i) {
            if (to_link[i] < candidates_[i].distance || to_link[i] <= same_place_) continue;
            candidates_[stay] = candidates_[i];
            codes_[stay++] = codes_[i];
        }
        left_ = stay;
    }

    /// Is one of the kept links nearer to the candidate than the row itself is?
    bool leads_to(const std::byte* code, float distance, std::size_t kept) noexcept {
        constexpr std::size_t group = 4;  // most candidates are rejected by one of the first links
        if (kept == 0) return false;
        rows_.aim(scorer_, code, query_.data());
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

    Rows rows_;
    float same_place_;
    typename Rows::Scorer scorer_;
    std::vector<std::byte> query_;
    std::array<const std::byte*, max_batch> kept_;
    std::array<Candidate, window> candidates_;  // that are left, the nearest first
    std::array<const std::byte*, window> codes_;
    std::size_t left_ = 0;
};

}  // namespace tonari
