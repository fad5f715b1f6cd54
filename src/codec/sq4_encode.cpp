// Rows into codes of 4 bits a value, and back.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include <tonari/codec/sq4.hpp>

#include "codec/relative.hpp"
#include "codec/sq4_rounding.hpp"

namespace tonari {

void Sq4::relative(RowView row, MetricKind metric, Origin origin, float* out) noexcept {
    detail::relative_row(row, metric, origin, out);
}

void Sq4::encode(RowView row, Origin origin, std::span<std::byte> code) const noexcept {
    const simd::Kernels& kernels = simd::kernels();
    const std::size_t element = static_cast<std::size_t>(row.element()) - 1;
    const float* const centroid = centroid_of(origin);
    const float times = origin.centroid == nullptr ? 1 : origin.length;
    float inverse_norm = 1;
    if (metric_ == MetricKind::cosine) {
        const float square = kernels.squared_norm[element](row.data(), dim_);
        inverse_norm = square > 0 ? static_cast<float>(1 / std::sqrt(static_cast<double>(square))) : 0.0F;
    }
    constexpr std::size_t piece = 1024;
    std::array<float, piece> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    const auto each_piece = [&](const auto& look) {
        for (std::size_t first = 0; first < dim_; first += piece) {
            const std::size_t count = std::min<std::size_t>(piece, dim_ - first);
            const auto* const from =
                static_cast<const std::byte*>(row.data()) + row_bytes(row.element(), static_cast<Dim>(first));
            kernels.to_float32[element](from, room.data(), count);
            for (std::size_t i = 0; i < count; ++i) room[i] = room[i] * inverse_norm - times * centroid[first + i];
            look(first, std::span<const float>(room).first(count));
        }
    };
    const float inverse_length = detail::inverse_length_for(each_piece, steps_.data());

    std::byte* const codes = code.data() + simd::byte_code_factors;
    std::memset(codes, 0, halves());
    detail::CodeSums sums;
    each_piece([&](std::size_t first, std::span<const float> values) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            const std::size_t d = first + i;
            const float level = detail::level_of(detail::in_steps(values[i], steps_[d]), inverse_length);
            const auto half = static_cast<unsigned>(level);
            codes[d < halves() ? d : d - halves()] |= static_cast<std::byte>(d < halves() ? half : half << 4U);
            const double stands_for =
                static_cast<double>(steps_[d]) * (static_cast<double>(level) - (levels - 1) / 2.0);
            const auto value = static_cast<double>(values[i]);
            const auto at = static_cast<double>(times * centroid[d]);
            sums.square += value * value;
            sums.along += stands_for * value;
            sums.length += stands_for * stands_for;
            sums.by_origin += stands_for * (at - static_cast<double>(middle_[d]));  // queries are taken so, too
            sums.origin += value * at;
        }
    });
    const detail::RowFactors factors = detail::row_factors(metric_, sums, share_);
    const std::array written{factors.add, factors.scale, factors.error};
    static_assert(sizeof written == simd::byte_code_factors);
    std::memcpy(code.data(), written.data(), sizeof written);
}

void Sq4::decode(std::span<const std::byte> code, Origin origin, std::span<float> out) const noexcept {
    const float* const centroid = centroid_of(origin);
    const float times = origin.centroid == nullptr ? 1 : origin.length;
    float scale = 0;  // the second factor: of L2 twice as much
    std::memcpy(&scale, code.data() + sizeof(float), sizeof scale);
    const float length = metric_ == MetricKind::l2 ? -scale / 2 : -scale;
    const std::byte* const codes = code.data() + simd::byte_code_factors;
    for (std::size_t d = 0; d < dim_; ++d) {
        const float middle = static_cast<float>(code_of(codes, d)) - (levels - 1) / 2.0F;
        out[d] = times * centroid[d] + length * steps_[d] * middle;
    }
}

}  // namespace tonari
