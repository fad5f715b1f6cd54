// The scorer of rounded rows: kernels over whole numbers, whose distances a factor brings back to the user's unit.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include <tonari/codec/flat_scorer.hpp>

namespace tonari {

/// A prepared query is one of the kernels', and behind its `factor_at` bytes the factor, float32.
class ScaledScorer {
public:
    static constexpr bool bounded = false;  // estimates are the distances of rounded rows

    ScaledScorer() noexcept = default;
    ScaledScorer(KernelScorer kernels, std::size_t factor_at) noexcept : kernels_(kernels), factor_at_(factor_at) {}

    /// `query` outlives its use.
    void set_query(const void* query) noexcept {
        kernels_.set_query(query);
        std::memcpy(&factor_, static_cast<const std::byte*>(query) + factor_at_, sizeof factor_);
    }
    /// See index/offer_together.hpp.
    [[nodiscard]] const std::byte* query() const noexcept { return kernels_.query(); }
    [[nodiscard]] float estimate_of(float distance) const noexcept { return scaled(distance, factor_); }
    [[nodiscard]] float kernel_limit(float bound) const noexcept { return unscaled(bound, factor_); }
    /// out[i] = distance(query, codes[i]).
    void distances(std::span<const std::byte* const> codes, float* out) const noexcept {
        kernels_.distances(codes, out);
        scale(out, codes.size());
    }
    void distances(const CodeBlock& block, float* out) const noexcept {
        kernels_.distances(block, out);
        scale(out, block.count);
    }

    void enter(Origin /*codes are absolute*/) noexcept {}
    void gather(std::span<const std::byte* const> codes, float bound, Survivors& out) noexcept {
        detail::keep_nearer(*this, codes, codes.size(), bound, out);
    }
    void scan(const CodeBlock& block, float bound, Survivors& out) noexcept {
        detail::keep_nearer(*this, block, block.count, bound, out);
    }

    /// Rounding may carry a distance that float32 just held beyond it. An infinite one would be below no bound.
    static float scaled(float distance, float factor) noexcept {
        constexpr float largest = std::numeric_limits<float>::max();
        return std::clamp(distance * factor, -largest, largest);
    }
    /// No distance from it on scales to less than `bound`: both roundings on the way are made good. Where products underflow,
    /// any may.
    static float unscaled(float bound, float factor) noexcept {
        if (factor < std::numeric_limits<float>::min()) return std::numeric_limits<float>::infinity();
        const float distance = bound / factor;
        return std::isfinite(distance) ? distance + std::abs(distance) * 0x1.0p-22F : distance;
    }

private:
    void scale(float* distances, std::size_t count) const noexcept {
        for (std::size_t i = 0; i < count; ++i) distances[i] = scaled(distances[i], factor_);
    }

    KernelScorer kernels_;
    std::size_t factor_at_ = 0;
    float factor_ = 1;
};

}  // namespace tonari
