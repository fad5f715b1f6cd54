// The few words of xsimd that the bodies use: those that mean the same in version 8 (Debian 12) and in newer ones
// (14.3 was tried). Sums of lanes are not among them: their order, which is each machine's own, decides the last bit.
#pragma once

#include <cstdint>

#include <xsimd/xsimd.hpp>

#include "simd/unroll.hpp"

namespace tonari::simd {
namespace {

template <class Arch>
using Floats = xsimd::batch<float, Arch>;

/// a * b + c: one rounding where the machine has the instruction, two where it has not.
template <class Arch>
TONARI_INLINE Floats<Arch> multiply_add(const Floats<Arch>& a, const Floats<Arch>& b, const Floats<Arch>& c) noexcept {
    return xsimd::fma(a, b, c);
}

/// As many integers as a vector holds floats, from an address that a vector's size divides.
template <class Arch>
TONARI_INLINE Floats<Arch> floats_of(const std::int32_t* integers) noexcept {
    return xsimd::to_float(xsimd::batch<std::int32_t, Arch>::load_aligned(integers));
}

template <class Arch>
TONARI_INLINE Floats<Arch> absolute(const Floats<Arch>& a) noexcept {
    return xsimd::abs(a);
}

/// The smaller of two; x86 answers `most` where `a` is no number.
template <class Arch>
TONARI_INLINE Floats<Arch> at_most(const Floats<Arch>& a, const Floats<Arch>& most) noexcept {
    return xsimd::min(a, most);
}
template <class Arch>
TONARI_INLINE Floats<Arch> at_least(const Floats<Arch>& a, const Floats<Arch>& least) noexcept {
    return xsimd::max(a, least);
}

/// The lanes of `a` where `mask` is set, else those of `b`: bits are moved, never looked at.
template <class Arch>
TONARI_INLINE Floats<Arch> choose(const xsimd::batch_bool<float, Arch>& mask, const Floats<Arch>& a,
                                  const Floats<Arch>& b) noexcept {
    return xsimd::select(mask, a, b);
}

}  // namespace
}  // namespace tonari::simd
