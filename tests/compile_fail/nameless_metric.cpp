// expects: static assertion|static_assert
// A user's metric needs a name: it is written into files, and a file must not be opened with another metric.
#include <tonari/metric/metric.hpp>

struct Canberra {
    static constexpr tonari::MetricKind kind = tonari::MetricKind::user;
#if !defined(TONARI_MISTAKE)
    static constexpr const char* name = "canberra";
#endif
    float distance(tonari::VectorView<float> a, tonari::VectorView<float> b) const noexcept { return a[0] - b[0]; }
    float score(float distance) const noexcept { return distance; }
};

static_assert(tonari::UserMetric<Canberra>);
