// A query's weights, in 8 bits:
//
//     | head, filled up to 64 bytes | weights: those of the lower halves, those of the upper | the query, float32 |
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <tonari/codec/sq4.hpp>

#include "codec/relative.hpp"

namespace tonari {

using detail::head_bytes;

std::size_t Sq4::query_size() const noexcept {
    return head_bytes + 2 * simd::value_nibbles_padded(halves()) + dim_ * sizeof(float);
}

void Sq4::prepare(RowView query, std::byte* out) const noexcept {
    const std::size_t padded = simd::value_nibbles_padded(halves());
    auto* const weights = reinterpret_cast<std::int8_t*>(out + head_bytes);
    auto* const values = reinterpret_cast<float*>(out + head_bytes + 2 * padded);
    relative(query, metric_, {}, values);
    const auto weight = [&](std::size_t d) {
        return (static_cast<double>(values[d]) - static_cast<double>(middle_[d])) * static_cast<double>(steps_[d]);
    };
    double largest = 0;
    for (std::size_t d = 0; d < dim_; ++d) largest = std::max(largest, std::abs(weight(d)));
    constexpr double most = std::numeric_limits<std::int8_t>::max();
    const double inverse = largest > 0 ? most / largest : 0;
    std::memset(weights, 0, 2 * padded);
    double sum = 0;
    for (std::size_t d = 0; d < dim_; ++d) {
        const double rounded = std::clamp(std::nearbyint(weight(d) * inverse), -most, most);
        weights[d < halves() ? d : padded + d - halves()] = static_cast<std::int8_t>(rounded);
        sum += rounded;
    }
    constexpr double limit = std::numeric_limits<float>::max();
    const double step = std::min(largest / most, limit);
    // A code counts from the middle of its 16 levels.
    const double base = std::clamp((levels - 1) / -2.0 * step * sum, -limit, limit);
    const simd::NibbleTable made{static_cast<float>(base), static_cast<float>(step)};
    // A weight is up to half a step off, and counts as often as its code lies from the middle: 4.6 times, where codes are
    // spread evenly.
    constexpr std::size_t squared_code = 22;
    const detail::RelativeHead head =
        detail::relative_head(metric_, dim_, made, squared_code * dim_, values, middle_.data());
    std::memcpy(out, &head, sizeof head);
}

Sq4::Scorer Sq4::scorer() const noexcept {
    const simd::Kernels& kernels = simd::kernels();
    const std::size_t table = 2 * simd::value_nibbles_padded(halves());
    return {metric_, dim_, {kernels.value_nibbles_gather, kernels.value_nibbles_scan, halves(), table}};
}

}  // namespace tonari
