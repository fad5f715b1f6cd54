// The table of the level neon: AArch64 as it always is.
#include "simd/body_table.hpp"
#include "simd/machine_neon.hpp"
#include "simd/tables.hpp"

namespace tonari::simd {

constinit const Kernels neon_kernels = make_table<Neon>();

}  // namespace tonari::simd
