// Codes of 4 bits a part, 32 rows to a block, compared by looking up tables that stay in registers (FastScan: Andre, Kermarrec
// and Le Scouarnec 2015). What the 4 bits are is one of two things:
//
//   RaBitQ (Gao and Long 2024)   the signs of four values of the rotated row: nothing to train, and a bound on the error
//   PQ (Jegou, Douze and Schmid 2011)   which of 16 trained points stands for a part (src/codec/direction.hpp)
//
// Both describe a row relative to an origin (a list's centroid), and both are arranged so that a query's table does not depend on
// it: what the origin adds is one number of the row, added when it is encoded, and one of the query, added when a list is entered.
//
// With r = row - origin, v = query - origin, and r^ what the code says of r:
//
//   L2              |r - v|^2 = |v|^2 + |r|^2 - 2 <r, v>
//   inner product   -<row, query> = -<origin, query> - <r, origin> - <r, v>
//   cosine          1 - <row, query> of rows and queries at length 1
//   <r, v>          is about s <r^, v>, s = |r|^2 / <r^, r>, which is right for v = r; <r^, v> = <r^, query> - <r^, origin>
//
// What is left over, s r^ - r, stands at right angles to r, so that it moves a distance to a query nearby little, and its length
// is known: that bounds the error, nearly always (Gao and Long 2024, theorem 3.2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <tonari/codec/codec.hpp>
#include <tonari/codec/scorer.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/io/section_writer.hpp>
#include <tonari/metric/any_metric.hpp>
#include <tonari/simd/kernels.hpp>
#include <tonari/train/rotation.hpp>

namespace tonari {

namespace detail {
struct CodeSums;
struct RowFactors;
}  // namespace detail

struct FastScanParams {
    MetricKind metric = MetricKind::l2;
    /// PQ: parts of a row, which divide its dimensions. 0: RaBitQ.
    std::size_t parts = 0;
    std::uint64_t seed = 42;
    Threads threads{};
};

/// One query against blocks. Lives as long as the query that was prepared for it.
class TONARI_API FastScanScorer {
public:
    static constexpr bool bounded = true;

    FastScanScorer() noexcept = default;
    FastScanScorer(MetricKind metric, Dim dim, std::size_t quads) noexcept : metric_(metric), dim_(dim) {
        query_.quads = quads;
    }
    /// `query` was prepared by the codec.
    void set_query(const std::byte* query) noexcept;
    /// `lower` lies so many standard deviations of the code's error below the estimate.
    void set_deviations(float deviations) noexcept {
        deviations_ = deviations;
        enter({});
    }
    /// Without a centroid: the codec's own middle.
    void enter(Origin origin) noexcept;
    /// What it compares blocks with, and by how much float32 may move an estimate beside that.
    [[nodiscard]] const simd::NibbleQuery& compared_with() const noexcept { return query_; }
    [[nodiscard]] float rounding() const noexcept { return rounding_; }
    /// RaBitQ: the query as its codes see it, rotated.
    [[nodiscard]] const float* rotated() const noexcept;
    /// The rows [begin, end) of blocks, at most `max_batch`, those whose `lower` is below the bound; positions count from `begin`.
    void scan(const std::byte* blocks, std::size_t stride, std::size_t begin, std::size_t end, float bound,
              Survivors& out) const noexcept;
    /// The same for several scorers of one codec, at most `most_together`, each with its own bound: what scorer i lets through
    /// goes into `out[i]`. Blocks are read, and put in order, once for all of them.
    static constexpr std::size_t most_together = simd::nibble_queries;
    static void scan_together(std::span<const FastScanScorer* const> scorers, const std::byte* blocks,
                              std::size_t stride, std::size_t begin, std::size_t end, std::span<const float> bounds,
                              std::span<Survivors> out) noexcept;

private:
    void complete(std::size_t first, Survivors& out) const noexcept;

    simd::NibbleQuery query_{};
    MetricKind metric_ = MetricKind::l2;
    Dim dim_ = 0;
    float deviations_ = 3;
    float rounding_ = 0;  ///< what float32 may have moved an estimate by, however sure the code is
    const std::byte* prepared_ = nullptr;
};

class TONARI_API FastScan {
public:
    static constexpr CodecKind kind = CodecKind::fast_scan;
    static constexpr std::size_t block_rows = simd::nibble_rows;
    /// Rows that training looks at, of more.
    static constexpr std::size_t training_rows = 16384;
    using Scorer = FastScanScorer;
    using Params = FastScanParams;

    /// From some float32 rows, or from what some rows are relative to their origins. Errors: a metric other than L2, inner product and
    /// cosine; parts that do not divide the dimensions; fewer than 16 rows for PQ; non-finite values; out_of_memory.
    static Result<FastScan> train(MatrixView sample, const FastScanParams& params);

    /// What `train` refuses before it looks at values, for rows of `dim` dimensions.
    static Status check(Dim dim, const FastScanParams& params);

    [[nodiscard]] Dim dim() const noexcept { return dim_; }
    [[nodiscard]] Element element() const noexcept { return Element::float32; }  ///< of queries, as they are best given
    [[nodiscard]] AnyMetric metric() const noexcept { return {metric_}; }
    [[nodiscard]] MetricKind metric_kind() const noexcept { return metric_; }
    /// PQ's parts; 0: RaBitQ.
    [[nodiscard]] std::size_t parts() const noexcept { return parts_; }
    /// RaBitQ: values of a rotated row, a multiple of 16.
    [[nodiscard]] std::size_t rotated_size() const noexcept { return rotation_.size(); }
    /// Of what was trained.
    [[nodiscard]] std::size_t bytes() const noexcept { return (middle_.size() + points_.size()) * sizeof(float); }
    [[nodiscard]] bool accepts(Element given) const noexcept { return given != Element::bits; }
    [[nodiscard]] std::size_t block_size() const noexcept { return quads() * 64 + 3 * block_rows * sizeof(float); }

    /// Values of a row relative to its origin, at length 1 first under cosine. `out` takes `dim()` values.
    static void relative(RowView row, MetricKind metric, Origin origin, float* out) noexcept;

    /// PQ: the points that a row's code names, and room to choose them in.
    struct Choice {
        std::vector<std::uint8_t> codes;  ///< parts
        std::vector<float> products;      ///< parts x 16: of the points with the row's values
        std::vector<float> squares;       ///< parts x 16: of the points
    };

    /// Writes rows into blocks; one a thread. No two write to one block at a time.
    class TONARI_API Encoder {
    public:
        explicit Encoder(const FastScan& codec);
        /// Rows from now on are relative to this; without a centroid, to the codec's own middle.
        void enter(Origin origin) noexcept;
        /// Row `place` of the block, whose bytes were zeros where it had no row before.
        void put(RowView row, std::byte* block, std::size_t place) noexcept;

        /// RaBitQ, of rows that stand beside many others: one as its codes see it, rotated, relative to the codec's own middle. `out`
        /// takes `rotated_size()` values.
        void turn(RowView row, float* out) noexcept;
        /// As `put`, of a row and the origin that was entered as `turn` gave them.
        void put_turned(const float* row, const float* origin, std::byte* block, std::size_t place) noexcept;

        /// What turns <code, query> into a distance, by what a row and its code sum up to.
        [[nodiscard]] detail::RowFactors factors(const detail::CodeSums& sums) const noexcept;
        /// RaBitQ: the last row that was put, and the origin, rotated.
        [[nodiscard]] std::span<const float> rotated() const noexcept { return rotated_; }
        [[nodiscard]] std::span<const float> rotated_origin() const noexcept { return coded_origin_; }

    private:
        void put_factors(const detail::CodeSums& sums, std::byte* block, std::size_t place) const noexcept;
        /// Writes the code and says what `put` makes factors of. The row stands in `rotated_`.
        detail::CodeSums put_signs(std::byte* block, std::size_t place) noexcept;
        detail::CodeSums put_parts(std::byte* block, std::size_t place) noexcept;
        const FastScan* codec_;
        Origin origin_{};
        std::vector<float> coded_origin_;  ///< as codes see it: rotated for RaBitQ
        std::vector<float> row_;
        std::vector<float> rotated_;
        Choice choice_;
    };
    [[nodiscard]] Encoder encoder() const { return Encoder(*this); }

    /// Bytes of a prepared query, which starts at a multiple of 64.
    [[nodiscard]] std::size_t query_size() const noexcept;
    /// Of these the first that are looked at once it is prepared.
    [[nodiscard]] std::size_t prepared_size() const noexcept;
    void prepare(RowView query, std::byte* out) const noexcept;
    [[nodiscard]] Scorer scorer() const noexcept { return {metric_, dim_, quads()}; }

    Status save(SectionWriter& writer) const;
    static Result<FastScan> open(const SectionReader& reader);

private:
    struct Record;
    FastScan(MetricKind metric, Dim dim, std::size_t parts, std::uint64_t seed)
        : metric_(metric), dim_(dim), parts_(parts), rotation_(dim, seed), middle_(dim) {}

    [[nodiscard]] std::size_t quads() const noexcept { return parts_ == 0 ? rotation_.size() / 16 : (parts_ + 3) / 4; }
    [[nodiscard]] std::size_t part_dim() const noexcept { return dim_ / parts_; }
    Status train_points(MatrixView sample, const FastScanParams& params);
    void measure_share(MatrixView sample);
    [[nodiscard]] Choice room_to_choose() const;
    /// Of a row relative to its origin.
    void choose_points(const float* row, Choice& choice) const noexcept;
    [[nodiscard]] std::size_t nearest_point(std::size_t part, const float* values) const noexcept;

    MetricKind metric_;
    Dim dim_;
    std::size_t parts_;
    train::Rotation rotation_;   ///< RaBitQ
    std::vector<float> middle_;  ///< the mean of what was trained on: the origin of rows that have none
    std::vector<float> points_;  ///< PQ: parts x 16 x dim / parts
    /// Of what a code leaves over of a row, at right angles to it, how much lies along another direction on average: 1 over the
    /// root of the dimensions where rows are rotated, measured where they are not.
    float share_ = 0;
};

}  // namespace tonari
