// NEON of AArch64 (ARMv8.0, no extensions): vectors of 16 bytes.
#pragma once

#include <arm_neon.h>

#include <tonari/simd/level.hpp>

#include "simd/four.hpp"
#include "simd/layout.hpp"
#include "simd/tail.hpp"
#include "simd/xsimd_shim.hpp"

namespace tonari::simd {
namespace {

struct Neon {
    static constexpr Level level = Level::neon;

    // --- float32 ---------------------------------------------------------------------------------------------
    using F = Floats<xsimd::neon64>;
    static constexpr std::size_t float_lanes = 4;
    template <Element>
    static constexpr std::size_t width = 1;

    static TONARI_INLINE uint8x16_t load16(const std::byte* at) noexcept {
        return vld1q_u8(reinterpret_cast<const std::uint8_t*>(at));
    }
    static TONARI_INLINE uint8x8_t load8(const std::byte* at) noexcept {
        return vld1_u8(reinterpret_cast<const std::uint8_t*>(at));
    }
    static TONARI_INLINE uint8x16_t load16_part(const std::byte* at, std::size_t bytes) noexcept {
        const Sixteen values = load_up_to_16(at, bytes);
        return vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(values.low), vcreate_u64(values.high)));
    }

    template <Element E>
    static TONARI_INLINE void row(const std::byte* at, F* to) noexcept {
        if constexpr (E == Element::float32) {
            *to = vreinterpretq_f32_u8(load16(at));
        } else {
            *to = widen_halves<E>(load8(at));
        }
    }
    template <Element E>
    static TONARI_INLINE void row_part(const std::byte* at, std::size_t n, F* to) noexcept {
        if constexpr (E == Element::float32) {
            *to = vreinterpretq_f32_u8(load16_part(at, n * 4));
        } else {
            *to = widen_halves<E>(vget_low_u8(load16_part(at, n * 2)));
        }
    }
    template <Element E>
    static TONARI_INLINE F widen_halves(uint8x8_t halves) noexcept {
        if constexpr (E == Element::float16) return vcvt_f32_f16(vreinterpret_f16_u8(halves));
        return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(halves), 16));
    }
    static TONARI_INLINE void store_float16(F values, std::byte* to) noexcept {
        vst1_u8(reinterpret_cast<std::uint8_t*>(to), vreinterpret_u8_f16(vcvt_f16_f32(values)));
    }

    // Both sums add lanes as ((0+1)+(2+3)).
    static TONARI_INLINE float sum(F a) noexcept {
        const float32x4_t v = a;
        const float32x4_t pairs = vpaddq_f32(v, v);
        return vgetq_lane_f32(vpaddq_f32(pairs, pairs), 0);
    }
    static TONARI_INLINE FourFloats sum4(F a, F b, F c, F d) noexcept {
        const float32x4_t va = a, vb = b, vc = c, vd = d;
        return vpaddq_f32(vpaddq_f32(va, vb), vpaddq_f32(vc, vd));
    }

    // --- integers: I holds 32-bit sums, W 16-bit values, B bytes ----------------------------------------------
    using I = uint32x4_t;
    using W = int16x8_t;
    using B = uint8x16_t;
    static constexpr std::size_t wide_lanes = 8;
    static constexpr std::size_t byte_lanes = 16;

    static TONARI_INLINE I zero() noexcept { return vdupq_n_u32(0); }
    static TONARI_INLINE I add(I a, I b) noexcept { return vaddq_u32(a, b); }
    static TONARI_INLINE W subtract(W a, W b) noexcept { return vsubq_s16(a, b); }
    static TONARI_INLINE I multiply_pairs(I sum, W a, W b) noexcept {
        const int32x4_t low = vmlal_s16(vreinterpretq_s32_u32(sum), vget_low_s16(a), vget_low_s16(b));
        return vreinterpretq_u32_s32(vmlal_high_s16(low, a, b));
    }
    template <bool Signed>
    static TONARI_INLINE W widen_vector(uint8x8_t bytes) noexcept {
        if constexpr (Signed) return vmovl_s8(vreinterpret_s8_u8(bytes));
        return vreinterpretq_s16_u16(vmovl_u8(bytes));
    }
    template <bool Signed>
    static TONARI_INLINE W widen(const std::byte* at) noexcept {
        return widen_vector<Signed>(load8(at));
    }
    template <bool Signed>
    static TONARI_INLINE W widen_part(const std::byte* at, std::size_t n) noexcept {
        return widen_vector<Signed>(vget_low_u8(load16_part(at, n)));
    }
    static TONARI_INLINE B bytes(const std::byte* at) noexcept { return load16(at); }
    static TONARI_INLINE B bytes_part(const std::byte* at, std::size_t n) noexcept { return load16_part(at, n); }
    static TONARI_INLINE B flip_sign(B a) noexcept { return veorq_u8(a, vdupq_n_u8(0x80)); }
    static TONARI_INLINE I absolute_difference(I sum, B a, B b) noexcept {
        return vpadalq_u16(sum, vpaddlq_u8(vabdq_u8(a, b)));
    }
    /// sum + the codes in the lower halves of `both` times `low` + those in the upper halves times `high`, signed bytes.
    /// Four products of at most 15 * 128 fit 16 bits.
    static TONARI_INLINE I add_half_products(I sum, B both, B low, B high) noexcept {
        const int8x16_t first = vreinterpretq_s8_u8(vandq_u8(both, vdupq_n_u8(15)));
        const int8x16_t second = vreinterpretq_s8_u8(vshrq_n_u8(both, 4));
        const int8x16_t l = vreinterpretq_s8_u8(low);
        const int8x16_t h = vreinterpretq_s8_u8(high);
        int16x8_t pairs = vmull_s8(vget_low_s8(first), vget_low_s8(l));
        pairs = vmlal_s8(pairs, vget_high_s8(first), vget_high_s8(l));
        pairs = vmlal_s8(pairs, vget_low_s8(second), vget_low_s8(h));
        pairs = vmlal_s8(pairs, vget_high_s8(second), vget_high_s8(h));
        return vreinterpretq_u32_s32(vpadalq_s16(vreinterpretq_s32_u32(sum), pairs));
    }
    static TONARI_INLINE I different_bits(I sum, B a, B b) noexcept {
        return vpadalq_u16(sum, vpaddlq_u8(vcntq_u8(veorq_u8(a, b))));
    }
    static TONARI_INLINE unsigned sum(I a) noexcept { return vaddvq_u32(a); }
    static TONARI_INLINE FourSums sum4(I a, I b, I c, I d) noexcept {
        return vpaddq_u32(vpaddq_u32(a, b), vpaddq_u32(c, d));
    }

    // --- blocks ------------------------------------------------------------------------------------------------
    static constexpr std::size_t block_rows = 6;
    static constexpr std::size_t block_vectors = 4;
    static constexpr bool has_byte_blocks = false;

    static TONARI_INLINE F negative_multiply_add(F a, F b, F c) noexcept {
        const float32x4_t va = a, vb = b, vc = c;
        return vfmsq_f32(vc, va, vb);
    }
    static TONARI_INLINE unsigned below(F a, F b) noexcept {
        const float32x4_t va = a, vb = b;
        const uint32x4_t place = {1, 2, 4, 8};
        return vaddvq_u32(vandq_u32(vcltq_f32(va, vb), place));
    }

    // --- rotations and tables ------------------------------------------------------------------------------------
    /// Lane i is lane i ^ Step of `a`.
    template <std::size_t Step>
    static TONARI_INLINE F partner(F a) noexcept {
        const float32x4_t values = a;
        if constexpr (Step == 1) return vrev64q_f32(values);
        if constexpr (Step == 2) return vextq_f32(values, values, 2);
    }
    /// Turns the signs of the lanes whose bits are set.
    static TONARI_INLINE F flip(F a, unsigned bits) noexcept {
        const float32x4_t values = a;
        const uint32x4_t lane = {1, 2, 4, 8};
        const uint32x4_t sign = vshlq_n_u32(vtstq_u32(vdupq_n_u32(bits), lane), 31);
        return vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(values), sign));
    }
    /// Values below 256, rounded down, as bytes.
    static TONARI_INLINE void store_bytes(F values, std::uint8_t* to) noexcept {
        const float32x4_t floats = values;
        const uint16x4_t words = vmovn_u32(vcvtq_u32_f32(floats));
        const uint32_t four = vget_lane_u32(vreinterpret_u32_u8(vmovn_u16(vcombine_u16(words, words))), 0);
        std::memcpy(to, &four, sizeof four);
    }
    /// Values from -128 to 127, rounded towards 0.
    static TONARI_INLINE void store_signed_bytes(F values, std::int8_t* to) noexcept {
        const float32x4_t floats = values;
        const int16x4_t words = vmovn_s32(vcvtq_s32_f32(floats));
        const uint32_t four = vget_lane_u32(vreinterpret_u32_s8(vmovn_s16(vcombine_s16(words, words))), 0);
        std::memcpy(to, &four, sizeof four);
    }

    // --- 4-bit codes -------------------------------------------------------------------------------------------
    /// A quad's table fits one lookup of four registers: a code with its part's number above it is the place to look at, and
    /// pairs of bytes are of one row. Sums of 16 bits hold 128 quads.
    static TONARI_INLINE void add_entries(const std::uint8_t* table, std::size_t quads, const std::byte* codes,
                                          std::int32_t* sums) noexcept {
        constexpr std::size_t most = 128;
        const uint8x16_t part = vreinterpretq_u8_u32(vdupq_n_u32(0x30201000U));
        const uint8x16_t low = vdupq_n_u8(15);
        uint32x4_t totals[8];
        for (auto& total : totals) total = vdupq_n_u32(0);
        for (std::size_t first = 0; first < quads; first += most) {
            const std::size_t last = quads - first < most ? quads : first + most;
            uint16x8_t pairs[8];
            for (auto& pair : pairs) pair = vdupq_n_u16(0);
            for (std::size_t quad = first; quad < last; ++quad) {
                const std::uint8_t* const at = table + quad * 64;
                const uint8x16x4_t entries = {{vld1q_u8(at), vld1q_u8(at + 16), vld1q_u8(at + 32), vld1q_u8(at + 48)}};
                unroll<4>([&](auto i) __attribute__((always_inline)) {
                    const uint8x16_t both = load16(codes + quad * 64 + 16 * i.value);
                    const uint8x16_t lower = vorrq_u8(vandq_u8(both, low), part);
                    const uint8x16_t upper = vorrq_u8(vshrq_n_u8(both, 4), part);
                    pairs[i.value] = vpadalq_u8(pairs[i.value], vqtbl4q_u8(entries, lower));
                    pairs[4 + i.value] = vpadalq_u8(pairs[4 + i.value], vqtbl4q_u8(entries, upper));
                });
            }
            unroll<8>([&](auto i) __attribute__((always_inline)) {
                totals[i.value] = vpadalq_u16(totals[i.value], pairs[i.value]);
            });
        }
        for (std::size_t i = 0; i < 8; ++i) vst1q_s32(sums + 4 * i, vreinterpretq_s32_u32(totals[i]));
    }
};

}  // namespace
}  // namespace tonari::simd
