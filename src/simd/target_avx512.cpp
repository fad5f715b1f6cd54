// The table of the level avx512. Compiled with that level's flags (cmake/SimdTargets.cmake): only the table leaves.

// The machine comes first: it silences a false warning of the compiler's own headers, which all others include.
// clang-format off
#include "simd/machine_avx512.hpp"
#include "simd/body_table.hpp"
// clang-format on
#include "simd/tables.hpp"

namespace tonari::simd {

constinit const Kernels avx512_kernels = make_table<Avx512>();

}  // namespace tonari::simd
