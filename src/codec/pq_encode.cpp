// Rows into codes of a byte a part, and back.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include <tonari/codec/pq.hpp>

#include "codec/direction.hpp"
#include "codec/relative.hpp"

namespace tonari {

void Pq::relative(RowView row, MetricKind metric, Origin origin, float* out) noexcept {
    detail::relative_row(row, metric, origin, out);
}

void Pq::add_direction(const float* values, std::size_t first, std::size_t last, const std::byte* codes,
                       detail::Direction& direction) const noexcept {
    const std::size_t width = part_dim();
    for (std::size_t part = first; part < last; ++part) {
        float product = 0;
        for (std::size_t j = 0; j < width; ++j) product += *values++ * point(part * width + j, codes[part]);
        direction.add(product, squares_[part * points_a_part + std::to_integer<std::size_t>(codes[part])]);
    }
}

void Pq::turn_codes(const float* values, std::size_t first, std::size_t last, std::byte* codes,
                    detail::Direction& direction) const noexcept {
    const std::size_t width = part_dim();
    std::array<float, points_a_part> products;       // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    std::array<std::uint8_t, points_a_part> unused;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    for (std::size_t part = first; part < last; ++part, values += width) {
        const simd::NibbleTable made = simd::kernels().byte_table(values, points_.data() + part * width * points_a_part,
                                                                  1, width, products.data(), unused.data());
        for (float& product : products) product += made.base;
        const std::size_t chosen = std::to_integer<std::size_t>(codes[part]);
        codes[part] = static_cast<std::byte>(detail::turn_to_row<points_a_part>(
            direction, products.data(), squares_.data() + part * points_a_part, chosen));
    }
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
    std::array<float, max_part_dim> values;          // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    const auto each_piece = [&](const auto& look) {  // look(first part, last part), with `values` theirs
        for (std::size_t part = 0; part < parts_;) {
            const std::size_t last = std::min(part + max_part_dim / width, parts_);
            const std::size_t first = part * width;
            const std::size_t count = (last - part) * width;
            const auto* const from =
                static_cast<const std::byte*>(row.data()) + row_bytes(row.element(), static_cast<Dim>(first));
            kernels.to_float32[element](from, values.data(), count);
            for (std::size_t i = 0; i < count; ++i) {
                values[i] = values[i] * inverse - origin.length * centroid[first + i];
            }
            look(part, last);
            part = last;
        }
    };
    detail::Direction direction;
    each_piece([&](std::size_t first, std::size_t last) {
        kernels.byte_points(values.data(), points_.data() + first * width * points_a_part, last - first, width,
                            codes + first);
        add_direction(values.data(), first, last, codes, direction);
    });
    each_piece([&](std::size_t first, std::size_t last) { turn_codes(values.data(), first, last, codes, direction); });
    detail::CodeSums sums;
    each_piece([&](std::size_t first, std::size_t last) {
        for (std::size_t d = first * width; d < last * width; ++d) {
            const auto stands_for = static_cast<double>(point(d, codes[d / width]));
            const auto value = static_cast<double>(values[d - first * width]);
            const auto at = static_cast<double>(origin.length * centroid[d]);
            sums.square += value * value;
            sums.along += stands_for * value;
            sums.length += stands_for * stands_for;
            sums.by_origin += stands_for * at;
            sums.origin += value * at;
        }
    });
    const detail::RowFactors factors = detail::row_factors(metric_, sums, share_);
    const std::array written{factors.add, factors.scale, factors.error};
    static_assert(sizeof written == simd::byte_code_factors);
    std::memcpy(code.data(), written.data(), sizeof written);
}

void Pq::decode(std::span<const std::byte> code, Origin origin, std::span<float> out) const noexcept {
    const float* const centroid = centroid_of(origin);
    const std::byte* const codes = code.data() + simd::byte_code_factors;
    float scale = 0;  // the second factor: of L2 twice as much
    std::memcpy(&scale, code.data() + sizeof(float), sizeof scale);
    const float length = metric_ == MetricKind::l2 ? -scale / 2 : -scale;
    for (std::size_t d = 0; d < dim_; ++d) {
        out[d] = origin.length * centroid[d] + length * point(d, codes[d / part_dim()]);
    }
}

}  // namespace tonari
