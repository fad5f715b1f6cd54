// The oracle of codes (src/simd/reference.cpp is that of distances).
#include "simd/reference_codes.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "simd/layout.hpp"

namespace tonari::simd::reference {
namespace {

/// What a sum of table entries says of a row, whose factors are add, scale and error: of a NibbleQuery or a ByteCodeQuery.
template <class Query, class Factor>
void judge(const Query& query, long long sum, const Factor& factor, float& estimate, float& lower) noexcept {
    const double product = static_cast<double>(query.base) + static_cast<double>(query.step) * static_cast<double>(sum);
    const double scale = factor(1);
    const double value = factor(0) + static_cast<double>(query.add) + scale * product;
    const double below =
        factor(2) * static_cast<double>(query.error) + std::abs(scale) * static_cast<double>(query.slack);
    constexpr double largest = std::numeric_limits<float>::max();
    estimate = static_cast<float>(std::clamp(value, -largest, largest));
    lower = static_cast<float>(static_cast<double>(estimate) - below);
}

}  // namespace

std::size_t nibbles_below(const NibbleQuery& query, const std::byte* blocks, std::size_t stride, std::size_t begin,
                          std::size_t end, float bound, std::uint32_t* index, float* estimate, float* lower) noexcept {
    std::size_t found = 0;
    for (std::size_t row = begin; row < end; ++row) {
        const std::byte* const block = blocks + row / nibble_rows * stride;
        const std::size_t r = row % nibble_rows;
        long long sum = 0;
        for (std::size_t part = 0; part < 4 * query.quads; ++part) {
            const auto both = std::to_integer<unsigned>(block[part / 4 * 64 + r % 16 * 4 + part % 4]);
            sum += query.table[part * 16 + (r < 16 ? both & 15U : both >> 4U)];
        }
        const auto factor = [&](std::size_t array) {
            return static_cast<double>(load_float(block + query.quads * 64 + (array * nibble_rows + r) * 4));
        };
        judge(query, sum, factor, estimate[found], lower[found]);
        if (!(lower[found] < bound)) continue;
        index[found++] = static_cast<std::uint32_t>(row - begin);
    }
    return found;
}

void nibbles_below_each(const NibbleQuery* const* queries, std::size_t count, const std::byte* blocks,
                        std::size_t stride, std::size_t begin, std::size_t end, const float* bounds,
                        NibblesFound* found) noexcept {
    for (std::size_t q = 0; q < count; ++q) {
        NibblesFound& to = found[q];
        to.count += nibbles_below(*queries[q], blocks, stride, begin, end, bounds[q], to.index + to.count,
                                  to.estimate + to.count, to.lower + to.count);
    }
}

void round_int8(const float* values, const float* middle, float scale, std::size_t count, std::int8_t* out) noexcept {
    constexpr float most = 127;
    for (std::size_t i = 0; i < count; ++i) {
        const float away = middle == nullptr ? values[i] : values[i] - middle[i];
        const float scaled = std::clamp(away * scale, -most, most);
        out[i] = static_cast<std::int8_t>(scaled + std::copysign(0.5F, scaled));
    }
}

NibbleTable nibble_table(const float* query, const float* points, std::size_t stride, std::size_t parts,
                         std::size_t width, float* room, std::uint8_t* table) noexcept {
    double base = 0;
    float widest = 0;
    for (std::size_t part = 0; part < parts; ++part) {
        double entries[16] = {};
        for (std::size_t j = 0; j < width; ++j) {
            for (std::size_t c = 0; c < 16; ++c) {
                entries[c] += static_cast<double>(query[part * width + j]) *
                              static_cast<double>(points[part * stride + 16 * j + c]);
            }
        }
        const double least = *std::min_element(std::begin(entries), std::end(entries));
        base += least;
        for (std::size_t c = 0; c < 16; ++c) {
            room[16 * part + c] = static_cast<float>(entries[c] - least);
            widest = std::max(widest, room[16 * part + c]);
        }
    }
    const NibbleScale scale = nibble_scale(widest);
    for (std::size_t i = 0; i < 16 * parts; ++i) {
        table[i] = static_cast<std::uint8_t>(room[i] * scale.lift * scale.inverse + 0.5F);
    }
    return {static_cast<float>(base), scale.step};
}

namespace {

/// Rows of codes behind their factors: `sum_of(codes)` is what those of a row count.
template <class RowAt, class SumOf>
std::size_t codes_below(const ByteCodeQuery& query, const RowAt& row_at, const SumOf& sum_of, std::size_t count,
                        float bound, std::uint32_t* index, float* estimate, float* lower) noexcept {
    std::size_t found = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::byte* const row = row_at(i);
        const auto factor = [&](std::size_t which) { return static_cast<double>(load_float(row + which * 4)); };
        judge(query, sum_of(row + byte_code_factors), factor, estimate[found], lower[found]);
        if (lower[found] < bound) index[found++] = static_cast<std::uint32_t>(i);
    }
    return found;
}

template <class RowAt>
std::size_t byte_codes_below(const ByteCodeQuery& query, const RowAt& row_at, std::size_t count, float bound,
                             std::uint32_t* index, float* estimate, float* lower) noexcept {
    const auto sum_of = [&](const std::byte* codes) {
        long long sum = 0;
        for (std::size_t part = 0; part < query.parts; ++part) {
            sum += query.table[part * points_a_byte + std::to_integer<std::size_t>(codes[part])];
        }
        return sum;
    };
    return codes_below(query, row_at, sum_of, count, bound, index, estimate, lower);
}

}  // namespace

std::size_t byte_codes_gather(const ByteCodeQuery& query, const std::byte* const* rows, std::size_t count, float bound,
                              std::uint32_t* index, float* estimate, float* lower) noexcept {
    return byte_codes_below(query, [=](std::size_t i) { return rows[i]; }, count, bound, index, estimate, lower);
}
std::size_t byte_codes_scan(const ByteCodeQuery& query, const std::byte* rows, std::size_t stride, std::size_t count,
                            float bound, std::uint32_t* index, float* estimate, float* lower) noexcept {
    return byte_codes_below(
        query, [=](std::size_t i) { return rows + i * stride; }, count, bound, index, estimate, lower);
}

namespace {

template <class RowAt>
std::size_t value_nibbles_below(const ByteCodeQuery& query, const RowAt& row_at, std::size_t count, float bound,
                                std::uint32_t* index, float* estimate, float* lower) noexcept {
    const auto* const weights = reinterpret_cast<const std::int8_t*>(query.table);
    const std::size_t upper = value_nibbles_padded(query.parts);
    const auto sum_of = [&](const std::byte* codes) {
        long long sum = 0;
        for (std::size_t at = 0; at < query.parts; ++at) {
            const auto both = std::to_integer<int>(codes[at]);
            sum += (both & 15) * weights[at] + (both >> 4) * weights[upper + at];
        }
        return sum;
    };
    return codes_below(query, row_at, sum_of, count, bound, index, estimate, lower);
}

}  // namespace

std::size_t value_nibbles_gather(const ByteCodeQuery& query, const std::byte* const* rows, std::size_t count,
                                 float bound, std::uint32_t* index, float* estimate, float* lower) noexcept {
    return value_nibbles_below(query, [=](std::size_t i) { return rows[i]; }, count, bound, index, estimate, lower);
}
std::size_t value_nibbles_scan(const ByteCodeQuery& query, const std::byte* rows, std::size_t stride, std::size_t count,
                               float bound, std::uint32_t* index, float* estimate, float* lower) noexcept {
    return value_nibbles_below(
        query, [=](std::size_t i) { return rows + i * stride; }, count, bound, index, estimate, lower);
}

NibbleTable byte_table(const float* query, const float* points, std::size_t parts, std::size_t width, float* room,
                       std::uint8_t* table) noexcept {
    constexpr double largest = std::numeric_limits<float>::max();
    double base = 0;
    float widest = 0;
    for (std::size_t part = 0; part < parts; ++part) {
        double entries[points_a_byte] = {};
        for (std::size_t j = 0; j < width; ++j) {
            const std::size_t value = part * width + j;
            for (std::size_t c = 0; c < points_a_byte; ++c) {
                entries[c] +=
                    static_cast<double>(query[value]) * static_cast<double>(points[value * points_a_byte + c]);
            }
        }
        const double least = *std::min_element(std::begin(entries), std::end(entries));
        base += least;
        for (std::size_t c = 0; c < points_a_byte; ++c) {
            float& above = room[part * points_a_byte + c];
            above = static_cast<float>(std::min(entries[c] - least, largest));
            widest = std::max(widest, above);
        }
    }
    const NibbleScale scale = nibble_scale(widest);
    for (std::size_t i = 0; i < points_a_byte * parts; ++i) {
        table[i] = static_cast<std::uint8_t>(room[i] * scale.lift * scale.inverse + 0.5F);
    }
    return {static_cast<float>(std::clamp(base, -largest, largest)), scale.step};
}

void byte_points(const float* values, const float* points, std::size_t parts, std::size_t width,
                 std::byte* codes) noexcept {
    for (std::size_t part = 0; part < parts; ++part) {
        double away[points_a_byte] = {};
        for (std::size_t j = 0; j < width; ++j) {
            const std::size_t value = part * width + j;
            for (std::size_t c = 0; c < points_a_byte; ++c) {
                const double difference =
                    static_cast<double>(values[value]) - static_cast<double>(points[value * points_a_byte + c]);
                away[c] += difference * difference;
            }
        }
        codes[part] = static_cast<std::byte>(std::min_element(std::begin(away), std::end(away)) - std::begin(away));
    }
}

float planes_product(const float* query, std::size_t count, const std::byte* block, std::size_t place,
                     const std::byte* planes, std::size_t bits) noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
        unsigned code = sixteen_signs(block, place, i / 16) >> (i % 16) & 1U;
        for (std::size_t plane = 0; plane + 1 < bits; ++plane) {
            const auto eight = std::to_integer<unsigned>(planes[plane * (count / 8) + i / 8]);
            code = 2 * code + (eight >> (i % 8) & 1U);
        }
        const double middle = static_cast<double>((1U << bits) - 1) / 2;
        sum += static_cast<double>(query[i]) * (static_cast<double>(code) - middle);
    }
    return static_cast<float>(sum);
}

SignSums put_signs(const float* values, const float* origin, std::size_t count, std::byte* block,
                   std::size_t place) noexcept {
    SignSums lanes[16];
    for (std::size_t i = 0; i < count; ++i) {
        const auto value = static_cast<double>(values[i]);
        const auto of_origin = static_cast<double>(origin[i]);
        lanes[i % 16].square += value * value;
        lanes[i % 16].along += std::abs(value);
        lanes[i % 16].by_origin += value > 0 ? of_origin : -of_origin;
        lanes[i % 16].origin += value * of_origin;
        std::byte& part = block[i / 16 * 64 + place % 16 * 4 + i / 4 % 4];
        const auto bit = std::byte{1} << (place / 16 * 4 + i % 4);
        part = value > 0 ? part | bit : part & ~bit;
    }
    SignSums sums;
    for (const SignSums& lane : lanes) {
        sums.square += lane.square;
        sums.along += lane.along;
        sums.by_origin += lane.by_origin;
        sums.origin += lane.origin;
    }
    return sums;
}

RoundedSums rounded_sums(const float* values, std::size_t count, float scale, float most) noexcept {
    double along = 0;
    double square = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const auto value = static_cast<double>(values[i]);
        const double middle = std::min(std::floor(value * static_cast<double>(scale)), static_cast<double>(most)) + 0.5;
        along += value * middle;
        square += middle * middle;
    }
    return {static_cast<float>(along), static_cast<float>(square)};
}

void rotate(float* values, std::size_t size, const std::uint64_t* signs) noexcept {
    const std::size_t mixed = std::bit_floor(size);
    const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(mixed)));
    const auto butterfly = [](float& a, float& b, float factor) {
        const float sum = a + b;
        const float difference = a - b;
        a = sum * factor;
        b = difference * factor;
    };
    for (unsigned round = 0; round < rotation_rounds; ++round, signs += (size + 63) / 64) {
        for (std::size_t i = 0; i < size; ++i) {
            if ((signs[i / 64] >> (i % 64) & 1U) != 0) values[i] = -values[i];
        }
        const bool last_ones = round % 2 == 1;
        float* const some = values + (last_ones ? size - mixed : 0);
        for (std::size_t half = 1; half < mixed; half *= 2) {
            for (std::size_t i = 0; i < mixed; ++i) {
                if ((i & half) == 0) butterfly(some[i], some[i + half], 2 * half == mixed ? scale : 1);
            }
        }
        if (mixed == size || !last_ones) continue;
        const float halved = round + 1 == rotation_rounds ? 0.5F : 1;
        for (std::size_t i = 0; i < size / 2; ++i) butterfly(values[i], values[size / 2 + i], halved);
    }
}

}  // namespace tonari::simd::reference
