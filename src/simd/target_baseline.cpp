// The table of the level baseline: what every x86-64 has. Elsewhere there is none (aarch64 starts at neon).
#if defined(__x86_64__)

#include "simd/body_table.hpp"
#include "simd/machine_sse2.hpp"
#include "simd/tables.hpp"

namespace tonari::simd {

constinit const Kernels baseline_kernels = make_table<Sse2>();

}  // namespace tonari::simd

#endif
