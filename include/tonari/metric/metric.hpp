// What a metric is. The built-in ones are tags: their arithmetic lives in the kernels (simd/). A user's own metric
// is a type with a `distance` of its own; the graph and the exact index take it, with float32 rows.
#pragma once

#include <cmath>
#include <concepts>
#include <string_view>

#include <tonari/core/types.hpp>
#include <tonari/core/view.hpp>

namespace tonari {

template <class M>
concept Metric = std::movable<M> && requires(const M m, VectorView<float> a, VectorView<float> b, float d) {
    { M::kind } -> std::convertible_to<MetricKind>;  // the tag on disk
    {
        m.distance(a, b)
    } noexcept -> std::same_as<float>;               // smaller is nearer: the oracle, and the way without a kernel
    { m.score(d) } noexcept -> std::same_as<float>;  // back to the user's unit
};

/// A user's metric also has a name, written into files and checked when they are opened. Where its distance is NaN or
/// infinity, the row is taken as the farthest: at the largest float32.
template <class M>
concept UserMetric = Metric<M> && M::kind == MetricKind::user && requires {
    { M::name } -> std::convertible_to<std::string_view>;
};

/// Squared Euclidean distance. The score is the distance itself, as in most libraries of the field.
struct L2 {
    static constexpr MetricKind kind = MetricKind::l2;
    [[nodiscard]] float distance(VectorView<float> a, VectorView<float> b) const noexcept {
        double sum = 0;
        for (std::size_t i = 0; i < a.size(); ++i) sum += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
        return static_cast<float>(sum);
    }
    [[nodiscard]] float score(float distance) const noexcept { return distance; }
};

/// Negated inner product; the score is the inner product.
struct InnerProduct {
    static constexpr MetricKind kind = MetricKind::inner_product;
    [[nodiscard]] float distance(VectorView<float> a, VectorView<float> b) const noexcept {
        double sum = 0;
        for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
        return static_cast<float>(-sum);
    }
    [[nodiscard]] float score(float distance) const noexcept { return -distance; }
};

/// 1 - cosine; the score is the cosine. A row of zeros is at distance 1 from everything.
/// An index takes no other row whose norm is below 1.1e-19: products of such rows underflow float32.
struct Cosine {
    static constexpr MetricKind kind = MetricKind::cosine;
    [[nodiscard]] float distance(VectorView<float> a, VectorView<float> b) const noexcept {
        double ab = 0;
        double aa = 0;
        double bb = 0;
        for (std::size_t i = 0; i < a.size(); ++i) {
            ab += double{a[i]} * b[i];
            aa += double{a[i]} * a[i];
            bb += double{b[i]} * b[i];
        }
        return aa == 0 || bb == 0 ? 1.0F : static_cast<float>(1 - ab / std::sqrt(aa * bb));
    }
    [[nodiscard]] float score(float distance) const noexcept { return 1 - distance; }
};

/// Sum of absolute differences.
struct L1 {
    static constexpr MetricKind kind = MetricKind::l1;
    [[nodiscard]] float distance(VectorView<float> a, VectorView<float> b) const noexcept {
        double sum = 0;
        for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(double{a[i]} - b[i]);
        return static_cast<float>(sum);
    }
    [[nodiscard]] float score(float distance) const noexcept { return distance; }
};

/// Number of differing dimensions; rows are bits. (Over floats: how many values differ, the oracle's reading.)
struct Hamming {
    static constexpr MetricKind kind = MetricKind::hamming;
    [[nodiscard]] float distance(VectorView<float> a, VectorView<float> b) const noexcept {
        std::size_t sum = 0;
        for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] != b[i] ? 1 : 0;
        return static_cast<float>(sum);
    }
    [[nodiscard]] float score(float distance) const noexcept { return distance; }
};

static_assert(Metric<L2> && Metric<InnerProduct> && Metric<Cosine> && Metric<L1> && Metric<Hamming>);

}  // namespace tonari
