// Rows into blocks: the code of each, and the numbers that turn a sum of table entries into its distance.
#include <algorithm>
#include <cmath>
#include <cstring>

#include <tonari/codec/fast_scan.hpp>

#include "codec/direction.hpp"
#include "codec/fast_scan_layout.hpp"

namespace tonari {
namespace {

/// Sets code `code` of part `part` in row `place` of a block.
void set_code(std::byte* block, std::size_t place, std::size_t part, unsigned code) noexcept {
    std::byte& at = block[part / 4 * 64 + place % 16 * 4 + part % 4];
    const unsigned shift = place < 16 ? 0 : 4;
    at = (at & std::byte(0xF0U >> shift)) | std::byte(code << shift);
}
void set_factor(std::byte* block, std::size_t quads, std::size_t array, std::size_t place, float factor) noexcept {
    std::memcpy(block + quads * 64 + (array * FastScan::block_rows + place) * sizeof factor, &factor, sizeof factor);
}

}  // namespace

void FastScan::relative(RowView row, MetricKind metric, Origin origin, float* out) noexcept {
    detail::relative_row(row, metric, origin, out);
}

FastScan::Choice FastScan::room_to_choose() const {
    Choice choice;
    choice.codes.resize(parts_);
    choice.products.resize(parts_ * detail::points_a_part);
    choice.squares.resize(parts_ * detail::points_a_part);
    if (parts_ == 0) return choice;
    for (std::size_t d = 0; d < dim_; ++d) {
        for (std::size_t c = 0; c < detail::points_a_part; ++c) {
            const float value = points_[d * detail::points_a_part + c];
            choice.squares[d / part_dim() * detail::points_a_part + c] += value * value;
        }
    }
    return choice;
}

void FastScan::choose_points(const float* row, Choice& choice) const noexcept {
    constexpr std::size_t points = detail::points_a_part;
    const std::size_t width = part_dim();
    detail::Direction direction;
    for (std::size_t part = 0; part < parts_; ++part) {
        float* const products = choice.products.data() + part * points;
        std::fill_n(products, points, 0.0F);
        for (std::size_t j = 0; j < width; ++j) {
            const std::size_t d = part * width + j;
            for (std::size_t c = 0; c < points; ++c) products[c] += row[d] * points_[d * points + c];
        }
        const std::size_t nearest = nearest_point(part, row + part * width);
        choice.codes[part] = static_cast<std::uint8_t>(nearest);
        direction.add(products[nearest], choice.squares[part * points + nearest]);
    }
    constexpr int turns = 2;  // a third changes next to nothing
    for (int turn = 0; turn < turns; ++turn) {
        for (std::size_t part = 0; part < parts_; ++part) {
            const std::size_t first = part * points;
            choice.codes[part] = static_cast<std::uint8_t>(detail::turn_to_row<points>(
                direction, choice.products.data() + first, choice.squares.data() + first, choice.codes[part]));
        }
    }
}

FastScan::Encoder::Encoder(const FastScan& codec)
    : codec_(&codec),
      coded_origin_(std::max<std::size_t>(codec.rotation_.size(), codec.dim_)),
      row_(codec.dim_),
      rotated_(codec.rotation_.size()),
      choice_(codec.room_to_choose()) {
    enter({});
}

void FastScan::Encoder::enter(Origin origin) noexcept {
    origin_ = origin;
    if (origin_.centroid == nullptr) origin_ = {.centroid = codec_->middle_.data()};
    for (Dim d = 0; d < codec_->dim_; ++d) row_[d] = origin_.length * origin_.centroid[d];
    if (codec_->parts_ == 0) {
        codec_->rotation_.apply(row_.data(), coded_origin_.data());
    } else {
        std::copy(row_.begin(), row_.end(), coded_origin_.begin());
    }
}

void FastScan::Encoder::put(RowView row, std::byte* block, std::size_t place) noexcept {
    relative(row, codec_->metric_, origin_, row_.data());
    if (codec_->parts_ > 0) return put_factors(put_parts(block, place), block, place);
    codec_->rotation_.apply(row_.data(), rotated_.data());
    put_factors(put_signs(block, place), block, place);
}

void FastScan::Encoder::turn(RowView row, float* out) noexcept {
    relative(row, codec_->metric_, {.centroid = codec_->middle_.data()}, row_.data());
    codec_->rotation_.apply(row_.data(), out);
}

void FastScan::Encoder::put_turned(const float* row, const float* origin, std::byte* block,
                                   std::size_t place) noexcept {
    constexpr std::size_t together = 16;  // what the size is a multiple of: known lengths are vectorised
    float* __restrict out = rotated_.data();
    for (std::size_t i = 0; i < rotated_.size(); i += together) {
        for (std::size_t j = i; j < i + together; ++j) out[j] = row[j] - origin[j];
    }
    put_factors(put_signs(block, place), block, place);
}

void FastScan::Encoder::put_factors(const detail::CodeSums& sums, std::byte* block, std::size_t place) const noexcept {
    const detail::RowFactors of_row = factors(sums);
    const std::size_t quads = codec_->quads();
    set_factor(block, quads, 0, place, of_row.add);
    set_factor(block, quads, 1, place, of_row.scale);
    set_factor(block, quads, 2, place, of_row.error);
}

detail::RowFactors FastScan::Encoder::factors(const detail::CodeSums& sums) const noexcept {
    return detail::row_factors(codec_->metric_, sums, codec_->share_);
}

/// The signs of the rotated row, four to a part.
detail::CodeSums FastScan::Encoder::put_signs(std::byte* block, std::size_t place) noexcept {
    const std::size_t size = codec_->rotation_.size();
    const simd::SignSums sums = simd::kernels().put_signs(rotated_.data(), coded_origin_.data(), size, block, place);
    return {.square = sums.square,
            .along = sums.along,
            .length = static_cast<double>(size),
            .by_origin = sums.by_origin,
            .origin = sums.origin};
}

detail::CodeSums FastScan::Encoder::put_parts(std::byte* block, std::size_t place) noexcept {
    const std::size_t width = codec_->part_dim();
    detail::CodeSums coded;
    codec_->choose_points(row_.data(), choice_);
    for (std::size_t part = 0; part < codec_->parts_; ++part) {
        const std::size_t nearest = choice_.codes[part];
        set_code(block, place, part, static_cast<unsigned>(nearest));
        for (std::size_t j = 0; j < width; ++j) {
            const auto point =
                static_cast<double>(codec_->points_[(part * width + j) * detail::points_a_part + nearest]);
            const auto value = static_cast<double>(row_[part * width + j]);
            coded.square += value * value;
            coded.along += point * value;
            coded.length += point * point;
            const auto origin = static_cast<double>(coded_origin_[part * width + j]);
            coded.by_origin += point * origin;
            coded.origin += value * origin;
        }
    }
    return coded;
}

}  // namespace tonari
