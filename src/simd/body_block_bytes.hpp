// Many queries against many int8 or uint8 rows, exactly: the same blocks as body_block.hpp, four dimensions a step.
//
//     panel  | 32 x sum q^2 | 32 x sum q | 32 x 1/|q| | dims 0-3 | dims 4-7 | ...      (zeros up to a multiple of 4)
//
//     with VNNI      four dimensions: 32 x 4 bytes; of int8 queries u = byte + 128, of uint8 ones s = byte - 128;
//                    the rows are the other, signed or unsigned, kind as they lie there
//     without        four dimensions: 32 x 2 words of dims 0-1, 32 x 2 words of dims 2-3;
//                    the rows are unsigned (int8 + 128), widened after the broadcast
//
// What the moves by 128 add is 128 times the row's sum (VNNI) or the query's (without). Sums are modulo 2^32, as in
// body_int8.hpp.
#pragma once

#include <tonari/simd/kernels.hpp>

#include "simd/body_block.hpp"
#include "simd/body_int8.hpp"
#include "simd/tail.hpp"

namespace tonari::simd {
namespace {

struct BytePanelHead {
    std::uint32_t squares[block_queries];
    std::uint32_t sums[block_queries];
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

template <class Machine, MetricKind M, Element E>
void pack_bytes(const void* queries, std::size_t stride, std::size_t count, Dim dim, void* panel) noexcept {
    __builtin_memset(panel, 0, byte_panel_bytes<Machine>(dim));
    BytePanelHead head{};
    auto* groups = static_cast<std::byte*>(panel) + sizeof head;
    for (std::size_t q = 0; q < count; ++q) {
        const auto* query = static_cast<const std::byte*>(queries) + q * stride;
        if constexpr (M == MetricKind::cosine) head.inverse[q] = load_float(query + query_trailer_offset(E, dim));
        for (std::size_t d = 0; d < dim; ++d) {
            const int value = E == Element::int8 ? static_cast<int>(static_cast<std::int8_t>(query[d]))
                                                 : static_cast<int>(query[d]);
            head.squares[q] += static_cast<std::uint32_t>(value * value);
            head.sums[q] += static_cast<std::uint32_t>(value);
            std::byte* group = groups + d / 4 * four_dims<Machine>;
            if constexpr (has_vnni<Machine>) {
                group[q * 4 + d % 4] = query[d] ^ std::byte{0x80};
            } else {
                const auto word = static_cast<std::int16_t>(value);
                __builtin_memcpy(group + (d % 4 / 2) * (block_queries * 4) + q * 4 + d % 2 * 2, &word, 2);
            }
        }
    }
    __builtin_memcpy(panel, &head, sizeof head);
}

/// What finishing needs of a row: modulo 2^32, its sum and the sum of its squares.
struct RowSums {
    unsigned sum = 0;
    unsigned squares = 0;
};

template <class Machine, MetricKind M, Element E>
TONARI_INLINE RowSums row_sums(const std::byte* row, Dim dim) noexcept {
    RowSums sums;
    if constexpr (has_vnni<Machine>) {
        // Of the bytes as they lie: signed ones meet unsigned ones, and the other way round.
        auto sum = Machine::zero();
        const auto ones = Machine::every_byte(1);
        const auto add = [&](typename Machine::B x) __attribute__((always_inline)) {
            sum = E == Element::int8 ? Machine::multiply_bytes(sum, ones, x) : Machine::multiply_bytes(sum, x, ones);
        };
        std::size_t i = 0;
        for (; i + Machine::byte_lanes <= dim; i += Machine::byte_lanes) add(Machine::bytes(row + i));
        if (i < dim) add(Machine::bytes_part(row + i, dim - i));
        sums.sum = Machine::sum(sum);
    }
    if constexpr (M == MetricKind::l2) {
        using Op = WideningOp<Machine, MetricKind::inner_product, E>;
        add_up<Op, 1>(Op(row, dim), &row, dim, &sums.squares);
    }
    return sums;
}

template <class Machine, Element E, std::size_t Rows>
struct ByteBlock {
    using I = typename Machine::I;
    static constexpr std::size_t vectors = Machine::block_vectors;
    static constexpr std::size_t lanes = Machine::float_lanes;
    static constexpr std::size_t vector_bytes = lanes * 4;
    I acc[Rows][vectors];

    TONARI_INLINE void clear() noexcept {
        unroll<Rows>([&](auto r) __attribute__((always_inline)) {
            unroll<vectors>([&](auto v) __attribute__((always_inline)) { acc[r.value][v.value] = Machine::zero(); });
        });
    }
    /// Four dimensions: `at(Index<r>)` gives the four bytes of row r.
    template <class RowAt>
    TONARI_INLINE void add(const std::byte* group, const RowAt& at) noexcept {
        if constexpr (has_vnni<Machine>) {
            I q[vectors];
            unroll<vectors>([&](auto v) __attribute__((always_inline)) {
                q[v.value] = Machine::load_sums(group + v.value * vector_bytes);
            });
            unroll<Rows>([&](auto r) __attribute__((always_inline)) {
                const I x = Machine::broadcast4(at(r));
                unroll<vectors>([&](auto v) __attribute__((always_inline)) {
                    I& to = acc[r.value][v.value];
                    to = E == Element::int8 ? Machine::multiply_bytes(to, q[v.value], x)
                                            : Machine::multiply_bytes(to, x, q[v.value]);
                });
            });
        } else {
            unroll<Rows>([&](auto r) __attribute__((always_inline)) {
                auto x = Machine::broadcast4(at(r));
                if constexpr (E == Element::int8) x = Machine::flip_sign(x);
                const auto low = Machine::low_pair(x);
                const auto high = Machine::high_pair(x);
                unroll<vectors>([&](auto v) __attribute__((always_inline)) {
                    I& to = acc[r.value][v.value];
                    const std::byte* words = group + v.value * vector_bytes;
                    to = Machine::multiply_pairs(to, Machine::load_sums(words), low);
                    to = Machine::multiply_pairs(to, Machine::load_sums(words + block_queries * 4), high);
                });
            });
        }
    }
};

template <class Machine, MetricKind M, Element E>
TONARI_INLINE typename Machine::F finish_bytes(typename Machine::I products, const RowSums& row, float inverse_row,
                                               const BytePanelHead& head, std::size_t q) noexcept {
    using F = typename Machine::F;
    typename Machine::I moved;
    if constexpr (has_vnni<Machine>) {
        moved = Machine::broadcast((E == Element::int8 ? 128U : 0U - 128U) * row.sum);
    } else {
        moved = E == Element::int8 ? Machine::times128(Machine::load_sums(head.sums + q)) : Machine::zero();
    }
    const auto dot = Machine::subtract_sums(products, moved);
    if constexpr (M == MetricKind::l2) {
        const auto squares = Machine::add(Machine::load_sums(head.squares + q), Machine::broadcast(row.squares));
        return Machine::unsigned_floats(Machine::subtract_sums(Machine::subtract_sums(squares, dot), dot));
    }
    const F value = E == Element::int8 ? Machine::signed_floats(dot) : Machine::unsigned_floats(dot);
    if constexpr (M == MetricKind::cosine) {
        return Machine::negative_multiply_add(value * F::load_unaligned(head.inverse + q), F(inverse_row), F(1.0F));
    }
    return -value;
}

template <class Machine, MetricKind M, Element E, std::size_t Rows>
TONARI_INLINE void block_group_bytes(const std::byte* panel, const std::byte* rows, std::size_t stride, Dim dim,
                                     float* out) noexcept {
    using Block = ByteBlock<Machine, E, Rows>;
    BytePanelHead const& head = *reinterpret_cast<const BytePanelHead*>(panel);
    RowSums sums[Rows];
    for (std::size_t r = 0; r < Rows; ++r) sums[r] = row_sums<Machine, M, E>(rows + r * stride, dim);

    for (std::size_t first = 0; first < block_queries; first += Block::vectors * Block::lanes) {
        Block block;
        block.clear();
        RowBases<Rows> bases(rows, stride);
        const std::byte* group = panel + sizeof head + first * 4;
        std::size_t d = 0;
        for (; d + 4 <= dim; d += 4) {
            block.add(group, [&](auto r) __attribute__((always_inline)) {
                return static_cast<unsigned>(load_as<std::uint32_t>(bases.template at<r.value>()));
            });
            group += four_dims<Machine>;
            bases.advance(4);
        }
        if (d < dim) {
            block.add(group, [&](auto r) __attribute__((always_inline)) {
                return static_cast<unsigned>(load_below_8(bases.template at<r.value>(), dim - d));
            });
        }
        unroll<Rows>([&](auto r) __attribute__((always_inline)) {
            float inverse_row = 0.0F;
            if constexpr (M == MetricKind::cosine) {
                inverse_row = load_float(rows + r.value * stride + trailer_offset(E, dim));
            }
            unroll<Block::vectors>([&](auto v) __attribute__((always_inline)) {
                const std::size_t q = first + v.value * Block::lanes;
                finish_bytes<Machine, M, E>(block.acc[r.value][v.value], sums[r.value], inverse_row, head, q)
                    .store_unaligned(out + r.value * block_queries + q);
            });
        });
    }
}

template <class Machine, MetricKind M, Element E>
void block_bytes(const void* panel, const std::byte* rows, std::size_t stride, std::size_t count, Dim dim,
                 const float*, float* out) noexcept {
    std::size_t i = 0;
    const auto group = [&]<std::size_t Rows>(Index<Rows>) __attribute__((always_inline)) {
        for (; i + Rows <= count; i += Rows) {
            block_group_bytes<Machine, M, E, Rows>(static_cast<const std::byte*>(panel), rows + i * stride, stride,
                                                   dim, out + i * block_queries);
        }
    };
    group(Index<Machine::block_rows>{});
    group(Index<Machine::block_rows / 3>{});
    group(Index<1>{});
}

}  // namespace
}  // namespace tonari::simd
