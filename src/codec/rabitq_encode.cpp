// Rows into codes of several bits a value: how long a row is made before it is rounded, and the bits in their planes.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include <tonari/codec/rabitq.hpp>

#include "codec/rabitq_layout.hpp"
#include "codec/relative.hpp"

namespace tonari {

RaBitQ::Encoder::Encoder(const RaBitQ& codec)
    : codec_(&codec), signs_(codec.signs_.encoder()), magnitudes_(codec.signs_.rotated_size()) {}

/// What the magnitudes are taken times before they are rounded down to steps. The code that is nearest to its row's direction
/// belongs to one such number; Gao and others (2024) try all at which a code changes. Here some are tried, and some more beside
/// the best of them: of a row of 128 values that leaves over less than 0.05 % more up to 4 bits, and about 1 % more at 8.
float RaBitQ::Encoder::best_scale() const noexcept {
    constexpr std::size_t coarse = 24;
    constexpr std::size_t fine = 16;
    const float largest = *std::max_element(magnitudes_.begin(), magnitudes_.end());
    if (!(largest > 0)) return 1;
    double square = 0;
    for (const float value : magnitudes_) square += static_cast<double>(value) * static_cast<double>(value);
    const auto steps = static_cast<double>(1U << (codec_->bits_ - 1));
    // From where the highest step stays unused to where many values lie beyond it.
    const double from = 0.6 * steps;
    const double mean = std::sqrt(square / static_cast<double>(magnitudes_.size()));
    const double to = steps * std::max(1.05, static_cast<double>(largest) / (1.5 * mean));

    const auto rounded_sums = simd::kernels().rounded_sums;
    double best = -1;
    double found = from;
    const auto look = [&](double at) {
        const double scale =
            std::min(at / static_cast<double>(largest), static_cast<double>(std::numeric_limits<float>::max()));
        const simd::RoundedSums sums = rounded_sums(magnitudes_.data(), magnitudes_.size(), static_cast<float>(scale),
                                                    static_cast<float>(steps - 1));
        const auto along = static_cast<double>(sums.along);
        const double nearness = along * along / static_cast<double>(sums.square);
        if (nearness > best) {
            best = nearness;
            found = at;
        }
    };
    const double ratio = std::pow(to / from, 1.0 / (coarse - 1));
    double at = from;
    for (std::size_t i = 0; i < coarse; ++i, at *= ratio) look(at);
    const double closer = std::pow(ratio, 2.0 / (fine + 1));
    at = found / ratio;
    for (std::size_t i = 0; i < fine; ++i) look(at *= closer);
    return static_cast<float>(
        std::min(found / static_cast<double>(largest), static_cast<double>(std::numeric_limits<float>::max())));
}

void RaBitQ::Encoder::put(RowView row, std::byte* block, std::size_t place) noexcept {
    signs_.put(row, block, place);
    const std::span<const float> values = signs_.rotated();
    const std::span<const float> origin = signs_.rotated_origin();
    for (std::size_t i = 0; i < values.size(); ++i) magnitudes_[i] = std::abs(values[i]);
    const float scale = best_scale();

    const std::size_t planes = codec_->bits_ - 1;
    const auto most = static_cast<float>((1U << planes) - 1);
    std::byte* const tail =
        block + codec_->signs_.block_size() + place * detail::tail_bytes(values.size(), codec_->bits_);
    detail::CodeSums coded;
    for (std::size_t first = 0; first < values.size(); first += 16) {
        std::array<std::uint16_t, most_bits> bits{};  // by plane, of 16 values
        for (std::size_t i = 0; i < 16; ++i) {
            const float value = values[first + i];
            const auto step = static_cast<unsigned>(std::min(magnitudes_[first + i] * scale, most));
            const bool positive = value > 0;  // as the signs have it
            const unsigned code = positive ? step : ~step;
            for (std::size_t plane = 0; plane < planes; ++plane) {
                bits[plane] = static_cast<std::uint16_t>(bits[plane] | (code >> (planes - 1 - plane) & 1U) << i);
            }
            const double middle = positive ? step + 0.5 : -0.5 - step;
            coded.square += static_cast<double>(value) * static_cast<double>(value);
            coded.along += static_cast<double>(value) * middle;
            coded.length += middle * middle;
            coded.by_origin += static_cast<double>(origin[first + i]) * middle;
            coded.origin += static_cast<double>(value) * static_cast<double>(origin[first + i]);
        }
        for (std::size_t plane = 0; plane < planes; ++plane) {
            std::memcpy(tail + plane * (values.size() / 8) + first / 8, &bits[plane], sizeof bits[plane]);
        }
    }
    const detail::RowFactors factors = signs_.factors(coded);
    const float all[3] = {factors.add, factors.scale, factors.error};
    std::memcpy(tail + detail::plane_bytes(values.size(), codec_->bits_), all, sizeof all);
}

}  // namespace tonari
