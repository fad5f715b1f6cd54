// The table of the level avx2. Compiled with that level's flags (cmake/SimdTargets.cmake): only the table leaves.
#include "simd/body_table.hpp"
#include "simd/machine_avx2.hpp"
#include "simd/tables.hpp"

namespace tonari::simd {

constinit const Kernels avx2_kernels = make_table<Avx2>();

}  // namespace tonari::simd
