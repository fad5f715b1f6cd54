// The oracle: every kernel as the plainest loop. Float sums are in double, integer sums in 64 bits, each rounded to
// float once. Nothing here is fast; every other level is tested against it.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "simd/half.hpp"
#include "simd/layout.hpp"
#include "simd/tables.hpp"

namespace tonari::simd {
namespace {

/// One value of a row (or of a query, whose halves are float32), as a number that is added exactly enough.
template <Element E>
struct Values {
    using Sum = std::conditional_t<is_float(E), double, long long>;

    static Sum row(const std::byte* at, std::size_t i) noexcept {
        if constexpr (is_half(E)) {
            std::uint16_t bits;
            std::memcpy(&bits, at + i * 2, 2);
            return E == Element::float16 ? half_to_float(bits) : bfloat_to_float(bits);
        } else if constexpr (E == Element::float32) {
            return load_float(at + i * 4);
        } else if constexpr (E == Element::int8) {
            return static_cast<std::int8_t>(at[i]);
        } else if constexpr (E == Element::uint8) {
            return static_cast<std::uint8_t>(at[i]);
        } else {
            return static_cast<unsigned>(at[i / 8]) >> (i % 8) & 1U;
        }
    }
    static Sum query(const std::byte* at, std::size_t i) noexcept {
        return Values < is_half(E) ? Element::float32 : E > ::row(at, i);
    }
};

template <MetricKind M, Element E>
float distance(const std::byte* query, const std::byte* row, Dim dim) noexcept {
    using Sum = typename Values<E>::Sum;
    Sum sum = 0;
    for (std::size_t i = 0; i < dim; ++i) {
        const Sum q = Values<E>::query(query, i);
        const Sum x = Values<E>::row(row, i);
        if constexpr (M == MetricKind::inner_product || M == MetricKind::cosine) {
            sum += q * x;
        } else if constexpr (M == MetricKind::l2) {
            sum += (q - x) * (q - x);
        } else {
            sum += q > x ? q - x : x - q;
        }
    }
    if constexpr (M == MetricKind::inner_product) return static_cast<float>(-sum);
    if constexpr (M == MetricKind::cosine) {
        const double scale = static_cast<double>(load_float(query + query_trailer_offset(E, dim))) *
                             static_cast<double>(load_float(row + trailer_offset(E, dim)));
        return static_cast<float>(1.0 - static_cast<double>(sum) * scale);
    }
    return static_cast<float>(sum);
}

template <MetricKind M, Element E>
void gather(const void* query, const std::byte* const* rows, std::size_t count, Dim dim, float* out) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = distance<M, E>(static_cast<const std::byte*>(query), rows[i], dim);
    }
}

template <MetricKind M, Element E>
void scan(const void* query, const std::byte* rows, std::size_t stride, std::size_t count, Dim dim,
          float* out) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = distance<M, E>(static_cast<const std::byte*>(query), rows + i * stride, dim);
    }
}

template <MetricKind M, Element E>
constexpr DistanceKernels pair() noexcept {
    return {.gather = &gather<M, E>, .scan = &scan<M, E>};
}

template <Element E>
float squared_norm(const void* row, Dim dim) noexcept {
    typename Values<E>::Sum sum = 0;
    for (std::size_t i = 0; i < dim; ++i) {
        const auto x = Values<E>::row(static_cast<const std::byte*>(row), i);
        sum += x * x;
    }
    return static_cast<float>(sum);
}

template <Element E>
void from_float32(const float* in, void* out, std::size_t count) noexcept {
    auto* to = static_cast<std::byte*>(out);
    for (std::size_t i = 0; i < count; ++i) {
        if constexpr (E == Element::float32) {
            std::memcpy(to + i * 4, in + i, 4);
        } else {
            const std::uint16_t bits = E == Element::float16 ? float_to_half(in[i]) : float_to_bfloat(in[i]);
            std::memcpy(to + i * 2, &bits, 2);
        }
    }
}

template <Element E>
void to_float32(const void* in, float* out, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = static_cast<float>(Values<E>::row(static_cast<const std::byte*>(in), i));
    }
}

template <Element E>
bool all_finite(const void* values, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        if (!std::isfinite(Values<E>::row(static_cast<const std::byte*>(values), i))) return false;
    }
    return true;
}

/// Tiles of the reference are rows and queries as they come, one behind another.
template <MetricKind M, Element E>
std::size_t tile_stride(Dim dim) noexcept {
    return M == MetricKind::cosine ? trailer_offset(E, dim) + sizeof(float) : row_bytes(E, dim);
}
template <MetricKind M, Element E>
std::size_t tile_bytes(Dim dim) noexcept {
    static_assert(tile_rows == block_queries);
    return (tile_rows * tile_stride<M, E>(dim) + 63) / 64 * 64;
}
template <MetricKind M, Element E>
void pack_tile_rows(const std::byte* rows, std::size_t stride, std::size_t count, Dim dim, void* groups) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        std::byte* group = static_cast<std::byte*>(groups) + i / tile_rows * tile_bytes<M, E>(dim);
        const std::size_t bytes = tile_stride<M, E>(dim);
        std::memcpy(group + i % tile_rows * bytes, rows + i * stride, bytes);
    }
}
template <MetricKind M, Element E>
void pack_tile_queries(const void* queries, std::size_t stride, std::size_t count, Dim dim, void* panel) noexcept {
    pack_tile_rows<M, E>(static_cast<const std::byte*>(queries), stride, count, dim, panel);
}
template <MetricKind M, Element E>
std::size_t tiles_below(const void* panel, const void* groups, std::size_t count, Dim dim, const float* bounds,
                        std::uint32_t* hits, float* values) noexcept {
    const std::size_t bytes = tile_stride<M, E>(dim);
    std::size_t found = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const auto* row =
            static_cast<const std::byte*>(groups) + i / tile_rows * tile_bytes<M, E>(dim) + i % tile_rows * bytes;
        for (std::size_t q = 0; q < block_queries; ++q) {
            if (bounds[q] == -std::numeric_limits<float>::infinity()) continue;
            const float value = distance<M, E>(static_cast<const std::byte*>(panel) + q * bytes, row, dim);
            if (!(value < bounds[q])) continue;
            hits[found] = static_cast<std::uint32_t>(i * block_queries + q);
            values[found++] = value;
        }
    }
    return found;
}

template <MetricKind M, Element E>
constexpr DistanceKernels pair_with_tiles() noexcept {
    DistanceKernels kernels = pair<M, E>();
    kernels.tiles = {&tile_bytes<M, E>, &pack_tile_queries<M, E>, &tile_bytes<M, E>, &pack_tile_rows<M, E>,
                     &tiles_below<M, E>};
    return kernels;
}

std::size_t block_below(const float* values, std::size_t rows, const float* bounds, std::uint32_t* hits) noexcept {
    std::size_t found = 0;
    for (std::size_t i = 0; i < rows * block_queries; ++i) {
        if (values[i] < bounds[i % block_queries]) hits[found++] = static_cast<std::uint32_t>(i);
    }
    return found;
}

void block_nearest(const float* values, std::size_t rows, std::uint32_t first, float* best,
                   std::uint32_t* which) noexcept {
    for (std::size_t i = 0; i < rows * block_queries; ++i) {
        const std::size_t q = i % block_queries;
        if (!(values[i] < best[q])) continue;
        best[q] = values[i];
        which[q] = first + static_cast<std::uint32_t>(i / block_queries);
    }
}

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

template <class RowAt>
std::size_t byte_codes_below(const ByteCodeQuery& query, const RowAt& row_at, std::size_t count, float bound,
                             std::uint32_t* index, float* estimate, float* lower) noexcept {
    std::size_t found = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::byte* const row = row_at(i);
        const auto factor = [&](std::size_t which) { return static_cast<double>(load_float(row + which * 4)); };
        long long sum = 0;
        for (std::size_t part = 0; part < query.parts; ++part) {
            sum += query.table[part * points_a_byte + std::to_integer<std::size_t>(row[byte_code_factors + part])];
        }
        judge(query, sum, factor, estimate[found], lower[found]);
        if (lower[found] < bound) index[found++] = static_cast<std::uint32_t>(i);
    }
    return found;
}
std::size_t byte_codes_gather(const ByteCodeQuery& query, const std::byte* const* rows, std::size_t count, float bound,
                              std::uint32_t* index, float* estimate, float* lower) noexcept {
    return byte_codes_below(query, [=](std::size_t i) { return rows[i]; }, count, bound, index, estimate, lower);
}
std::size_t byte_codes_scan(const ByteCodeQuery& query, const std::byte* rows, std::size_t stride, std::size_t count,
                            float bound, std::uint32_t* index, float* estimate, float* lower) noexcept {
    return byte_codes_below(
        query, [=](std::size_t i) { return rows + i * stride; }, count, bound, index, estimate, lower);
}

template <class RowAt>
std::size_t value_nibbles_below(const ByteCodeQuery& query, const RowAt& row_at, std::size_t count, float bound,
                                std::uint32_t* index, float* estimate, float* lower) noexcept {
    std::size_t found = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::byte* const row = row_at(i);
        const auto factor = [&](std::size_t which) { return static_cast<double>(load_float(row + which * 4)); };
        const auto* const weights = reinterpret_cast<const std::int8_t*>(query.table);
        const std::size_t upper = value_nibbles_padded(query.parts);
        long long sum = 0;
        for (std::size_t at = 0; at < query.parts; ++at) {
            const auto both = std::to_integer<int>(row[byte_code_factors + at]);
            sum += (both & 15) * weights[at] + (both >> 4) * weights[upper + at];
        }
        judge(query, sum, factor, estimate[found], lower[found]);
        if (lower[found] < bound) index[found++] = static_cast<std::uint32_t>(i);
    }
    return found;
}
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

template <MetricKind M>
constexpr void fill_metric(Kernels& table) noexcept {
    DistanceKernels* of = table.distance[static_cast<std::size_t>(M) - 1];
    of[0] = pair<M, Element::float32>();
    of[1] = pair<M, Element::float16>();
    of[2] = pair<M, Element::bfloat16>();
    if constexpr (M == MetricKind::l1) {
        of[3] = pair<M, Element::int8>();
        of[4] = pair<M, Element::uint8>();
    } else {
        of[3] = pair_with_tiles<M, Element::int8>();
        of[4] = pair_with_tiles<M, Element::uint8>();
    }
}

constexpr Kernels make_table() noexcept {
    Kernels table{};
    table.level = Level::reference;
    fill_metric<MetricKind::l2>(table);
    fill_metric<MetricKind::inner_product>(table);
    fill_metric<MetricKind::cosine>(table);
    fill_metric<MetricKind::l1>(table);
    table.distance[4][5] = pair<MetricKind::hamming, Element::bits>();

    table.squared_norm[0] = &squared_norm<Element::float32>;
    table.squared_norm[1] = &squared_norm<Element::float16>;
    table.squared_norm[2] = &squared_norm<Element::bfloat16>;
    table.squared_norm[3] = &squared_norm<Element::int8>;
    table.squared_norm[4] = &squared_norm<Element::uint8>;
    table.squared_norm[5] = &squared_norm<Element::bits>;

    table.from_float32[0] = &from_float32<Element::float32>;
    table.from_float32[1] = &from_float32<Element::float16>;
    table.from_float32[2] = &from_float32<Element::bfloat16>;

    table.to_float32[0] = &to_float32<Element::float32>;
    table.to_float32[1] = &to_float32<Element::float16>;
    table.to_float32[2] = &to_float32<Element::bfloat16>;
    table.to_float32[3] = &to_float32<Element::int8>;
    table.to_float32[4] = &to_float32<Element::uint8>;

    table.all_finite[0] = &all_finite<Element::float32>;
    table.all_finite[1] = &all_finite<Element::float16>;
    table.all_finite[2] = &all_finite<Element::bfloat16>;
    table.block_below = &block_below;
    table.block_nearest = &block_nearest;
    table.nibbles_below = &nibbles_below;
    table.nibbles_below_each = &nibbles_below_each;
    table.nibble_table = &nibble_table;
    table.byte_codes_gather = &byte_codes_gather;
    table.byte_codes_scan = &byte_codes_scan;
    table.value_nibbles_gather = &value_nibbles_gather;
    table.value_nibbles_scan = &value_nibbles_scan;
    table.byte_table = &byte_table;
    table.byte_points = &byte_points;
    table.planes_product = &planes_product;
    table.put_signs = &put_signs;
    table.round_int8 = &round_int8;
    table.rounded_sums = &rounded_sums;
    table.rotate = &rotate;
    return table;
}

}  // namespace

constinit const Kernels reference_kernels = make_table();

}  // namespace tonari::simd
