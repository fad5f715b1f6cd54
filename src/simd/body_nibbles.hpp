// Blocks of 4-bit codes (drawn in tonari/simd/kernels.hpp): a machine looks up and adds the entries of 32 rows, the rest is
// the same for all, a few float operations a row.
//
// Which way of adding a machine takes is a matter of what it can look up at once: a table of 64 bytes with bytes of one row
// side by side (AVX-512 VBMI and VNNI: one permutation and one product of bytes a quad, after which nothing overflows), or
// tables of 16 bytes, for which a quad's bytes are first put in the order of parts. Where that order is written down
// (AVX2), several queries share it.
#pragma once

#include <cstdint>
#include <limits>

#include <tonari/simd/kernels.hpp>

#include "simd/unroll.hpp"
#include "simd/xsimd_shim.hpp"

namespace tonari::simd {
namespace {

/// sums[r] = sum of the entries that row r's codes name, one by one.
inline void add_entries(const std::uint8_t* table, std::size_t quads, const std::byte* codes,
                        std::int32_t* sums) noexcept {
    for (std::size_t r = 0; r < nibble_rows; ++r) sums[r] = 0;
    for (std::size_t quad = 0; quad < quads; ++quad, table += 64, codes += 64) {
        for (std::size_t i = 0; i < 64; ++i) {
            const std::uint8_t* const part = table + 16 * (i % 4);
            const auto both = std::to_integer<unsigned>(codes[i]);
            sums[i / 4] += part[both & 15U];
            sums[16 + i / 4] += part[both >> 4U];
        }
    }
}

template <class Machine>
concept OrdersCodes = requires { Machine::ordered_bytes; };

/// sums[q][r] = sum of the entries of query q's table that row r's codes name.
template <class Machine, std::size_t Most>
TONARI_INLINE void sum_block(const NibbleQuery* const* queries, std::size_t count, const std::byte* codes,
                             std::int32_t (*sums)[nibble_rows]) noexcept {
    const std::size_t quads = queries[0]->quads;
    if constexpr (Most > 1 && OrdersCodes<Machine>) {
        alignas(64) std::byte ordered[Machine::slab_quads * Machine::ordered_bytes];
        __builtin_memset(sums, 0, count * sizeof *sums);
        for (std::size_t first = 0; first < quads; first += Machine::slab_quads) {
            const std::size_t slab = quads - first < Machine::slab_quads ? quads - first : Machine::slab_quads;
            Machine::order_codes(codes + first * 64, slab, ordered);
            for (std::size_t q = 0; q < count; ++q) {
                Machine::add_ordered(queries[q]->table + first * 64, slab, ordered, sums[q]);
            }
        }
    } else {
        for (std::size_t q = 0; q < count; ++q) {
            if constexpr (requires { Machine::add_entries(queries[q]->table, quads, codes, sums[q]); }) {
                Machine::add_entries(queries[q]->table, quads, codes, sums[q]);
            } else {
                add_entries(queries[q]->table, quads, codes, sums[q]);
            }
        }
    }
}

/// `factors` are the arrays behind a block's codes.
template <class Machine>
TONARI_INLINE std::uint32_t block_below_bound(const NibbleQuery& query, const float* factors, const std::int32_t* sums,
                                              float bound, float* estimates, float* lowers) noexcept {
    using F = typename Machine::F;
    constexpr std::size_t lanes = Machine::float_lanes;
    std::uint32_t bits = 0;
    const F base(query.base);
    const F step(query.step);
    const F add(query.add);
    const F away(query.error);
    const F slack(query.slack);
    const F limit(bound);
    const F largest(std::numeric_limits<float>::max());
    unroll<nibble_rows / lanes>([&](auto v) __attribute__((always_inline)) {
        constexpr std::size_t at = v.value * lanes;
        const F scale = F::load_unaligned(factors + nibble_rows + at);
        const F error = F::load_unaligned(factors + 2 * nibble_rows + at);
        const F product = multiply_add(floats_of<typename F::arch_type>(sums + at), step, base);
        // An infinite estimate would be below no bound, and its row missing.
        const F unlimited = multiply_add(scale, product, F::load_unaligned(factors + at) + add);
        const F estimate = at_least(at_most(unlimited, largest), -largest);
        const F lower = estimate - multiply_add(error, away, slack * absolute(scale));
        estimate.store_unaligned(estimates + at);
        lower.store_unaligned(lowers + at);
        bits |= static_cast<std::uint32_t>(Machine::below(lower, limit)) << at;
    });
    return bits;
}

/// At most `Most` queries.
template <class Machine, std::size_t Most>
TONARI_INLINE void blocks_below(const NibbleQuery* const* queries, std::size_t count, const std::byte* blocks,
                                std::size_t stride, std::size_t begin, std::size_t end, const float* bounds,
                                NibblesFound* found) noexcept {
    for (std::size_t first = begin / nibble_rows * nibble_rows; first < end; first += nibble_rows) {
        const std::byte* const block = blocks + first / nibble_rows * stride;
        alignas(64) std::int32_t sums[Most][nibble_rows];
        alignas(64) float estimates[nibble_rows];
        alignas(64) float lowers[nibble_rows];
        sum_block<Machine, Most>(queries, count, block, sums);
        const auto* const factors = reinterpret_cast<const float*>(block + queries[0]->quads * 64);
        std::uint32_t asked = ~std::uint32_t{0};
        if (first < begin) asked &= ~std::uint32_t{0} << (begin - first);
        if (end - first < nibble_rows) asked &= (std::uint32_t{1} << (end - first)) - 1;
        for (std::size_t q = 0; q < count; ++q) {
            std::uint32_t bits =
                asked & block_below_bound<Machine>(*queries[q], factors, sums[q], bounds[q], estimates, lowers);
            NibblesFound& to = found[q];
            for (; bits != 0; bits &= bits - 1) {
                const auto r = static_cast<std::uint32_t>(__builtin_ctz(bits));
                to.index[to.count] =
                    static_cast<std::uint32_t>(first - begin) + r;  // wraps and comes back where first < begin
                to.estimate[to.count] = estimates[r];
                to.lower[to.count++] = lowers[r];
            }
        }
    }
}

template <class Machine>
std::size_t nibbles_below(const NibbleQuery& query, const std::byte* blocks, std::size_t stride, std::size_t begin,
                          std::size_t end, float bound, std::uint32_t* index, float* estimate, float* lower) noexcept {
    const NibbleQuery* const queries = &query;
    NibblesFound found{index, estimate, lower, 0};
    blocks_below<Machine, 1>(&queries, 1, blocks, stride, begin, end, &bound, &found);
    return found.count;
}

template <class Machine>
void nibbles_below_each(const NibbleQuery* const* queries, std::size_t count, const std::byte* blocks,
                        std::size_t stride, std::size_t begin, std::size_t end, const float* bounds,
                        NibblesFound* found) noexcept {
    blocks_below<Machine, nibble_queries>(queries, count, blocks, stride, begin, end, bounds, found);
}

}  // namespace
}  // namespace tonari::simd
