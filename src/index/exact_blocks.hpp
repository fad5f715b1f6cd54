// Exact search in blocks (simd/kernels.hpp, BlockKernel), over float rows, and byte rows where there are no tiles:
//
//     for each block of rows:                     read from memory once per group of queries
//       for each panel of 32 queries:             block kernel -> estimates
//         for each estimate below a query's limit: exact distance -> that query's k nearest
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <utility>

#include <tonari/core/aligned.hpp>
#include <tonari/core/cache_line.hpp>

#include "index/exact_group.hpp"

namespace tonari {

class BlockGroup : public ExactGroup {
public:
    static bool suits(const ExactRows& rows) noexcept {
        return simd::kernels().of(rows.metric, block_element(rows.element)).block != nullptr;
    }

    BlockGroup(const ComparedRows& rows, MatrixView queries, const PrepareQuery& prepare, std::size_t k)
        : ExactGroup(rows, queries, prepare, k),
          exact_(simd::kernels().of(rows.metric, rows.element)),
          widen_(block_element(rows.element) != rows.element),
          block_(simd::kernels().of(rows.metric, block_element(rows.element))),
          block_rows_(std::clamp<std::size_t>(block_bytes / row_stride(), 16, most_rows)) {}

    Status allocate() {
        panel_stride_ = whole_lines(block_.panel_bytes(rows_.dim));
        auto panel = AlignedBuffer::allocate(panels() * panel_stride_);
        if (!panel) return std::move(panel).error();
        panels_ = *std::move(panel);
        if (widen_ || !rows_.all()) {
            auto wide = AlignedBuffer::allocate(block_rows_ * row_stride());
            if (!wide) return std::move(wide).error();
            wide_ = *std::move(wide);
        }
        for (std::size_t p = 0; p < panels(); ++p) {
            const std::size_t first = p * width;
            block_.pack(query(first), query_stride(), std::min(width, queries_ - first), rows_.dim,
                        panels_.data() + p * panel_stride_);
        }
        if (bounded()) {
            for (std::size_t q = 0; q < queries_; ++q) query_norms_.push_back(squared_norm(query(q)));
        }
        return {};
    }

    /// False when the deadline passed first.
    bool run(const Deadline& deadline) {
        for (std::size_t first = 0; first < rows_.count(); first += block_rows_) {
            compare(first, std::min(block_rows_, rows_.count() - first));
            if (deadline.expired()) return false;
        }
        return true;
    }

private:
    static constexpr std::size_t width = simd::block_queries;
    static constexpr std::size_t block_bytes = std::size_t{512} << 10;  // of rows: a quarter of a common L2 cache
    static constexpr std::size_t most_rows = 512;
    /// Rows whose estimates meet the same limits, before those that entered lower them.
    static constexpr std::size_t refined_rows = 64;

    /// Half precision is widened to float32 block by block.
    static Element block_element(Element stored) noexcept {
        return stored == Element::float16 || stored == Element::bfloat16 ? Element::float32 : stored;
    }
    /// Bytes of a row as the block kernel sees it.
    [[nodiscard]] std::size_t row_stride() const noexcept { return widen_ ? rows_.query_size : rows_.code_size; }
    /// Integer products are exact; float32 ones carry an error.
    [[nodiscard]] bool bounded() const noexcept { return widen_ || rows_.element == Element::float32; }
    [[nodiscard]] float squared_norm(const std::byte* row) const noexcept {
        return simd::kernels().squared_norm[0](row, rows_.dim);
    }

    void compare(std::size_t first, std::size_t count) {
        const std::byte* block = widen_ ? widened(first, count) : rows_.block(first, count, wide_.data());
        float largest_norm = 0;
        if (bounded()) {
            for (std::size_t i = 0; i < count; ++i) {
                row_norms_[i] = squared_norm(block + i * row_stride());
                largest_norm = std::max(largest_norm, row_norms_[i]);
            }
        }
        for (std::size_t q = 0; q < queries_; q += width) {
            block_.block(panels_.data() + q / width * panel_stride_, block, row_stride(), count, rows_.dim,
                         row_norms_.data(), estimates_.data());
            refine(first, count, q, std::min(width, queries_ - q), largest_norm);
        }
    }

    /// Looks again at the rows whose estimate may be among a query's nearest.
    void refine(std::size_t first, std::size_t count, std::size_t first_query, std::size_t panel, float largest_norm) {
        std::array<float, width> limits;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        limits.fill(-std::numeric_limits<float>::infinity());
        for (std::size_t q = 0; q < panel; ++q) limits[q] = estimate_limit(first_query + q, largest_norm);
        for (std::size_t i = 0; i < count; i += refined_rows) {
            const float* estimates = estimates_.data() + i * width;
            const std::size_t found =
                simd::kernels().block_below(estimates, std::min(refined_rows, count - i), limits.data(), hits_.data());
            for (const std::uint32_t hit : std::span(hits_).first(found)) {
                const std::size_t q = hit % width;
                if (estimates[hit] >= limits[q]) continue;  // a row of this piece came between
                const std::size_t at = first + i + hit / width;
                float distance = estimates[hit];
                if (bounded()) {
                    const std::byte* row = rows_.code(at);
                    exact_.gather(query(first_query + q), &row, 1, rows_.dim, &distance);
                }
                offer(first_query + q, distance, rows_.row(at));
                limits[q] = estimate_limit(first_query + q, largest_norm);
            }
        }
    }

    /// Only an estimate below it can be of one of the k nearest.
    [[nodiscard]] float estimate_limit(std::size_t q, float largest_norm) const noexcept {
        if (!bounded()) return limit(q);
        const float scale = rows_.metric == MetricKind::cosine ? 1.0F : query_norms_[q] + largest_norm;
        return limit(q) + simd::block_slack(Element::float32, rows_.dim) * scale;
    }

    /// Half-precision rows as float32, with their inverse norms where they have them.
    const std::byte* widened(std::size_t first, std::size_t count) {
        const std::size_t values = std::size_t{rows_.dim} * sizeof(float);
        for (std::size_t i = 0; i < count; ++i) {
            const std::byte* row = rows_.code(first + i);
            std::byte* out = wide_.data() + i * row_stride();
            simd::kernels().to_float32[static_cast<std::size_t>(rows_.element) - 1](row, reinterpret_cast<float*>(out),
                                                                                    rows_.dim);
            if (row_stride() > values) std::copy_n(row + rows_.code_size - sizeof(float), sizeof(float), out + values);
        }
        return wide_.data();
    }

    const simd::DistanceKernels& exact_;
    bool widen_;
    const simd::DistanceKernels& block_;
    std::size_t block_rows_;
    std::size_t panel_stride_ = 0;
    AlignedBuffer panels_;
    AlignedBuffer wide_;  // a block that does not lie as it is compared
    std::vector<float> query_norms_;
    std::array<float, most_rows> row_norms_{};
    alignas(64) std::array<float, most_rows * width> estimates_{};
    std::array<std::uint32_t, refined_rows * width> hits_{};
};

}  // namespace tonari
