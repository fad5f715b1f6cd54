// AVX-512 as of Sapphire Rapids (and Zen 4, but for FP16): VNNI multiplies bytes, VPOPCNTDQ counts bits.
//
// Halves are widened and added up in float32 here, too: arithmetic in FP16 or with BF16 products would be faster in
// cache, but it rounds the query or the sums to 11 or 8 bits.
#pragma once

#include "simd/machine_avx512.hpp"

namespace tonari::simd {
namespace {

struct Avx512Spr : Avx512 {
    static constexpr Level level = Level::avx512_spr;
    static constexpr bool has_vnni = true;

    /// sum + four products of an unsigned and a signed byte, in each 32-bit lane; never saturates.
    static TONARI_INLINE I multiply_bytes(I sum, B any_unsigned, B any_signed) noexcept {
        return _mm512_dpbusd_epi32(sum, any_unsigned, any_signed);
    }
    /// Bytes beyond n are `fill`.
    static TONARI_INLINE B bytes_part_or(const std::byte* at, std::size_t n, B fill) noexcept {
        return _mm512_mask_loadu_epi8(fill, mask64(n), at);
    }
    static TONARI_INLINE B every_byte(int value) noexcept { return _mm512_set1_epi8(static_cast<char>(value)); }
    static TONARI_INLINE I doubled(I a) noexcept { return _mm512_slli_epi32(a, 1); }

    static TONARI_INLINE I different_bits(I sum, B a, B b) noexcept {
        return _mm512_add_epi32(sum, _mm512_popcnt_epi64(_mm512_xor_si512(a, b)));
    }
};

}  // namespace
}  // namespace tonari::simd
