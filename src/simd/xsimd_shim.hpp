// The few words of xsimd that the bodies use, the same for version 8 (Debian 12) and for newer ones.
#pragma once

#include <xsimd/xsimd.hpp>

#include "simd/unroll.hpp"

namespace tonari::simd {
namespace {

template <class Arch>
using Floats = xsimd::batch<float, Arch>;

template <class Arch>
TONARI_INLINE Floats<Arch> zero_floats() noexcept {
    return Floats<Arch>(0.0F);
}

/// a * b + c: one rounding where the machine has the instruction, two where it has not.
template <class Arch>
TONARI_INLINE Floats<Arch> multiply_add(const Floats<Arch>& a, const Floats<Arch>& b, const Floats<Arch>& c) noexcept {
    return xsimd::fma(a, b, c);
}

template <class Arch>
TONARI_INLINE Floats<Arch> absolute(const Floats<Arch>& a) noexcept {
    return xsimd::abs(a);
}

/// The sum of all lanes, in an order that is xsimd's own: not for values that must agree with another path.
template <class Arch>
TONARI_INLINE float sum_lanes(const Floats<Arch>& a) noexcept {
#if XSIMD_VERSION_MAJOR >= 9
    return xsimd::reduce_add(a);
#else
    return xsimd::hadd(a);
#endif
}

}  // namespace
}  // namespace tonari::simd
