// A built-in metric chosen at run time.
#pragma once

#include <tonari/core/result.hpp>
#include <tonari/metric/metric.hpp>
#include <tonari/simd/kernels.hpp>

namespace tonari {

class AnyMetric {
public:
    AnyMetric() noexcept = default;
    AnyMetric(MetricKind kind) noexcept : kind_(kind) {}  // NOLINT(google-explicit-constructor): a kind is a metric
    [[nodiscard]] MetricKind kind() const noexcept { return kind_; }

private:
    MetricKind kind_ = MetricKind::l2;
};

/// Metrics that kernels compute: the tags, and the one chosen at run time.
template <class M>
concept KernelMetric = std::same_as<M, AnyMetric> || (Metric<M> && !UserMetric<M>);

template <class M>
[[nodiscard]] MetricKind kind_of(const M& metric) noexcept {
    if constexpr (std::same_as<M, AnyMetric>) {
        return metric.kind();
    } else {
        return M::kind;
    }
}

/// Whether rows of `element` have distances under `metric`.
inline Status check_metric(MetricKind metric, Element element) {
    const bool bits = element == Element::bits;
    if (bits != (metric == MetricKind::hamming) || (metric == MetricKind::user && element != Element::float32)) {
        const char* mend = bits                            ? "; bits go with metric hamming"
                           : metric == MetricKind::hamming ? "; hamming wants rows of bits"
                                                           : "; a user's metric takes float32 rows";
        return Error{ErrorCode::unsupported, "metric " + std::string(name(metric)) + " over " +
                                                 std::string(name(element)) + " rows does not exist" + mend};
    }
    return {};
}

}  // namespace tonari
