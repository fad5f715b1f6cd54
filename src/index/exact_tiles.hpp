// Exact search over byte rows through tiles (simd/kernels.hpp, TileKernels), whose distances are exact:
//
//     for each block of rows:                         packed once for all queries of the group
//       for each panel of 32 queries:                 packed once for all rows
//         for each piece of the block:                tile kernel -> distances below a query's limit
//           for each of them:                         -> that query's k nearest, and a new limit
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <utility>

#include <tonari/core/aligned.hpp>

#include "index/exact_group.hpp"

namespace tonari {

class TileGroup : public ExactGroup {
public:
    static bool suits(const ExactRows& rows) noexcept {
        return rows.dim <= simd::tile_dims && kernels_of(rows).below != nullptr;
    }

    TileGroup(const ComparedRows& rows, MatrixView queries, const PrepareQuery& prepare, std::size_t k)
        : ExactGroup(rows, queries, prepare, k),
          tiles_(kernels_of(rows)),
          panel_bytes_(tiles_.panel_bytes(rows.dim)),
          group_bytes_(tiles_.group_bytes(rows.dim)),
          block_groups_(std::clamp<std::size_t>(block_bytes / group_bytes_, 1, most_groups)),
          limits_(panels() * width, -std::numeric_limits<float>::infinity()) {}

    Status allocate() {
        auto packed = AlignedBuffer::allocate(panels() * panel_bytes_ + block_groups_ * group_bytes_);
        if (!packed) return std::move(packed).error();
        packed_ = *std::move(packed);
        if (!rows_.all()) {
            auto block = AlignedBuffer::allocate(block_groups_ * simd::tile_rows * rows_.code_size);
            if (!block) return std::move(block).error();
            block_ = *std::move(block);
        }
        for (std::size_t p = 0; p < panels(); ++p) {
            tiles_.pack(query(p * width), query_stride(), std::min(width, queries_ - p * width), rows_.dim, panel(p));
        }
        for (std::size_t q = 0; q < queries_; ++q) limits_[q] = limit(q);
        return {};
    }

    /// False when the deadline passed first.
    bool run(const Deadline& deadline) {
        const std::size_t block_rows = block_groups_ * simd::tile_rows;
        for (std::size_t first = 0; first < rows_.count(); first += block_rows) {
            compare(first, std::min(block_rows, rows_.count() - first));
            if (deadline.expired()) return false;
        }
        return true;
    }

private:
    static constexpr std::size_t width = simd::block_queries;
    static constexpr std::size_t block_bytes = std::size_t{512} << 10;  // of rows: a quarter of a common L2 cache
    static constexpr std::size_t most_groups = 16;
    static constexpr std::size_t piece_rows = 4 * simd::tile_rows;  // that meet the same limits

    static const simd::TileKernels& kernels_of(const ExactRows& rows) noexcept {
        return simd::kernels().of(rows.metric, rows.element).tiles;
    }
    [[nodiscard]] std::byte* panel(std::size_t p) noexcept { return packed_.data() + p * panel_bytes_; }
    [[nodiscard]] std::byte* groups() noexcept { return panel(panels()); }

    void compare(std::size_t first, std::size_t count) {
        tiles_.pack_rows(rows_.block(first, count, block_.data()), rows_.code_size, count, rows_.dim, groups());
        for (std::size_t p = 0; p < panels(); ++p) {
            for (std::size_t i = 0; i < count; i += piece_rows) {
                compare(p, i, std::min(piece_rows, count - i), first + i);
            }
        }
    }

    /// Packed rows from `place` on, the first of which is row `first`.
    void compare(std::size_t p, std::size_t place, std::size_t count, std::size_t first) {
        float* const limits = limits_.data() + p * width;
        const std::size_t found = tiles_.below(panel(p), groups() + place / simd::tile_rows * group_bytes_, count,
                                               rows_.dim, limits, hits_.data(), distances_.data());
        for (std::size_t i = 0; i < found; ++i) {
            const std::size_t q = hits_[i] % width;
            if (distances_[i] >= limits[q]) continue;  // a row of this piece came between
            offer(p * width + q, distances_[i], rows_.row(first + hits_[i] / width));
            limits[q] = limit(p * width + q);
        }
    }

    const simd::TileKernels& tiles_;
    std::size_t panel_bytes_;
    std::size_t group_bytes_;
    std::size_t block_groups_;
    AlignedBuffer packed_;       // panels, then a block of rows
    AlignedBuffer block_;        // that block before, where its rows are scattered
    std::vector<float> limits_;  // a query's at its place; minus infinity where a panel has none
    std::array<std::uint32_t, piece_rows * width> hits_{};
    std::array<float, piece_rows * width> distances_{};
};

}  // namespace tonari
