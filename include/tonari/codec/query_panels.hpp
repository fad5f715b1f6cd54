// Many queries beside many rows: panels of 32 queries, packed once, meet some rows at a time in register-blocked products or, where
// the machine has them, in tiles (simd/kernels.hpp, BlockKernel and TileKernels).
//
//     pack(panel, queries)                each panel, once
//     take(rows)                          some rows, once for all panels
//     compare(panel, limits, offer)       the rows that are nearer to a query than its limit -> offer, which says the new limit
//
// Distances that are offered are those of the gather and scan kernels, bit for bit. Products of floats are summed in another order:
// what they leave within their error of the limit is compared again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <tonari/codec/scorer.hpp>
#include <tonari/core/aligned.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/simd/kernels.hpp>

namespace tonari {

/// Rows as kernels take them (codec/flat.hpp lays them out).
struct KernelRows {
    MetricKind metric;
    Element element;
    Dim dim;
    std::size_t code_size;   ///< bytes that kernels read of a row
    std::size_t query_size;  ///< and of a prepared query, or more
};

/// Those of a codec that can say how its codes lie.
template <class C>
    requires requires(const C codec) { codec.erased(); }
KernelRows kernel_rows_of(const C& codec) noexcept {
    return {codec.metric_kind(), codec.erased().element(), codec.dim(), codec.code_size(), codec.query_size()};
}

class QueryPanels {
public:
    /// Queries of a panel.
    static constexpr std::size_t width = simd::block_queries;
    /// Kernels' distances; only what is below enters. Minus infinity turns all away.
    using Limits = std::array<float, width>;

    /// Whether there are kernels for them.
    TONARI_API static bool suits(const KernelRows& rows) noexcept;

    /// Of no rows.
    QueryPanels() noexcept = default;
    /// Of rows that suit, at most so many of which are taken at once, and of scattered ones so many. Allocates all that is ever needed.
    /// Throws bad_alloc.
    TONARI_API static Result<QueryPanels> create(const KernelRows& rows, std::size_t panels, std::size_t most_rows,
                                                 std::size_t most_scattered);

    [[nodiscard]] std::size_t panels() const noexcept { return counts_.size(); }
    [[nodiscard]] std::size_t most_rows() const noexcept { return most_rows_; }
    /// How many of so many queries are better compared so with rows that suit than one by one: all of them, or the multiples of what
    /// kernels take.
    [[nodiscard]] TONARI_API static std::size_t worth(const KernelRows& rows, std::size_t queries) noexcept;

    /// Prepared queries, at most `width`, which outlive their use.
    TONARI_API void pack(std::size_t panel, std::span<const std::byte* const> queries) noexcept;
    /// Rows `stride` bytes apart, at most `most_rows()`. They outlive their use.
    TONARI_API void take(const CodeBlock& rows) noexcept;
    /// Scattered ones.
    TONARI_API void take(std::span<const std::byte* const> rows) noexcept;
    /// Calls `offer(q, i, distance)` for query q of the panel and row i of those that were taken, for each query in the order of the
    /// rows; what it returns is the limit of that query from then on.
    template <class Offer>
    void compare(std::size_t panel, Limits& limits, const Offer& offer) noexcept {
        for (std::size_t first = 0; first < rows_.count; first += piece_rows_) {
            const std::size_t found = find_below(panel, first, limits);
            for (std::size_t i = 0; i < found; ++i) {
                const std::size_t q = hits_[i] % width;
                if (!(distances_[i] < limits[q])) continue;  // a row of this piece came between
                limits[q] = offer(q, first + hits_[i] / width, distances_[i]);
            }
        }
    }

private:
    /// Of the rows from `first` on, a piece, those below the limits: their places in `hits_`, `width` to a row, and their distances.
    TONARI_API std::size_t find_below(std::size_t panel, std::size_t first, const Limits& limits) noexcept;
    std::size_t find_in_blocks(std::size_t panel, std::size_t first, std::size_t count, const Limits& limits) noexcept;
    std::array<bool, width> scan_where_many(std::span<const std::uint32_t> hits, std::size_t panel, std::size_t first,
                                            std::size_t count) noexcept;
    std::size_t compare_again(std::size_t panel, std::size_t first, std::size_t count, Limits& limits) noexcept;
    void widen() noexcept;

    /// Squared ones, which products of floats become distances by, or their error is measured by: not under cosine.
    [[nodiscard]] bool needs_norms() const noexcept { return inexact_ && kind_.metric != MetricKind::cosine; }
    [[nodiscard]] std::byte* panel(std::size_t p) noexcept { return packed_.data() + p * panel_bytes_; }
    [[nodiscard]] const std::byte* query(std::size_t p, std::size_t q) const noexcept {
        return queries_[p * width + q];
    }
    [[nodiscard]] const std::byte* code(std::size_t i) const noexcept { return rows_.first + i * rows_.stride; }

    KernelRows kind_{};
    bool in_tiles_ = false;
    bool inexact_ = false;  // products are not yet distances
    bool widened_ = false;  // half precision meets queries of float32 as such
    std::size_t most_rows_ = 0;
    std::size_t piece_rows_ = 0;  // that meet the same limits
    std::size_t panel_bytes_ = 0;
    std::size_t group_bytes_ = 0;  // of tiles
    std::size_t wide_stride_ = 0;  // of widened rows
    float slack_ = 0;

    CodeBlock rows_;                         // that were taken
    float longest_ = 0;                      // of their squared norms
    std::vector<std::size_t> counts_;        // queries of each panel
    std::vector<const std::byte*> queries_;  // `width` a panel
    std::vector<float> query_norms_;         // squared, where products are inexact
    std::vector<float> row_norms_;
    AlignedBuffer packed_;     // panels
    AlignedBuffer unpacked_;   // queries of a panel, one behind another
    AlignedBuffer gathered_;   // scattered rows, one behind another
    AlignedBuffer prepared_;   // rows as the kernels take them, where they do not lie so: widened, or groups of tiles
    AlignedBuffer estimates_;  // of a piece
    std::vector<std::uint32_t> hits_;
    std::vector<float> distances_;
};

}  // namespace tonari
