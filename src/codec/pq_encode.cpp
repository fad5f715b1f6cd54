// Rows into codes of a byte a part, and back.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include <tonari/codec/pq.hpp>

#include "codec/relative.hpp"

namespace tonari {

void Pq::relative(RowView row, MetricKind metric, Origin origin, float* out) noexcept {
    detail::relative_row(row, metric, origin, out);
}

void Pq::encode(RowView row, Origin origin, std::span<std::byte> code) const noexcept {
    const simd::Kernels& kernels = simd::kernels();
    const std::size_t element = static_cast<std::size_t>(row.element()) - 1;
    const std::size_t width = part_dim();
    const float* const centroid = centroid_of(origin);
    std::byte* const codes = code.data() + simd::byte_code_factors;
    float inverse = 1;
    if (metric_ == MetricKind::cosine) {
        const float square = kernels.squared_norm[element](row.data(), dim_);
        inverse = square > 0 ? static_cast<float>(1 / std::sqrt(static_cast<double>(square))) : 0.0F;
    }
    detail::CodeSums sums;
    std::array<float, max_part_dim> values;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    for (std::size_t part = 0; part < parts_;) {
        const std::size_t count = std::min(max_part_dim / width, parts_ - part);
        const std::size_t first = part * width;
        const auto* const from =
            static_cast<const std::byte*>(row.data()) + row_bytes(row.element(), static_cast<Dim>(first));
        kernels.to_float32[element](from, values.data(), count * width);
        for (std::size_t i = 0; i < count * width; ++i) {
            values[i] = values[i] * inverse - origin.length * centroid[first + i];
        }
        kernels.byte_points(values.data(), points_.data() + first * points_a_part, count, width, codes + part);
        for (std::size_t i = 0; i < count * width; ++i) {
            const auto stands_for = static_cast<double>(point(first + i, codes[part + i / width]));
            const auto value = static_cast<double>(values[i]);
            const auto at = static_cast<double>(origin.length * centroid[first + i]);
            sums.square += value * value;
            sums.along += stands_for * value;
            sums.length += stands_for * stands_for;
            sums.by_origin += stands_for * at;
            sums.origin += value * at;
        }
        part += count;
    }
    const detail::RowFactors factors = detail::row_factors(metric_, sums, share_);
    const std::array written{factors.add, factors.scale, factors.error};
    static_assert(sizeof written == simd::byte_code_factors);
    std::memcpy(code.data(), written.data(), sizeof written);
}

void Pq::decode(std::span<const std::byte> code, Origin origin, std::span<float> out) const noexcept {
    const float* const centroid = centroid_of(origin);
    const std::byte* const codes = code.data() + simd::byte_code_factors;
    for (std::size_t d = 0; d < dim_; ++d) out[d] = origin.length * centroid[d] + point(d, codes[d / part_dim()]);
}

}  // namespace tonari
