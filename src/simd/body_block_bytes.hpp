// Many queries against many int8 or uint8 rows, exactly: the same blocks as body_block.hpp.
//
//     panel  | 32 x sum q^2 | 32 x 1/|q| | dims 0-3 | dims 4-7 | ...      (zeros up to a multiple of 4)
//
//     with VNNI      four dimensions: 32 x 4 bytes; of int8 queries u = byte + 128, of uint8 ones s = byte - 128;
//                    the rows are the other, signed or unsigned, kind as they lie there
//     without        four dimensions: 32 x 2 words of dims 0-1, 32 x 2 words of dims 2-3;
//                    of the rows a slab of dimensions at a time is widened to words, once for all queries
//
// What the moves by 128 add is 128 times the row's sum. Sums are modulo 2^32, as in body_int8.hpp.
#pragma once

#include <tonari/simd/kernels.hpp>

#include "simd/body_block.hpp"
#include "simd/body_int8.hpp"
#include "simd/tail.hpp"

namespace tonari::simd {
namespace {

struct BytePanelHead {
    std::uint32_t squares[block_queries];
    float inverse[block_queries];
};

template <class Machine>
inline constexpr bool has_vnni = requires { Machine::has_vnni; };

/// Bytes that four dimensions of 32 queries take.
template <class Machine>
inline constexpr std::size_t four_dims = block_queries * (has_vnni<Machine> ? 4 : 8);

template <class Machine>
std::size_t byte_panel_bytes(Dim dim) noexcept {
    return sizeof(BytePanelHead) + (std::size_t{dim} + 3) / 4 * four_dims<Machine>;
}

template <Element E>
int value_of(std::byte stored) noexcept {
    return E == Element::int8 ? static_cast<int>(static_cast<std::int8_t>(stored)) : static_cast<int>(stored);
}

/// What becomes 0 in a panel.
template <class Machine>
inline constexpr std::byte nothing = has_vnni<Machine> ? std::byte{0x80} : std::byte{0};

/// Four dimensions of a query, which stand in the panel at `to`.
template <class Machine, Element E>
TONARI_INLINE void put_four(const std::byte* query, std::byte* to) noexcept {
    if constexpr (has_vnni<Machine>) {
        std::uint32_t four;
        __builtin_memcpy(&four, query, sizeof four);
        four ^= 0x80808080U;
        __builtin_memcpy(to, &four, sizeof four);
    } else {
        for (std::size_t pair = 0; pair < 2; ++pair, to += block_queries * 4) {
            const auto word = [&](std::size_t i) {
                return static_cast<std::uint32_t>(static_cast<std::uint16_t>(value_of<E>(query[2 * pair + i])));
            };
            const std::uint32_t two = word(0) | word(1) << 16;
            __builtin_memcpy(to, &two, sizeof two);
        }
    }
}

template <class Machine, MetricKind M, Element E>
void pack_bytes(const void* queries, std::size_t stride, std::size_t count, Dim dim, void* panel) noexcept {
    __builtin_memset(panel, 0, byte_panel_bytes<Machine>(dim));
    BytePanelHead head{};
    auto* groups = static_cast<std::byte*>(panel) + sizeof head;
    for (std::size_t q = 0; q < count; ++q) {
        const auto* query = static_cast<const std::byte*>(queries) + q * stride;
        if constexpr (M == MetricKind::cosine) head.inverse[q] = load_float(query + query_trailer_offset(E, dim));
        for (std::size_t d = 0; d < dim; ++d) {
            const int value = value_of<E>(query[d]);
            head.squares[q] += static_cast<std::uint32_t>(value * value);
        }
        std::byte* group = groups + q * 4;
        std::size_t d = 0;
        for (; d + 4 <= dim; d += 4, group += four_dims<Machine>) put_four<Machine, E>(query + d, group);
        if (d == dim) continue;
        std::byte rest[4];
        for (std::size_t i = 0; i < 4; ++i) rest[i] = d + i < dim ? query[d + i] : nothing<Machine>;
        put_four<Machine, E>(rest, group);
    }
    __builtin_memcpy(panel, &head, sizeof head);
}

/// What finishing needs of a row: modulo 2^32, its sum and the sum of its squares.
struct RowSums {
    unsigned sum = 0;
    unsigned squares = 0;
};

/// With VNNI: of `Rows` rows at once, whose accumulators are added across in fours.
template <class Machine, Element E, std::size_t Rows>
TONARI_INLINE void sum_rows_vnni(const std::byte* rows, std::size_t stride, Dim dim, RowSums* to) noexcept {
    using B = typename Machine::B;
    using I = typename Machine::I;
    I sum[Rows];
    I product[Rows];
    unroll<Rows>([&](auto r) __attribute__((always_inline)) { sum[r.value] = product[r.value] = Machine::zero(); });
    // Of the bytes as they lie: u * s is s * s + 128 s for signed ones, u * u - 128 u for unsigned ones.
    const auto add = [&](auto r, B x) __attribute__((always_inline)) {
        const B ones = Machine::every_byte(1);
        const B other = Machine::flip_sign(x);
        I& s = sum[r.value];
        I& p = product[r.value];
        s = E == Element::int8 ? Machine::multiply_bytes(s, ones, x) : Machine::multiply_bytes(s, x, ones);
        p = E == Element::int8 ? Machine::multiply_bytes(p, other, x) : Machine::multiply_bytes(p, x, other);
    };
    std::size_t i = 0;
    for (; i + Machine::byte_lanes <= dim; i += Machine::byte_lanes) {
        unroll<Rows>([&](auto r)
                         __attribute__((always_inline)) { add(r, Machine::bytes(rows + r.value * stride + i)); });
    }
    if (i < dim) {
        unroll<Rows>([&](auto r) __attribute__((always_inline)) {
            add(r, Machine::bytes_part(rows + r.value * stride + i, dim - i));
        });
    }
    unsigned sums[Rows];
    unsigned products[Rows];
    if constexpr (Rows == 4) {
        store(sums, Machine::sum4(sum[0], sum[1], sum[2], sum[3]));
        store(products, Machine::sum4(product[0], product[1], product[2], product[3]));
    } else {
        unroll<Rows>([&](auto r) __attribute__((always_inline)) {
            sums[r.value] = Machine::sum(sum[r.value]);
            products[r.value] = Machine::sum(product[r.value]);
        });
    }
    unroll<Rows>([&](auto r) __attribute__((always_inline)) {
        const unsigned moved = 128U * sums[r.value];
        to[r.value] = {sums[r.value], E == Element::int8 ? products[r.value] - moved : products[r.value] + moved};
    });
}

/// With VNNI, one row's part of one step: four of its bytes, broadcast, meet four dimensions of `vectors` x lanes queries.
template <class Machine, Element E, std::size_t Vectors>
TONARI_INLINE void add_four(typename Machine::I* acc, const std::byte* group, unsigned four) noexcept {
    const auto x = Machine::broadcast4(four);
    unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
        const auto q = Machine::load_sums(group + v.value * Machine::float_lanes * 4);
        acc[v.value] = E == Element::int8 ? Machine::multiply_bytes(acc[v.value], q, x)
                                          : Machine::multiply_bytes(acc[v.value], x, q);
    });
}

/// Dimensions of a slab: words of all its rows, and of the queries that they meet, stay in the L1 cache.
constexpr std::size_t word_slab = 256;

/// Without VNNI: the dimensions from `from` on, at most a slab of them, of `Rows` rows as words, with zeros up to a whole vector. Adds
/// to the rows' sums of squares where they are asked for.
template <class Machine, MetricKind M, Element E, std::size_t Rows>
TONARI_INLINE void widen_rows(const std::byte* rows, std::size_t stride, std::size_t from, Dim dim,
                              std::int16_t (*words)[word_slab], RowSums* sums) noexcept {
    using W = typename Machine::W;
    constexpr bool is_signed = E == Element::int8;
    const std::size_t count = dim - from < word_slab ? dim - from : word_slab;
    for (std::size_t r = 0; r < Rows; ++r) {
        const std::byte* const row = rows + r * stride + from;
        auto squares = Machine::zero();
        const auto put = [&](std::size_t i, W wide) __attribute__((always_inline)) {
            Machine::store_sums(words[r] + i, wide);
            if constexpr (M == MetricKind::l2) squares = Machine::multiply_pairs(squares, wide, wide);
        };
        std::size_t i = 0;
        for (; i + Machine::wide_lanes <= count; i += Machine::wide_lanes) {
            put(i, Machine::template widen<is_signed>(row + i));
        }
        if (i < count) put(i, Machine::template widen_part<is_signed>(row + i, count - i));
        if constexpr (M == MetricKind::l2) sums[r].squares += Machine::sum(squares);
    }
}

/// Adds to `products` those of so many pairs of dimensions of a slab, whose first stands in the panel at `group`. A function of its own
/// that is told nothing of how many these may be: where GCC 11 and 12 know, all products come first, and the sums go by the stack.
template <class Machine, std::size_t Rows>
__attribute__((noinline)) void add_pairs(const std::byte* group, std::size_t queries,
                                         const std::int16_t (*words)[word_slab], std::size_t pairs,
                                         std::uint32_t (*products)[block_queries]) noexcept {
    constexpr std::size_t vectors = Machine::block_vectors;
    constexpr std::size_t lanes = Machine::float_lanes;
    __asm__("" : "+r"(pairs));
    for (std::size_t first = 0; first < queries; first += vectors * lanes) {
        typename Machine::I acc[Rows][vectors];
        for (std::size_t r = 0; r < Rows; ++r) {
            for (std::size_t v = 0; v < vectors; ++v) acc[r][v] = Machine::load_sums(products[r] + first + v * lanes);
        }
        const std::byte* at = group + first * 4;
        for (std::size_t pair = 0; pair < pairs; ++pair, at += block_queries * 4) {
            typename Machine::W q[vectors];
            for (std::size_t v = 0; v < vectors; ++v) q[v] = Machine::load_sums(at + v * lanes * 4);
            for (std::size_t r = 0; r < Rows; ++r) {
                std::uint32_t two;
                __builtin_memcpy(&two, words[r] + 2 * pair, sizeof two);
                const typename Machine::W x = Machine::broadcast(two);
                for (std::size_t v = 0; v < vectors; ++v) acc[r][v] = Machine::multiply_pairs(acc[r][v], q[v], x);
            }
        }
        for (std::size_t r = 0; r < Rows; ++r) {
            for (std::size_t v = 0; v < vectors; ++v) Machine::store_sums(products[r] + first + v * lanes, acc[r][v]);
        }
    }
}

/// Distances of a row from a vector of queries, of their products modulo 2^32.
template <class Machine, MetricKind M, Element E>
TONARI_INLINE typename Machine::F distances_of(typename Machine::I dot, unsigned row_squares, float inverse_row,
                                               const std::uint32_t* squares, const float* inverse) noexcept {
    using F = typename Machine::F;
    if constexpr (M == MetricKind::l2) {
        const auto both = Machine::add(Machine::load_sums(squares), Machine::broadcast(row_squares));
        return Machine::unsigned_floats(Machine::subtract_sums(Machine::subtract_sums(both, dot), dot));
    }
    const F value = E == Element::int8 ? Machine::signed_floats(dot) : Machine::unsigned_floats(dot);
    if constexpr (M == MetricKind::cosine) {
        return Machine::negative_multiply_add(value * F::load_unaligned(inverse), F(inverse_row), F(1.0F));
    }
    return -value;
}

template <MetricKind M, Element E>
TONARI_INLINE float inverse_of(const std::byte* row, Dim dim) noexcept {
    return M == MetricKind::cosine ? load_float(row + trailer_offset(E, dim)) : 0.0F;
}

template <class Machine, MetricKind M, Element E, std::size_t Rows>
TONARI_INLINE void block_group_words(const std::byte* panel, std::size_t queries, const std::byte* rows,
                                     std::size_t stride, Dim dim, float* out) noexcept {
    const BytePanelHead& head = *reinterpret_cast<const BytePanelHead*>(panel);
    RowSums sums[Rows];
    alignas(64) std::uint32_t products[Rows][block_queries] = {};
    alignas(64) std::int16_t words[Rows][word_slab];
    const std::byte* group = panel + sizeof head;
    for (std::size_t from = 0; from < dim; from += word_slab, group += word_slab / 4 * four_dims<Machine>) {
        widen_rows<Machine, M, E, Rows>(rows, stride, from, dim, words, sums);
        const std::size_t count = dim - from < word_slab ? dim - from : word_slab;
        add_pairs<Machine, Rows>(group, queries, words, (count + 1) / 2, products);
    }
    for (std::size_t r = 0; r < Rows; ++r) {
        const float inverse_row = inverse_of<M, E>(rows + r * stride, dim);
        for (std::size_t q = 0; q < queries; q += Machine::float_lanes) {
            distances_of<Machine, M, E>(Machine::load_sums(products[r] + q), sums[r].squares, inverse_row,
                                        head.squares + q, head.inverse + q)
                .store_unaligned(out + r * block_queries + q);
        }
    }
}

template <class Machine, MetricKind M, Element E, std::size_t Rows>
TONARI_INLINE void block_group_vnni(const std::byte* panel, std::size_t queries, const std::byte* rows,
                                    std::size_t stride, Dim dim, float* out) noexcept {
    constexpr std::size_t vectors = Machine::block_vectors;
    constexpr std::size_t lanes = Machine::float_lanes;
    constexpr unsigned move = E == Element::int8 ? 128U : 0U - 128U;
    const BytePanelHead& head = *reinterpret_cast<const BytePanelHead*>(panel);
    RowSums sums[Rows];
    std::size_t summed = 0;
    for (; summed + 4 <= Rows; summed += 4) {
        sum_rows_vnni<Machine, E, 4>(rows + summed * stride, stride, dim, sums + summed);
    }
    for (; summed < Rows; ++summed) sum_rows_vnni<Machine, E, 1>(rows + summed * stride, stride, dim, sums + summed);

    for (std::size_t first = 0; first < queries; first += vectors * lanes) {
        typename Machine::I acc[Rows][vectors];
        unroll<Rows>([&](auto r) __attribute__((always_inline)) {
            unroll<vectors>([&](auto v) __attribute__((always_inline)) { acc[r.value][v.value] = Machine::zero(); });
        });
        const std::byte* group = panel + sizeof head + first * 4;
        // The last one to three dimensions come first: after the loop they would cost it its registers.
        if (const std::size_t rest = dim % 4; rest != 0) {
            const std::byte* last = group + dim / 4 * four_dims<Machine>;
            unroll<Rows>([&](auto r) __attribute__((always_inline)) {
                const auto four = static_cast<unsigned>(load_below_8(rows + r.value * stride + (dim - rest), rest));
                add_four<Machine, E, vectors>(acc[r.value], last, four);
            });
        }
        RowBases<Rows> at(rows, stride);
        for (std::size_t step = 0; step < dim / 4; ++step) {
            unroll<Rows>([&](auto r) __attribute__((always_inline)) {
                const auto four = static_cast<unsigned>(load_as<std::uint32_t>(at.template at<r.value>()));
                add_four<Machine, E, vectors>(acc[r.value], group, four);
            });
            group += four_dims<Machine>;
            at.advance(4);
        }
        unroll<Rows>([&](auto r) __attribute__((always_inline)) {
            const float inverse_row = inverse_of<M, E>(rows + r.value * stride, dim);
            const auto moved = Machine::broadcast(move * sums[r.value].sum);
            unroll<vectors>([&](auto v) __attribute__((always_inline)) {
                const std::size_t q = first + v.value * lanes;
                distances_of<Machine, M, E>(Machine::subtract_sums(acc[r.value][v.value], moved), sums[r.value].squares,
                                            inverse_row, head.squares + q, head.inverse + q)
                    .store_unaligned(out + r.value * block_queries + q);
            });
        });
    }
}

template <class Machine, MetricKind M, Element E>
void block_bytes(const void* panel, std::size_t queries, const std::byte* rows, std::size_t stride, std::size_t count,
                 Dim dim, const float*, float* out) noexcept {
    std::size_t i = 0;
    const auto group = [&]<std::size_t Rows>(Index<Rows>) __attribute__((always_inline)) {
        for (; i + Rows <= count; i += Rows) {
            const auto* const groups = static_cast<const std::byte*>(panel);
            if constexpr (has_vnni<Machine>) {
                block_group_vnni<Machine, M, E, Rows>(groups, queries, rows + i * stride, stride, dim,
                                                      out + i * block_queries);
            } else {
                block_group_words<Machine, M, E, Rows>(groups, queries, rows + i * stride, stride, dim,
                                                       out + i * block_queries);
            }
        }
    };
    group(Index<Machine::block_rows>{});
    group(Index<Machine::block_rows / 3>{});
    group(Index<1>{});
}

}  // namespace
}  // namespace tonari::simd
