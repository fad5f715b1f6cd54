// The tables that the files of this folder define, one per level. Only these names leave their files.
//
// avx512_amx adds tiles to avx512_spr, and dispatch.cpp puts the two together.
#pragma once

#include <tonari/simd/kernels.hpp>

namespace tonari::simd {

extern const Kernels reference_kernels;
extern const Kernels baseline_kernels;
extern const Kernels avx2_kernels;
extern const Kernels avx512_kernels;
extern const Kernels avx512_spr_kernels;
extern const Kernels neon_kernels;

/// By metric (l2, inner_product, cosine) and element (int8, uint8).
struct TileTable {
    TileKernels tiles[3][2];
};
extern const TileTable avx512_amx_kernels;

}  // namespace tonari::simd
