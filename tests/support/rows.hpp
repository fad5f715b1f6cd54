// Rows of any element type for tests, with the very same values as floats beside them: what an oracle computes with.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <tonari/core/random.hpp>
#include <tonari/core/types.hpp>
#include <tonari/core/view.hpp>

#include "simd/half.hpp"

namespace tonari::test {

inline constexpr std::array all_elements{Element::float32, Element::float16, Element::bfloat16,
                                         Element::int8,    Element::uint8,   Element::bits};
inline constexpr std::array vector_metrics{MetricKind::l2, MetricKind::inner_product, MetricKind::cosine,
                                           MetricKind::l1};

/// About normal: twelve uniform draws (Irwin-Hall). The same on every machine.
inline double bell(Random& random) {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += unit(random());
    return sum;
}

/// n rows of one element. `values()` are what the stored values are, exactly, whatever the narrowing did to them.
class Rows {
public:
    Rows(Element element, Dim dim, std::size_t count)
        : element_(element), dim_(dim), count_(count), bytes_(count * row_bytes(element, dim)), values_(count * dim) {}

    [[nodiscard]] Element element() const { return element_; }
    [[nodiscard]] Dim dim() const { return dim_; }
    [[nodiscard]] std::size_t size() const { return count_; }
    [[nodiscard]] MatrixView view() const { return {bytes_.data(), count_, dim_, element_}; }
    [[nodiscard]] RowView row(std::size_t i) const { return view().row(i); }
    [[nodiscard]] std::span<const float> values(std::size_t i) const {
        return std::span(values_).subspan(i * dim_, dim_);
    }
    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

    /// Narrows `values` (bits: above 0 is 1) into row i.
    void set(std::size_t i, std::span<const float> values) {
        std::byte* row = bytes_.data() + i * row_bytes(element_, dim_);
        if (element_ == Element::bits) std::memset(row, 0, row_bytes(element_, dim_));
        for (std::size_t j = 0; j < dim_; ++j) values_[i * dim_ + j] = put(row, j, values[j]);
    }
    void set(std::size_t i, const Rows& from, std::size_t row) { set(i, from.values(row)); }

private:
    /// Writes one value and returns what stands there now.
    float put(std::byte* row, std::size_t j, float value) const {
        switch (element_) {
            case Element::float32: std::memcpy(row + j * 4, &value, 4); return value;
            case Element::float16:
            case Element::bfloat16: {
                const bool half = element_ == Element::float16;
                const std::uint16_t bits = half ? simd::float_to_half(value) : simd::float_to_bfloat(value);
                std::memcpy(row + j * 2, &bits, 2);
                return half ? simd::half_to_float(bits) : simd::bfloat_to_float(bits);
            }
            case Element::int8: {
                const auto narrow = static_cast<std::int8_t>(std::clamp(std::lround(value), -128L, 127L));
                std::memcpy(row + j, &narrow, 1);
                return narrow;
            }
            case Element::uint8: {
                const auto narrow = static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L));
                std::memcpy(row + j, &narrow, 1);
                return narrow;
            }
            case Element::bits: {
                if (value > 0) row[j / 8] |= std::byte{1} << (j % 8);
                return value > 0 ? 1.0F : 0.0F;
            }
        }
        return 0;
    }

    Element element_;
    Dim dim_;
    std::size_t count_;
    std::vector<std::byte> bytes_;
    std::vector<float> values_;
};

/// Small whole numbers: every sum is exact in float32, so distances are the oracle's to the last bit, and ties abound.
inline Rows integer_rows(Element element, Dim dim, std::size_t count, std::uint64_t seed, int spread = 3) {
    Rows rows(element, dim, count);
    Random random(seed);
    std::vector<float> values(dim);
    for (std::size_t i = 0; i < count; ++i) {
        for (float& value : values) {
            value = static_cast<float>(random.below(2 * static_cast<std::uint64_t>(spread) + 1)) -
                    static_cast<float>(spread);
            if (element == Element::uint8) value = std::abs(value);
        }
        rows.set(i, values);
    }
    return rows;
}

/// Overlapping clusters in about `inner` directions, as embeddings have them; spread over the element's range.
inline Rows clustered_rows(Element element, Dim dim, std::size_t count, std::uint64_t seed, std::size_t clusters = 20,
                           std::size_t inner = 12) {
    Random shape(77);  // the clusters are the same for rows and queries of any seed
    std::vector<float> basis(inner * dim);
    for (float& value : basis) value = static_cast<float>(bell(shape));
    std::vector<float> centres(clusters * inner);
    for (float& value : centres) value = static_cast<float>(bell(shape));

    Random random(seed);
    Rows rows(element, dim, count);
    std::vector<float> values(dim);
    std::vector<float> at(inner);
    const double scale = 1 / std::sqrt(static_cast<double>(inner));
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t cluster = random.below(clusters);
        for (std::size_t j = 0; j < inner; ++j)
            at[j] = centres[cluster * inner + j] + static_cast<float>(0.7 * bell(random));
        for (std::size_t d = 0; d < dim; ++d) {
            double value = 0.1 * bell(random);
            for (std::size_t j = 0; j < inner; ++j) value += scale * at[j] * basis[j * dim + d];
            if (element == Element::int8) value *= 30;
            if (element == Element::uint8) value = 128 + 30 * value;
            values[d] = static_cast<float>(value);
        }
        rows.set(i, values);
    }
    return rows;
}

/// Ids that are neither in order nor dense, one of them too large for 32 bits if `wide`.
inline std::vector<Id> scattered_ids(std::size_t count, bool wide = false) {
    std::vector<Id> ids(count);
    for (std::size_t i = 0; i < count; ++i) ids[i] = static_cast<Id>((i * 7919) % count) * 3 + 11;
    if (wide && count > 0) ids[count / 2] = (Id{1} << 40) + 5;
    return ids;
}

}  // namespace tonari::test
