// Byte rows against byte queries by AMX: a tile is 16 lines of 64 bytes, and one instruction multiplies a tile of rows with one
// of queries, 16 x 16 sums of 64 products each, exactly.
//
//     panel   | 32 x |q|^2   | 32 x 1/|q| | dims 0-63: queries 0-15 | queries 16-31 | dims 64-127: ... |
//     group   | 32 x |x|^2   | 32 x 1/|x| | dims 0-63: rows 0-15    | rows 16-31    | dims 64-127: ... |
//
//     tile of rows       line r: 64 dimensions of row r                                 zeros beyond the last dimension,
//     tile of queries    line l: dimensions 4 l to 4 l + 3 of each of the 16 queries    row and query
//
// Two tiles of rows meet two of queries: four loads for four products, whose sums stay in four tiles until the last
// dimension. A load from the first cache takes half a product's time, one from the second about a whole one.
//
// What is below a bound is then asked of whole numbers: an addition and a comparison a vector. Bounds are rounded so that
// nothing is missed, and the few that pass are compared again as floats.
#pragma once

#include <tonari/simd/kernels.hpp>

#include "simd/body_block_bytes.hpp"
#include "simd/machine_avx512_spr.hpp"

namespace tonari::simd {
namespace {

constexpr std::size_t tile_lines = 16;
constexpr std::size_t line_bytes = 64;
constexpr std::size_t tile_size = tile_lines * line_bytes;

struct TileHead {
    std::uint32_t squares[tile_rows];
    float inverse[tile_rows];
};
static_assert(tile_rows == block_queries && tile_rows == 2 * tile_lines && sizeof(TileHead) % 64 == 0);

/// Of a panel, and of a group: they have the same parts.
inline std::size_t tiles_bytes(Dim dim) noexcept {
    return sizeof(TileHead) + (std::size_t{dim} + line_bytes - 1) / line_bytes * 2 * tile_size;
}

/// |x|^2 modulo 2^32.
template <Element E>
TONARI_INLINE std::uint32_t squares_of(const std::byte* row, Dim dim) noexcept {
    RowSums sums;
    sum_rows_vnni<Avx512Spr, E, 1>(row, 0, dim, &sums);
    return sums.squares;
}

template <MetricKind M, Element E>
TONARI_INLINE void fill_head(TileHead& head, std::size_t place, const std::byte* row, Dim dim) noexcept {
    if constexpr (M == MetricKind::l2) head.squares[place] = squares_of<E>(row, dim);
    if constexpr (M == MetricKind::cosine) head.inverse[place] = load_float(row + trailer_offset(E, dim));
}

template <MetricKind M, Element E>
void pack_tile_rows(const std::byte* rows, std::size_t stride, std::size_t count, Dim dim, void* groups) noexcept {
    const std::size_t bytes = tiles_bytes(dim);
    auto* group = static_cast<std::byte*>(groups);
    for (std::size_t first = 0; first < count; first += tile_rows, group += bytes) {
        const std::size_t here = count - first < tile_rows ? count - first : tile_rows;
        if (here < tile_rows) __builtin_memset(group, 0, bytes);
        auto& head = *reinterpret_cast<TileHead*>(group);
        for (std::size_t r = 0; r < here; ++r) {
            const std::byte* row = rows + (first + r) * stride;
            std::byte* line = group + sizeof head + r * line_bytes;  // the second tile lies behind the first
            std::size_t i = 0;
            for (; i + line_bytes <= dim; i += line_bytes, line += 2 * tile_size) {
                _mm512_store_si512(line, Avx512Spr::bytes(row + i));
            }
            if (i < dim) _mm512_store_si512(line, Avx512Spr::bytes_part(row + i, dim - i));
            fill_head<M, E>(head, r, row, dim);
        }
    }
}

template <MetricKind M, Element E>
void pack_tile_queries(const void* queries, std::size_t stride, std::size_t count, Dim dim, void* panel) noexcept {
    __builtin_memset(panel, 0, tiles_bytes(dim));
    auto* const to = static_cast<std::byte*>(panel);
    auto& head = *reinterpret_cast<TileHead*>(to);
    for (std::size_t q = 0; q < count; ++q) {
        const auto* query = static_cast<const std::byte*>(queries) + q * stride;
        std::byte* four = to + sizeof head + q / tile_lines * tile_size + q % tile_lines * 4;
        for (std::size_t i = 0; i < dim; i += 4) {
            std::byte* at = four + i / line_bytes * 2 * tile_size + i % line_bytes / 4 * line_bytes;
            __builtin_memcpy(at, query + i, dim - i < 4 ? dim - i : 4);
        }
        fill_head<M, E>(head, q, query, dim);
    }
}

/// What LDTILECFG reads: eight tiles, all alike.
struct alignas(64) TileConfiguration {
    std::uint8_t palette = 1;
    std::uint8_t start = 0;
    std::uint8_t reserved[14] = {};
    std::uint16_t bytes_a_line[16] = {};
    std::uint8_t lines[16] = {};

    constexpr TileConfiguration() noexcept {
        for (std::size_t tile = 0; tile < 8; ++tile) {
            bytes_a_line[tile] = line_bytes;
            lines[tile] = tile_lines;
        }
    }
};
static_assert(sizeof(TileConfiguration) == 64);
constexpr TileConfiguration tile_configuration;

/// products[32 r + q] = <row r, query q>.
template <Element E>
TONARI_INLINE void multiply_tiles(const std::byte* rows, const std::byte* queries, Dim dim,
                                  std::int32_t* products) noexcept {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (std::size_t i = 0; i < dim; i += line_bytes, rows += 2 * tile_size, queries += 2 * tile_size) {
        _tile_loadd(4, rows, line_bytes);
        _tile_loadd(6, queries, line_bytes);
        _tile_loadd(7, queries + tile_size, line_bytes);
        _tile_loadd(5, rows + tile_size, line_bytes);
        if constexpr (E == Element::int8) {
            _tile_dpbssd(0, 4, 6);
            _tile_dpbssd(1, 4, 7);
            _tile_dpbssd(2, 5, 6);
            _tile_dpbssd(3, 5, 7);
        } else {
            _tile_dpbuud(0, 4, 6);
            _tile_dpbuud(1, 4, 7);
            _tile_dpbuud(2, 5, 6);
            _tile_dpbuud(3, 5, 7);
        }
    }
    constexpr std::size_t stride = block_queries * sizeof(std::int32_t);
    _tile_stored(0, products, stride);
    _tile_stored(1, products + tile_lines, stride);
    _tile_stored(2, products + tile_lines * block_queries, stride);
    _tile_stored(3, products + tile_lines * block_queries + tile_lines, stride);
}

/// The queries whose product with a row may be of a distance below their bound. With D the distance, b the bound, T = ceil(b):
///
///     l2   D < b  =>  |q|^2 + |x|^2 - 2 <q,x> < T  =>  <q,x> > floor((|q|^2 - T) / 2) + floor(|x|^2 / 2)
///     ip   D < b  =>  <q,x> > -b                   =>  <q,x> > floor(-b)
///
/// D < b as floats is so of the whole numbers, too: rounding keeps their order. Up to `tile_dims` all of it fits 31 bits, and
/// a bound beyond 2^30 is beyond every distance. Cosine takes the distances themselves.
template <MetricKind M>
class ProductLimits {
public:
    ProductLimits(const TileHead& queries, const float* bounds) noexcept {
        unroll<2>([&](auto v) __attribute__((always_inline)) {
            constexpr std::size_t first = v.value * tile_lines;
            __m512 bound = _mm512_loadu_ps(bounds + first);
            if constexpr (M == MetricKind::inner_product) bound = _mm512_sub_ps(_mm512_setzero_ps(), bound);
            constexpr int up = _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC;
            constexpr int down = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
            bound = _mm512_roundscale_ps(bound, M == MetricKind::inner_product ? down : up);
            bound = _mm512_min_ps(bound, _mm512_set1_ps(0x1p30F));
            bound = _mm512_max_ps(bound, _mm512_set1_ps(M == MetricKind::inner_product ? -0x1p30F : 0.0F));
            const __m512i whole = _mm512_cvtps_epi32(bound);
            limits_[v.value] =
                M == MetricKind::inner_product
                    ? whole
                    : _mm512_srai_epi32(_mm512_sub_epi32(_mm512_load_si512(queries.squares + first), whole), 1);
        });
    }
    /// Bit q: query q.
    TONARI_INLINE unsigned above(const std::int32_t* products, std::uint32_t row_squares) const noexcept {
        return above(products, row_squares, 0) | above(products + tile_lines, row_squares, 1) << tile_lines;
    }

private:
    TONARI_INLINE unsigned above(const std::int32_t* products, std::uint32_t row_squares, int v) const noexcept {
        __m512i limit = limits_[v];
        if constexpr (M == MetricKind::l2) {
            limit = _mm512_add_epi32(limit, _mm512_set1_epi32(static_cast<int>(row_squares >> 1)));
        }
        return _mm512_cmpgt_epi32_mask(_mm512_load_si512(products), limit);
    }
    __m512i limits_[2];
};

template <MetricKind M, Element E>
std::size_t tiles_below(const void* panel, const void* groups, std::size_t count, Dim dim, const float* bounds,
                        std::uint32_t* hits, float* values) noexcept {
    using F = Avx512Spr::F;
    alignas(64) std::int32_t products[tile_rows * block_queries];
    const auto* const queries = static_cast<const std::byte*>(panel);
    const auto& of_queries = *reinterpret_cast<const TileHead*>(queries);
    const auto* group = static_cast<const std::byte*>(groups);
    const ProductLimits<M> limits(of_queries, bounds);
    std::size_t found = 0;
    _tile_loadconfig(&tile_configuration);
    for (std::size_t first = 0; first < count; first += tile_rows, group += tiles_bytes(dim)) {
        const auto& of_rows = *reinterpret_cast<const TileHead*>(group);
        multiply_tiles<E>(group + sizeof(TileHead), queries + sizeof(TileHead), dim, products);
        const std::size_t here = count - first < tile_rows ? count - first : tile_rows;
        for (std::size_t r = 0; r < here; ++r) {
            const std::int32_t* const of_row = products + r * block_queries;
            unsigned bits = ~0U;
            if constexpr (M != MetricKind::cosine) {
                bits = limits.above(of_row, of_rows.squares[r]);
                if (bits == 0) continue;
            }
            float distances[block_queries];
            unsigned below = 0;
            unroll<2>([&](auto v) __attribute__((always_inline)) {
                constexpr std::size_t q = v.value * tile_lines;
                const F of_vector =
                    distances_of<Avx512Spr, M, E>(Avx512Spr::load_sums(of_row + q), of_rows.squares[r],
                                                  of_rows.inverse[r], of_queries.squares + q, of_queries.inverse + q);
                of_vector.store_unaligned(distances + q);
                below |= Avx512Spr::below(of_vector, F::load_unaligned(bounds + q)) << q;
            });
            for (bits &= below; bits != 0; bits &= bits - 1) {
                const auto q = static_cast<unsigned>(__builtin_ctz(bits));
                hits[found] = static_cast<std::uint32_t>((first + r) * block_queries + q);
                values[found++] = distances[q];
            }
        }
    }
    _tile_release();
    return found;
}

template <MetricKind M, Element E>
constexpr TileKernels tiles_of() noexcept {
    return {&tiles_bytes, &pack_tile_queries<M, E>, &tiles_bytes, &pack_tile_rows<M, E>, &tiles_below<M, E>};
}

}  // namespace
}  // namespace tonari::simd
