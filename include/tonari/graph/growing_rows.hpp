// The rows of a graph that grows: codes in chunks that never move, and the distances by which links are chosen.
//
// Under inner product, links are chosen on a sphere, as for the frozen graph (index/build_rows.hpp): every row is thought
// to have one more value, which makes all as long as the longest, R. Nothing is stored of it but the row's squared norm
// behind its code, because
//     |x' - y'|^2 = 2 R^2 - 2 (<x,y> + sqrt(R^2 - |x|^2) sqrt(R^2 - |y|^2)),
// which orders rows as the kernel's -<x,y>, less the product of the roots, does. R grows with the rows; links that were
// chosen before keep their places.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <span>

#include <tonari/codec/codec.hpp>
#include <tonari/codec/flat_scorer.hpp>
#include <tonari/core/chunks.hpp>

namespace tonari {

template <class Codec>
class GrowingRows {
public:
    explicit GrowingRows(Codec codec) : codec_(std::move(codec)), lifted_(is_lifted(codec_)), codes_(stride(codec_)) {}

    [[nodiscard]] const Codec& codec() const noexcept { return codec_; }
    [[nodiscard]] const std::byte* code(RowId row) const noexcept { return codes_.at(row); }
    [[nodiscard]] std::size_t row_bytes() const noexcept { return codes_.stride(); }
    [[nodiscard]] std::size_t capacity() const noexcept { return codes_.capacity(); }
    /// One caller at a time.
    Status reserve(std::size_t rows) { return codes_.reserve(rows); }

    /// Of rows from `from` on, which nobody looks at.
    void discard(std::size_t from) noexcept { codes_.discard(from); }

    /// Fills a place that no reader can reach.
    void set(RowId row, typename Codec::Row values) noexcept {
        codec_.encode(values, {}, {codes_.at(row), codec_.code_size()});
        finish(row);
    }
    void set_code(RowId row, const std::byte* code) noexcept {
        std::memcpy(codes_.at(row), code, codec_.code_size());
        finish(row);
    }
    [[nodiscard]] bool equal(RowId a, RowId b) const noexcept {
        if constexpr (requires { codec_.same(code(a), code(b)); }) return codec_.same(code(a), code(b));
        return std::memcmp(code(a), code(b), codec_.code_size()) == 0;
    }

    /// Measures from a stored row as links are chosen.
    class LinkScorer {
    public:
        static constexpr bool bounded = false;
        explicit LinkScorer(const GrowingRows& rows) : rows_(&rows), base_(rows.codec_.scorer()) {}

        void distances(std::span<const std::byte* const> codes, float* out) const noexcept {
            base_.distances(codes, out);
            if (!rows_->lifted_) return;
            for (std::size_t i = 0; i < codes.size(); ++i) out[i] -= own_ * rows_->lift(codes[i], longest_);
        }
        void gather(std::span<const std::byte* const> codes, float bound, Survivors& out) noexcept {
            std::array<float, max_batch> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
            distances(codes, buffer.data());
            detail::keep_below(buffer.data(), codes.size(), bound, out);
        }

    private:
        friend class GrowingRows;
        const GrowingRows* rows_;
        typename Codec::Scorer base_;
        float own_ = 0;
        float longest_ = 0;
    };

    // What a Pruner asks (graph/prune.hpp, LinkRows), by a handle that can be copied.
    class Links {
    public:
        using Scorer = LinkScorer;
        explicit Links(const GrowingRows& rows) noexcept : rows_(&rows) {}
        [[nodiscard]] Scorer scorer() const { return Scorer(*rows_); }
        [[nodiscard]] const std::byte* code(RowId row) const noexcept { return rows_->code(row); }
        [[nodiscard]] std::size_t code_size() const noexcept { return rows_->codec_.code_size(); }
        [[nodiscard]] std::size_t query_size() const noexcept { return rows_->codec_.query_size(); }
        [[nodiscard]] MetricKind metric_kind() const noexcept { return rows_->codec_.metric_kind(); }
        void aim(Scorer& scorer, const std::byte* code, std::byte* buffer) const noexcept {
            scorer.base_.set_query(rows_->codec_.as_query(code, buffer));
            if (!rows_->lifted_) return;
            scorer.longest_ = rows_->longest_.load(std::memory_order_relaxed);
            scorer.own_ = rows_->lift(code, scorer.longest_);
        }

    private:
        const GrowingRows* rows_;
    };
    [[nodiscard]] Links links() const noexcept { return Links(*this); }

private:
    static bool is_lifted(const Codec& codec) noexcept { return codec.metric_kind() == MetricKind::inner_product; }
    static std::size_t stride(const Codec& codec) noexcept {
        return is_lifted(codec) ? norm_at(codec) + sizeof(float) : codec.code_size();
    }
    static std::size_t norm_at(const Codec& codec) noexcept { return (codec.code_size() + 3) / 4 * 4; }

    /// The further value of a row: sqrt(R^2 - |x|^2).
    [[nodiscard]] float lift(const std::byte* code, float longest) const noexcept {
        float square = 0;
        std::memcpy(&square, code + norm_at(codec_), sizeof square);
        return std::sqrt(std::max(0.0F, longest - square));
    }
    void finish(RowId row) noexcept {
        if (!lifted_) return;
        if constexpr (requires { codec_.squared_norm(code(row)); }) {
            const float square = codec_.squared_norm(code(row));
            std::memcpy(codes_.at(row) + norm_at(codec_), &square, sizeof square);
            float longest = longest_.load(std::memory_order_relaxed);
            while (square > longest && !longest_.compare_exchange_weak(longest, square, std::memory_order_relaxed)) {
            }
        }
    }

    Codec codec_;
    bool lifted_;
    Chunks codes_;
    std::atomic<float> longest_{0};  // R^2
};

}  // namespace tonari
