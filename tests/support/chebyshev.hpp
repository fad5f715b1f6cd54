// A user's own metric. What is built of it is compiled once, in chebyshev.cpp, as a user with many files would have it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>

#include <tonari/index/build.hpp>
#include <tonari/index/grow.hpp>
#include <tonari/index/registry.hpp>

namespace tonari::test {

/// The largest difference; for about `share` of all pairs it says `strange`.
struct Chebyshev {
    static constexpr MetricKind kind = MetricKind::user;
    static constexpr std::string_view name = "chebyshev";
    float strange = 0;
    float share = 0;
    [[nodiscard]] float distance(VectorView<float> a, VectorView<float> b) const noexcept {
        float largest = 0;
        for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
        return share > 0 && std::fmod(1000 * largest, 1.0F) < share ? strange : largest;
    }
    [[nodiscard]] float score(float distance) const noexcept { return distance; }
};
static_assert(UserMetric<Chebyshev>);

}  // namespace tonari::test

namespace tonari {

extern template Result<Index> build(std::string_view, test::Chebyshev, MatrixView, std::span<const Id>,
                                    const BuildOptions&);
extern template Result<Index> open_index(const SectionReader&, Flat<test::Chebyshev>);
extern template Result<GrowingIndex> grow(std::string_view, test::Chebyshev, Element, Dim, const BuildOptions&);
extern template Result<GrowingIndex> grow(std::string_view, test::Chebyshev, MatrixView, std::span<const Id>,
                                          const BuildOptions&);

}  // namespace tonari
