// The tiles of the level avx512_amx; all else of its table is avx512_spr's (dispatch.cpp puts them together). Compiled with the
// level's flags (cmake/SimdTargets.cmake): only the table leaves.
// GCC takes tiles without these flags; clang before 15 writes their macros in one word.
#if !defined(__AMX_TILE__) && !defined(__AMXTILE__)
#error "this level needs amx-tile"
#endif
#if !defined(__AMX_INT8__) && !defined(__AMXINT8__)
#error "this level needs amx-int8"
#endif

// The machine comes first: it silences a false warning of the compiler's own headers, which all others include.
// clang-format off
#include "simd/machine_avx512_spr.hpp"
#include "simd/body_tiles.hpp"
// clang-format on
#include "simd/tables.hpp"

namespace tonari::simd {

constinit const TileTable avx512_amx_kernels = {{
    {tiles_of<MetricKind::l2, Element::int8>(), tiles_of<MetricKind::l2, Element::uint8>()},
    {tiles_of<MetricKind::inner_product, Element::int8>(), tiles_of<MetricKind::inner_product, Element::uint8>()},
    {tiles_of<MetricKind::cosine, Element::int8>(), tiles_of<MetricKind::cosine, Element::uint8>()},
}};

}  // namespace tonari::simd
