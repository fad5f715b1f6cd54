// The oracle: every kernel as the plainest loop. Float sums are in double, integer sums in 64 bits, each rounded to
// float once. Nothing here is fast; every other level is tested against it. Here are distances; codes are beside it.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "simd/half.hpp"
#include "simd/layout.hpp"
#include "simd/reference_codes.hpp"
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
    table.nibbles_below = &reference::nibbles_below;
    table.nibbles_below_each = &reference::nibbles_below_each;
    table.nibble_table = &reference::nibble_table;
    table.byte_codes_gather = &reference::byte_codes_gather;
    table.byte_codes_scan = &reference::byte_codes_scan;
    table.value_nibbles_gather = &reference::value_nibbles_gather;
    table.value_nibbles_scan = &reference::value_nibbles_scan;
    table.byte_table = &reference::byte_table;
    table.byte_points = &reference::byte_points;
    table.planes_product = &reference::planes_product;
    table.put_signs = &reference::put_signs;
    table.round_int8 = &reference::round_int8;
    table.rounded_sums = &reference::rounded_sums;
    table.rotate = &reference::rotate;
    return table;
}

}  // namespace

constinit const Kernels reference_kernels = make_table();

}  // namespace tonari::simd
