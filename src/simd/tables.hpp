// The tables that the files of this folder define, one per level. Only these names leave their files.
#pragma once

#include <tonari/simd/kernels.hpp>

namespace tonari::simd {

extern const Kernels reference_kernels;
extern const Kernels baseline_kernels;
extern const Kernels avx2_kernels;
extern const Kernels avx512_kernels;
extern const Kernels avx512_spr_kernels;
extern const Kernels neon_kernels;

}  // namespace tonari::simd
