// Scorers of rows that are stored as they are: by kernel for the built-in metrics, by the user's own function else.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <type_traits>

#include <tonari/codec/scorer.hpp>
#include <tonari/core/nearest_limit.hpp>
#include <tonari/metric/any_metric.hpp>
#include <tonari/simd/kernels.hpp>

namespace tonari {

namespace detail {
/// Appends the positions whose distance is below `bound`.
inline void keep_below(const float* distances, std::size_t count, float bound, Survivors& out) noexcept {
    std::size_t kept = out.count;
    for (std::size_t i = 0; i < count; ++i) {  // branch-free: about half of a neighbour list survives
        out.index[kept] = static_cast<std::uint32_t>(i);
        out.estimate[kept] = distances[i];
        kept += distances[i] < bound ? 1 : 0;
    }
    out.count = kept;
}
/// The same where few are: most are passed over some at a time.
inline void keep_few_below(const float* distances, std::size_t count, float bound, Survivors& out) noexcept {
    std::array<float, simd::block_queries> bounds;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    bounds.fill(bound);
    const std::size_t whole = count / bounds.size();
    const std::size_t found =
        simd::kernels().block_below(distances, whole, bounds.data(), out.index.data() + out.count);
    for (const std::size_t end = out.count + found; out.count < end; ++out.count) {
        out.estimate[out.count] = distances[out.index[out.count]];
    }
    for (std::size_t i = whole * bounds.size(); i < count; ++i) {
        out.index[out.count] = static_cast<std::uint32_t>(i);
        out.estimate[out.count] = distances[i];
        out.count += distances[i] < bound ? 1 : 0;
    }
}
/// The same of a scorer's distances from `count` codes.
template <class Scorer, class Codes>
void keep_nearer(const Scorer& scorer, const Codes& codes, std::size_t count, float bound, Survivors& out) noexcept {
    std::array<float, max_batch> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    scorer.distances(codes, buffer.data());
    if constexpr (std::is_same_v<Codes, CodeBlock>) {
        if (out.wanted > 0) {
            const float limit = nearest_limit({buffer.data(), count}, out.wanted);
            bound = std::min(bound, std::nextafter(limit, std::numeric_limits<float>::infinity()));
        }
        keep_few_below(buffer.data(), count, bound, out);
    } else {
        keep_below(buffer.data(), count, bound, out);
    }
}
}  // namespace detail

/// One type for every built-in metric and element: walks and builders are compiled once.
class KernelScorer {
public:
    static constexpr bool bounded = false;  // estimates are the distances

    KernelScorer() noexcept = default;
    KernelScorer(const simd::DistanceKernels& kernels, Dim dim) noexcept : kernels_(&kernels), dim_(dim) {}

    /// `query` is prepared as simd/kernels.hpp says, and outlives its use.
    void set_query(const void* query) noexcept { query_ = query; }
    /// See index/offer_together.hpp.
    [[nodiscard]] const std::byte* query() const noexcept { return static_cast<const std::byte*>(query_); }
    [[nodiscard]] float estimate_of(float distance) const noexcept { return distance; }
    [[nodiscard]] float kernel_limit(float bound) const noexcept { return bound; }
    /// out[i] = distance(query, codes[i]).
    void distances(std::span<const std::byte* const> codes, float* out) const noexcept {
        kernels_->gather(query_, codes.data(), codes.size(), dim_, out);
    }
    void distances(const CodeBlock& block, float* out) const noexcept {
        kernels_->scan(query_, block.first, block.stride, block.count, dim_, out);
    }

    void enter(Origin /*codes are absolute*/) noexcept {}
    void gather(std::span<const std::byte* const> codes, float bound, Survivors& out) noexcept {
        detail::keep_nearer(*this, codes, codes.size(), bound, out);
    }
    void scan(const CodeBlock& block, float bound, Survivors& out) noexcept {
        detail::keep_nearer(*this, block, block.count, bound, out);
    }

private:
    const simd::DistanceKernels* kernels_ = nullptr;
    const void* query_ = nullptr;
    Dim dim_ = 0;
};

/// A user's metric over float32 rows.
template <UserMetric M>
class MetricScorer {
public:
    static constexpr bool bounded = false;  // estimates are the distances

    MetricScorer() = default;
    MetricScorer(M metric, Dim dim) noexcept : metric_(std::move(metric)), dim_(dim) {}

    void set_query(const void* query) noexcept { query_ = static_cast<const float*>(query); }
    void distances(std::span<const std::byte* const> codes, float* out) const noexcept {
        for (std::size_t i = 0; i < codes.size(); ++i) out[i] = one(codes[i]);
    }
    void distances(const CodeBlock& block, float* out) const noexcept {
        for (std::size_t i = 0; i < block.count; ++i) out[i] = one(block.first + i * block.stride);
    }

    void enter(Origin) noexcept {}
    void gather(std::span<const std::byte* const> codes, float bound, Survivors& out) noexcept {
        for (std::size_t i = 0; i < codes.size(); ++i) keep(i, one(codes[i]), bound, out);
    }
    void scan(const CodeBlock& block, float bound, Survivors& out) noexcept {
        for (std::size_t i = 0; i < block.count; ++i) keep(i, one(block.first + i * block.stride), bound, out);
    }

private:
    /// What is no number, or infinite, becomes the largest number: such rows come last, and come. NaN would have no
    /// place in any order, and infinity lies at the bound of every search that has not found k rows yet.
    float one(const std::byte* code) const noexcept {
        constexpr float largest = std::numeric_limits<float>::max();
        const float distance = metric_.distance({query_, dim_}, {reinterpret_cast<const float*>(code), dim_});
        return distance <= largest ? distance : largest;
    }
    static void keep(std::size_t i, float distance, float bound, Survivors& out) noexcept {
        out.index[out.count] = static_cast<std::uint32_t>(i);
        out.estimate[out.count] = distance;
        out.count += distance < bound ? 1 : 0;
    }
    M metric_;
    const float* query_ = nullptr;
    Dim dim_ = 0;
};

namespace detail {
template <class M>
struct FlatScorer {
    using type = KernelScorer;
};
template <UserMetric M>
struct FlatScorer<M> {
    using type = MetricScorer<M>;
};
}  // namespace detail

}  // namespace tonari
