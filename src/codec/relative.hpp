// What codecs whose codes are relative to an origin have in common: the numbers of a row and of a query that make a sum
// of table entries a distance, as codec/fast_scan.hpp derives them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <tonari/codec/codec.hpp>
#include <tonari/core/types.hpp>
#include <tonari/metric/metric.hpp>
#include <tonari/simd/kernels.hpp>

namespace tonari::detail {

inline constexpr std::size_t float32_kernels = static_cast<std::size_t>(Element::float32) - 1;

inline float squared_length(const float* values, Dim dim) noexcept {
    return simd::kernels().squared_norm[float32_kernels](values, dim);
}

/// Whether such codes know the metric: l2, ip and cosine.
bool has_relative_codes(MetricKind metric) noexcept;

/// Refuses what is no sample of float32 rows.
Status check_sample(MatrixView sample);
/// Of all rows of a sample, summed in float64. Throws bad_alloc.
std::vector<float> mean_of(MatrixView sample);
/// What a section holds: `count` finite values. Throws bad_alloc.
Status read_finite(const SectionReader& reader, std::string_view section, std::uint64_t count, std::vector<float>& out);

/// Values of a row less its origin, at length 1 first under cosine.
void relative_row(RowView row, MetricKind metric, Origin origin, float* out) noexcept;

/// What a prepared query begins with.
struct RelativeHead {
    float base = 0;
    float step = 0;
    float slack = 0;   ///< the standard deviation that rounding the table adds to a sum
    float square = 0;  ///< |query|^2
    float add = 0;     ///< of the codec's own middle, as `origin_terms` gives them
    float away = 0;    ///< |query - middle|
};
inline constexpr std::size_t head_bytes = 64;
static_assert(sizeof(RelativeHead) <= head_bytes);

/// The head of a query whose table has `entries` summands. `values`: the query as `relative_row` gives it without an
/// origin.
RelativeHead relative_head(MetricKind metric, Dim dim, const simd::NibbleTable& table, std::size_t entries,
                           const float* values, const float* middle) noexcept;

/// What a query adds to the rows of an origin.
struct OriginTerms {
    float add = 0;
    float error = 0;     ///< times that of a row
    float slack = 0;     ///< times the scale of a row
    float rounding = 0;  ///< what float32 may have moved an estimate by, however sure the code is
};
/// Without a centroid and a distance to it: of the codec's own middle.
OriginTerms origin_terms(MetricKind metric, Dim dim, const RelativeHead& head, const float* values, Origin origin,
                         float deviations) noexcept;

/// Of a row and its code, both relative to the origin.
struct CodeSums {
    double square = 0;     ///< |row|^2
    double along = 0;      ///< <code, row>
    double length = 0;     ///< |code|^2
    double by_origin = 0;  ///< <code, origin>
    double origin = 0;     ///< <row, origin>
};
/// estimate = add + of the query + scale * product, and how far off it may be.
struct RowFactors {
    float add = 0;
    float scale = 0;
    float error = 0;
};
RowFactors row_factors(MetricKind metric, const CodeSums& sums, float share) noexcept;

/// How far along another direction what a code leaves over lies, as a share of its length: 1 over the root of the
/// dimensions where it may lie anywhere. `add` is told of some pairs of a row and another.
class ShareMeter {
public:
    /// Of a row, its code, and another row: what they are relative to one origin.
    void add(const std::vector<float>& row, const std::vector<float>& code, const std::vector<float>& other);
    [[nodiscard]] float share(Dim dim);

private:
    std::vector<double> shares_;  // squared
};

}  // namespace tonari::detail
