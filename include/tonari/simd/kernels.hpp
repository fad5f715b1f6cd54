// What the rest of the library knows of the CPU: a table of functions, one table per instruction set.
//
// A distance kernel takes a *prepared query* and stored rows. Both are laid out alike:
//
//     | values: row_bytes(element, dim) | zeros up to a multiple of 4 | inverse norm, float32: cosine only |
//
// except that the query of float16 and bfloat16 rows is held in float32 (it is widened once, not per row).
// Rows may lie at any address that their element's size divides (trailers: 4). Nothing beyond a row's bytes is read.
//
// Distances are smaller-is-nearer: squared L2; the negated inner product; 1 - <q,x> * inverse norms;
// the sum of absolute differences; the number of differing bits. Sums are float32 for the float types and
// exact 32-bit integers for int8, uint8 and bits (dim <= 65536 cannot overflow them), rounded once to float.
//
// The value for one (query, row) does not depend on the other rows of the call, nor on `gather` or `scan`:
// builds stay the same bytes whatever the batches are.
#pragma once

#include <cstddef>
#include <cstdint>

#include <tonari/core/types.hpp>
#include <tonari/simd/level.hpp>

namespace tonari::simd {

/// Scattered rows (graphs): out[i] = distance(query, rows[i]).
using GatherKernel = void (*)(const void* query, const std::byte* const* rows, std::size_t count, Dim dim,
                              float* out) noexcept;
/// Consecutive rows (flat, lists): out[i] = distance(query, rows + i * stride).
using ScanKernel = void (*)(const void* query, const std::byte* rows, std::size_t stride, std::size_t count, Dim dim,
                            float* out) noexcept;

/// Queries of one block call.
inline constexpr std::size_t block_queries = 32;
/// Bytes of a packed panel of up to `block_queries` queries of `dim` dimensions (64-byte aligned by the caller).
using PanelBytes = std::size_t (*)(Dim dim) noexcept;
/// Packs `count <= block_queries` prepared queries, `stride` bytes apart, for `BlockKernel`.
using PackKernel = void (*)(const void* queries, std::size_t stride, std::size_t count, Dim dim, void* panel) noexcept;
/// Many queries at once by register-blocked products: out[i * block_queries + q] for row i and query q, of the first `queries` of
/// the panel; what stands at the places of others is unspecified.
/// For float32 the products are summed in another order than `gather` does (L2: |q|^2 + |x|^2 - 2<q,x>);
/// the value is within `slack` of the exact distance, and whoever needs exact answers re-scores what is within it:
///     |out - exact| <= slack(dim) * scale,  scale = |q|^2 + |x|^2 (l2, ip),  1 (cosine).
/// For int8 and uint8 it is exact. `row_norms[i]` = |x|^2 (float32 l2 only; else may be null).
using BlockKernel = void (*)(const void* panel, std::size_t queries, const std::byte* rows, std::size_t stride,
                             std::size_t count, Dim dim, const float* row_norms, float* out) noexcept;

/// Which values of a block's output are below their query's bound (bounds[q] for q < block_queries; minus infinity for
/// queries that the panel lacks): their positions i * block_queries + q, ascending, in `hits`, which has room for
/// rows * block_queries; how many they are. NaN is below nothing.
using BlockBelowKernel = std::size_t (*)(const float* values, std::size_t rows, const float* bounds,
                                         std::uint32_t* hits) noexcept;

/// Byte rows against byte queries by whole products of tiles, as matrix units take them (AMX). Both sides are packed first, so that
/// rows are packed once for many panels; how they lie is each level's own affair, and nothing is read beyond a row.
/// Packed rows lie in groups of `tile_rows`, a panel holds up to `block_queries` queries; both are 64-byte aligned, and so are
/// their sizes. Sums fit 31 bits up to `tile_dims` dimensions: beyond these the kernels are not for use.
inline constexpr std::size_t tile_rows = 32;
inline constexpr Dim tile_dims = 8192;
/// Packs `count` rows, `stride` bytes apart, into groups.
using PackRowsKernel = void (*)(const std::byte* rows, std::size_t stride, std::size_t count, Dim dim,
                                void* groups) noexcept;
/// Which of the packed rows [0, count) are below their query's bound (bounds[q] for q < block_queries; minus infinity for queries
/// that the panel lacks): their places i * block_queries + q, ascending, in `hits`, and in `values` the distances, equal
/// to those of `gather`. Both have room for count * block_queries; how many they are. State of tiles is given back.
using TilesBelowKernel = std::size_t (*)(const void* panel, const void* groups, std::size_t count, Dim dim,
                                         const float* bounds, std::uint32_t* hits, float* values) noexcept;
struct TileKernels {
    PanelBytes panel_bytes = nullptr;  ///< all null where a level has no tiles for the pair
    PackKernel pack = nullptr;
    PanelBytes group_bytes = nullptr;  ///< of one group of packed rows
    PackRowsKernel pack_rows = nullptr;
    TilesBelowKernel below = nullptr;
};

/// Each query's nearest row so far: wherever values[i * block_queries + q] < best[q], best[q] becomes that value and which[q]
/// becomes first + i. Of equal values the earlier row stays; NaN is below nothing. first + rows < 2^31.
using BlockNearestKernel = void (*)(const float* values, std::size_t rows, std::uint32_t first, float* best,
                                    std::uint32_t* which) noexcept;

/// Rows of a block of 4-bit codes.
inline constexpr std::size_t nibble_rows = 32;

/// One query as blocks of 4-bit codes are compared with it: by sums of table entries (FastScan: Andre, Kermarrec and Le
/// Scouarnec 2015, "Cache locality is not enough"). A block holds 32 rows:
///
///     | codes: quads x 64 bytes | add: 32 float32 | scale: 32 float32 | error: 32 float32 |
///
/// A quad is four parts of every row: its byte 4 r + p holds the code of part p of row r in the lower half and that of row
/// 16 + r in the upper one, r < 16. So bytes side by side are of one row: products of bytes add them up.
///
///     product  = base + step * (sum of the entries that the row's codes name)
///     estimate = add of the row + add of the query + scale of the row * product
///     lower    = estimate - error of the row * error of the query - |scale| * slack
struct NibbleQuery {
    const std::uint8_t* table = nullptr;  ///< quads x 64: entry 16 p + c of a quad is what code c of its part p counts
    std::size_t quads = 0;
    float base = 0;
    float step = 0;
    float add = 0;
    float error = 0;
    float slack = 0;  ///< what rounding the table may have moved a product by
};

/// The rows [begin, end) of `blocks`, `stride` bytes apart, whose `lower` is below `bound`: their numbers less `begin`,
/// ascending, in `index`, with `estimate` and `lower`. How many they are. Sums are exact below 2^31. Factors
/// are finite, and so are estimates: one that float32 does not hold is the largest that it does.
using NibblesBelowKernel = std::size_t (*)(const NibbleQuery& query, const std::byte* blocks, std::size_t stride,
                                           std::size_t begin, std::size_t end, float bound, std::uint32_t* index,
                                           float* estimate, float* lower) noexcept;

/// The same for several queries of as many quads, at most `nibble_queries`, each with its own bound: what query q finds is put
/// behind the `found[q].count` that are there. A block is read, and made ready for looking up, once for all of them.
inline constexpr std::size_t nibble_queries = 4;
struct NibblesFound {
    std::uint32_t* index;
    float* estimate;
    float* lower;
    std::size_t count;
};
using NibblesBelowEachKernel = void (*)(const NibbleQuery* const* queries, std::size_t count, const std::byte* blocks,
                                        std::size_t stride, std::size_t begin, std::size_t end, const float* bounds,
                                        NibblesFound* found) noexcept;

/// How the sums of a table's entries are to be read: base + step * sum.
struct NibbleTable {
    float base = 0;
    float step = 0;
};
/// The table of a query: what code c of part p counts is the product of the part's `width` values and of a point's,
/// sum of query[p * width + j] * points[p * stride + 16 j + c]. Entries are rounded to bytes, in steps of a 255th of the
/// widest part; `room` takes parts * 16 values. `base` adds up the parts' smallest entries.
using NibbleTableKernel = NibbleTable (*)(const float* query, const float* points, std::size_t stride,
                                          std::size_t parts, std::size_t width, float* room,
                                          std::uint8_t* table) noexcept;

/// One query as codes of a byte a part are compared with it: by sums of table entries, as above (product quantization:
/// Jegou, Douze and Schmid 2011). A row, at any address:
///
///     | add: float32 | scale: float32 | error: float32 | codes: a byte for each part |
///
/// What the product, the estimate and the lower bound are is as of a NibbleQuery.
struct ByteCodeQuery {
    const std::uint8_t* table = nullptr;  ///< parts x 256: entry 256 p + c is what code c of part p counts
    std::size_t parts = 0;
    float base = 0;
    float step = 0;
    float add = 0;
    float error = 0;
    float slack = 0;  ///< what rounding the table may have moved a product by
};
inline constexpr std::size_t points_a_byte = 256;
inline constexpr std::size_t byte_code_factors = 3 * sizeof(float);  ///< bytes before a row's codes

/// Of scattered rows those whose `lower` is below `bound`: their places, ascending, in `index`, with `estimate` and
/// `lower`. How many they are. Sums are exact below 2^31, and rows are alike at every level but for the rounding of a
/// few floats. Factors are finite, and so are estimates.
using ByteCodesGatherKernel = std::size_t (*)(const ByteCodeQuery& query, const std::byte* const* rows,
                                              std::size_t count, float bound, std::uint32_t* index, float* estimate,
                                              float* lower) noexcept;
/// The same of rows one behind another, `stride` bytes apart.
using ByteCodesScanKernel = std::size_t (*)(const ByteCodeQuery& query, const std::byte* rows, std::size_t stride,
                                            std::size_t count, float bound, std::uint32_t* index, float* estimate,
                                            float* lower) noexcept;

/// Rows of 4 bits a value, compared by products of whole numbers. A row, at any address:
///
///     | add: float32 | scale: float32 | error: float32 | codes: `parts` bytes |
///
/// Byte i holds the code of value i in its lower half and that of value `parts` + i in its upper one. The `table` holds what
/// a code of 1 counts, as signed bytes: of the lower halves, filled up with zeros to `value_nibbles_padded(parts)` of them,
/// and as many of the upper ones. A sum is that of code * weight; all else is as of codes of a byte.
using ValueNibblesGatherKernel = ByteCodesGatherKernel;
using ValueNibblesScanKernel = ByteCodesScanKernel;
constexpr std::size_t value_nibbles_padded(std::size_t bytes) noexcept { return (bytes + 63) / 64 * 64; }

/// The table of a query, as a NibbleTableKernel writes it, for 256 points a part that lie close:
/// sum of query[p * width + j] * points[(p * width + j) * 256 + c]. `room` takes parts * 256 values.
using ByteTableKernel = NibbleTable (*)(const float* query, const float* points, std::size_t parts, std::size_t width,
                                        float* room, std::uint8_t* table) noexcept;
/// Which of the 256 points of a part is nearest to its `width` values (squared L2), for each of `parts` parts: of
/// several as near the first. `points` as above.
using BytePointsKernel = void (*)(const float* values, const float* points, std::size_t parts, std::size_t width,
                                  std::byte* codes) noexcept;

/// Codes of `bits` bits a value, 2 to 8 (RaBitQ: Gao and others 2024), whose highest bits lie in a block of 4-bit codes, four
/// values to a part. The lower ones lie in planes, a bit of every value in each:
///
///     | bit `bits` - 2: count / 8 bytes | ... | bit 1 | bit 0 |
///
/// A code c stands for c - (2^bits - 1) / 2. What this answers is the product of `count` values of a query, a multiple of 16,
/// with what the codes of row `place` of `block` stand for. Up to 6 bytes behind the planes are read, and count for nothing.
using PlanesProductKernel = float (*)(const float* query, std::size_t count, const std::byte* block, std::size_t place,
                                      const std::byte* planes, std::size_t bits) noexcept;

/// What makes factors of a row whose code is its signs: all float64, and the same bits at every level.
struct SignSums {
    double square = 0;     ///< of the values
    double along = 0;      ///< of their magnitudes
    double by_origin = 0;  ///< of the origin's values, turned where the row's is not above 0
    double origin = 0;     ///< of the products of both
};
/// Codes of a bit a value: 1 for what is above 0. Writes them into row `place` of a block of 4-bit codes, four values to a part;
/// other rows' are kept. `count` is a multiple of 16.
using PutSignsKernel = SignSums (*)(const float* values, const float* origin, std::size_t count, std::byte* block,
                                    std::size_t place) noexcept;

/// Values as whole numbers, as train/rounding.hpp says: (value - middle) * scale from -127 to 127, halves away from 0. `middle` may be
/// null: 0 everywhere. Values and `scale` are finite. The same bytes at every level.
using RoundInt8Kernel = void (*)(const float* values, const float* middle, float scale, std::size_t count,
                                 std::int8_t* out) noexcept;

/// What rounding makes of magnitudes, in whole steps: sums over all values of value * m and m * m, where m is
/// `scale` * value rounded down, at most `most`, and half a step more.
struct RoundedSums {
    float along = 0;
    float square = 0;
};
/// `values` are not negative, `count` is a multiple of 16, `most` below 2^20. A value at the edge of a step may fall to either
/// side.
using RoundedSumsKernel = RoundedSums (*)(const float* values, std::size_t count, float scale, float most) noexcept;

/// A random rotation in place of `size` values, a multiple of 16. In each of its rounds signs are turned where bits are set, and
/// the first or, every second time, the last power of two of the values are transformed (Walsh-Hadamard); where these are not
/// all, sums and differences mix the halves after every second round (the idea is FhtKac's of the RaBitQ-Library, which mixes them
/// after each and then leaves some values alone). Lengths are kept, up to rounding. `signs`: for each round a bit a value, from a
/// word of its own on. The same bits at every level.
using RotateKernel = void (*)(float* values, std::size_t size, const std::uint64_t* signs) noexcept;
inline constexpr unsigned rotation_rounds = 4;

struct DistanceKernels {
    GatherKernel gather = nullptr;  ///< null where metric and element do not go together
    ScanKernel scan = nullptr;
    PanelBytes panel_bytes = nullptr;  ///< the block trio is null where it would bring nothing: use `scan`
    PackKernel pack = nullptr;
    BlockKernel block = nullptr;
    TileKernels tiles{};  ///< the reference has them, too, so that what uses them is tested on every machine
};

struct Kernels {
    Level level = Level::reference;
    /// By metric (l2, inner_product, cosine, l1, hamming) and element, both in the order of their enums less 1.
    DistanceKernels distance[5][6];
    /// |x|^2 of a row: summed like the distance kernels do (float32, or exact integers).
    float (*squared_norm[6])(const void* row, Dim dim) noexcept;
    /// Element conversions, rounding to nearest even (`from_float32[e]`, e = float32, float16, bfloat16; else null).
    void (*from_float32[6])(const float* in, void* out, std::size_t count) noexcept;
    void (*to_float32[6])(const void* in, float* out, std::size_t count) noexcept;  ///< all but bits
    /// True if no value is NaN or infinite (float32, float16, bfloat16; null for the others: they have none).
    bool (*all_finite[6])(const void* values, std::size_t count) noexcept;
    std::size_t block_width = block_queries;  ///< queries that a BlockKernel takes as long for as for one of them
    BlockBelowKernel block_below = nullptr;
    BlockNearestKernel block_nearest = nullptr;
    NibblesBelowKernel nibbles_below = nullptr;
    NibblesBelowEachKernel nibbles_below_each = nullptr;
    NibbleTableKernel nibble_table = nullptr;
    ByteCodesGatherKernel byte_codes_gather = nullptr;
    ByteCodesScanKernel byte_codes_scan = nullptr;
    ValueNibblesGatherKernel value_nibbles_gather = nullptr;
    ValueNibblesScanKernel value_nibbles_scan = nullptr;
    ByteTableKernel byte_table = nullptr;
    BytePointsKernel byte_points = nullptr;
    PutSignsKernel put_signs = nullptr;
    PlanesProductKernel planes_product = nullptr;
    RoundInt8Kernel round_int8 = nullptr;
    RoundedSumsKernel rounded_sums = nullptr;
    RotateKernel rotate = nullptr;

    [[nodiscard]] const DistanceKernels& of(MetricKind metric, Element element) const noexcept {
        return distance[static_cast<std::size_t>(metric) - 1][static_cast<std::size_t>(element) - 1];
    }
};

/// The relative error bound of `BlockKernel` for float32 (0 for integers): gamma_n of Higham, doubled for safety.
constexpr float block_slack(Element element, Dim dim) noexcept {
    return element == Element::float32 ? static_cast<float>(dim + 16) * 0x1.0p-22F : 0.0F;
}

/// The table in use. Chosen once, at the first call.
TONARI_API const Kernels& kernels() noexcept;
/// The table of one level, or null if this machine or this library lacks it.
TONARI_API const Kernels* kernels(Level level) noexcept;

}  // namespace tonari::simd
