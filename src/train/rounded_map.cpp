// Rounding by the largest value, and products of whole numbers by the kernels.
#include <tonari/train/rounded_map.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include <tonari/simd/kernels.hpp>
#include <tonari/train/rounding.hpp>

namespace tonari::train {
namespace {

/// Of the square of a rounded value, on average, at least: rounding, 1/12 of a square, then moves values by 1/42 of their length.
constexpr float least_square = 144;

/// The largest magnitude. Compared as whole numbers, which have the order of magnitudes and which vector units compare without
/// asking for NaN; that and infinity are the largest of all.
float largest_of(const float* values, const float* middle, Dim count) noexcept {
    std::int32_t largest = 0;
    for (Dim i = 0; i < count; ++i) {
        const float value = middle == nullptr ? values[i] : values[i] - middle[i];
        std::int32_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        largest = std::max(largest, bits & 0x7fffffff);
    }
    float magnitude;
    std::memcpy(&magnitude, &largest, sizeof magnitude);
    return magnitude;
}

/// What one whole number is; 0 where all values are 0, negative where 8 bits do not suit them.
float round_values(const float* values, const float* middle, Dim count, std::int8_t* out) noexcept {
    const float largest = largest_of(values, middle, count);
    if (largest == 0) {
        std::fill_n(out, count, std::int8_t{0});
        return 0;
    }
    const float scale = most_rounded / largest;
    const bool usable =
        scale > 0 && scale <= std::numeric_limits<float>::max();  // not of infinity or NaN, nor of next to nothing
    if (!usable) return -1;
    round_to_int8({values, count}, middle, scale, out);
    const float square = simd::kernels().squared_norm[static_cast<std::size_t>(Element::int8) - 1](out, count);
    return square >= least_square * static_cast<float>(count) ? largest / most_rounded : -1;
}

}  // namespace

Result<RoundedMap> RoundedMap::of(const LinearMap& map) {
    auto matrix = AlignedBuffer::allocate(std::size_t{map.in_dim()} * map.out_dim());
    if (!matrix) return std::move(matrix).error();
    std::vector<float> steps;
    for (Dim i = 0; i < map.out_dim(); ++i) {
        const std::size_t first = std::size_t{i} * map.in_dim();
        auto* const to = reinterpret_cast<std::int8_t*>(matrix->data()) + first;
        const float step = round_values(map.matrix().data() + first, nullptr, map.in_dim(), to);
        if (step < 0) return RoundedMap();
        steps.push_back(-step);
    }
    RoundedMap rounded;
    rounded.in_ = map.in_dim();
    rounded.matrix_ = std::move(*matrix).freeze();
    rounded.steps_ = std::move(steps);
    rounded.middle_.assign(map.middle().begin(), map.middle().end());
    return rounded;
}

bool RoundedMap::apply(const float* values, std::int8_t* room, float* out) const noexcept {
    if (empty()) return false;
    const float step = round_values(values, middle_.empty() ? nullptr : middle_.data(), in_, room);
    if (step < 0) return false;
    simd::kernels()
        .of(MetricKind::inner_product, Element::int8)
        .scan(room, matrix_.data(), in_, steps_.size(), in_, out);
    for (std::size_t i = 0; i < steps_.size(); ++i) out[i] *= steps_[i] * step;
    return true;
}

}  // namespace tonari::train
