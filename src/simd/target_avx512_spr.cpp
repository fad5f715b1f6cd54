// The table of the level avx512_spr. Compiled with that level's flags (cmake/SimdTargets.cmake): only the table leaves.

// The machine comes first: it silences a false warning of the compiler's own headers, which all others include.
// clang-format off
#include "simd/machine_avx512_spr.hpp"
#include "simd/body_vnni.hpp"
#include "simd/body_table.hpp"
// clang-format on
#include "simd/tables.hpp"

namespace tonari::simd {

constinit const Kernels avx512_spr_kernels = make_table<Avx512Spr>();

}  // namespace tonari::simd
