// expects: static assertion|static_assert
// A metric is called in the middle of a search, where nothing may throw.
#include <tonari/metric/metric.hpp>

struct Canberra {
    static constexpr tonari::MetricKind kind = tonari::MetricKind::user;
    static constexpr const char* name = "canberra";
#if defined(TONARI_MISTAKE)
    float distance(tonari::VectorView<float> a, tonari::VectorView<float> b) const { return a[0] - b[0]; }
#else
    float distance(tonari::VectorView<float> a, tonari::VectorView<float> b) const noexcept { return a[0] - b[0]; }
#endif
    float score(float distance) const noexcept { return distance; }
};

static_assert(tonari::UserMetric<Canberra>);
