// RaBitQ with 2 to 8 bits a value (Gao and others 2024, "Practical and Asymptotically Optimal Quantization of High-Dimensional
// Vectors in Euclidean Space for Approximate Nearest Neighbor Search"). Nothing is trained but a middle.
//
// The highest bit of a value is its sign: that is the code of one bit (codec/fast_scan.hpp), and a block begins as that
// codec's does. The other bits stand behind it, row by row:
//
//     | a block of FastScan: signs, add, scale and error of 32 rows |
//     | row 0: planes of the other bits (simd/kernels.hpp) | add | scale | error | row 1 ... | ... | row 31 |
//
// So a scan compares 32 rows at a time by their signs, and looks at the whole code of those that, by the bound of these, may
// still be near enough. What it lets through is an estimate by the whole code, with a bound that is half as far away for each
// further bit.
//
// A code of b bits stands for r^ = c - (2^b - 1) / 2, a vector of halves. Which one lies nearest to the direction of a row is
// a question of how long the row is made before it is rounded; some lengths are tried, and the best one taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <tonari/codec/codec.hpp>
#include <tonari/codec/fast_scan.hpp>
#include <tonari/codec/scorer.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/io/section_writer.hpp>
#include <tonari/metric/any_metric.hpp>

namespace tonari {

struct RaBitQParams {
    MetricKind metric = MetricKind::l2;
    std::size_t bits = 4;  ///< a value, 2 to 8; for one bit take FastScan
    std::uint64_t seed = 42;
    Threads threads{};
};

/// One query against blocks. Lives as long as the query that was prepared for it.
class TONARI_API RaBitQScorer {
public:
    static constexpr bool bounded = true;
    /// A row that the signs rule out is not estimated by its whole code, which may say otherwise: what comes through depends on the
    /// bounds in the course of a search.
    static constexpr bool sifts = true;

    RaBitQScorer() noexcept = default;
    /// `values` a row, `signs` into blocks that begin with `head` bytes of signs.
    RaBitQScorer(FastScanScorer signs, MetricKind metric, std::size_t values, std::size_t bits,
                 std::size_t head) noexcept
        : signs_(signs), metric_(metric), values_(values), bits_(bits), head_(head) {}
    /// `query` was prepared by the codec.
    void set_query(const std::byte* query) noexcept;
    /// `lower` lies so many standard deviations of the code's error below the estimate: of the signs' first, then of the whole
    /// code's.
    void set_deviations(float deviations) noexcept { signs_.set_deviations(deviations); }
    /// Without a centroid: the codec's own middle.
    void enter(Origin origin) noexcept { signs_.enter(origin); }
    /// The rows [begin, end) of blocks, at most `max_batch`, those whose `lower` is below the bound; positions count from `begin`.
    void scan(const std::byte* blocks, std::size_t stride, std::size_t begin, std::size_t end, float bound,
              Survivors& out) const noexcept;

private:
    FastScanScorer signs_{};
    MetricKind metric_ = MetricKind::l2;
    std::size_t values_ = 0;
    std::size_t bits_ = 2;
    std::size_t head_ = 0;
    float slack_ = 0;  ///< what float32 may have moved a product by
};

class TONARI_API RaBitQ {
public:
    static constexpr CodecKind kind = CodecKind::rabitq;
    static constexpr std::size_t block_rows = FastScan::block_rows;
    static constexpr std::size_t least_bits = 2;
    static constexpr std::size_t most_bits = 8;
    using Scorer = RaBitQScorer;
    using Params = RaBitQParams;
    static constexpr std::size_t training_rows = FastScan::training_rows;

    /// From some float32 rows, or from what some rows are relative to their origins. Errors: those of `check`; no rows;
    /// out_of_memory.
    static Result<RaBitQ> train(MatrixView sample, const RaBitQParams& params);

    /// What `train` refuses before it looks at values: a metric other than L2, inner product and cosine; bits that are not 2 to 8.
    static Status check(Dim dim, const RaBitQParams& params);

    [[nodiscard]] Dim dim() const noexcept { return signs_.dim(); }
    [[nodiscard]] Element element() const noexcept { return Element::float32; }  ///< of queries, as they are best given
    [[nodiscard]] AnyMetric metric() const noexcept { return signs_.metric(); }
    [[nodiscard]] MetricKind metric_kind() const noexcept { return signs_.metric_kind(); }
    [[nodiscard]] std::size_t bits() const noexcept { return bits_; }  ///< a value
    /// Of what was trained.
    [[nodiscard]] std::size_t bytes() const noexcept { return signs_.bytes(); }
    [[nodiscard]] bool accepts(Element given) const noexcept { return signs_.accepts(given); }
    [[nodiscard]] std::size_t block_size() const noexcept;

    /// Values of a row relative to its origin, at length 1 first under cosine. `out` takes `dim()` values.
    static void relative(RowView row, MetricKind metric, Origin origin, float* out) noexcept {
        FastScan::relative(row, metric, origin, out);
    }

    /// Writes rows into blocks; one a thread. No two write to one block at a time.
    class TONARI_API Encoder {
    public:
        explicit Encoder(const RaBitQ& codec);
        /// Rows from now on are relative to this; without a centroid, to the codec's own middle.
        void enter(Origin origin) noexcept { signs_.enter(origin); }
        /// Row `place` of the block, whose bytes were zeros where it had no row before. About 40 passes over its values.
        void put(RowView row, std::byte* block, std::size_t place) noexcept;

    private:
        [[nodiscard]] float best_scale() const noexcept;
        const RaBitQ* codec_;
        FastScan::Encoder signs_;
        std::vector<float> magnitudes_;  ///< of the rotated row
    };
    [[nodiscard]] Encoder encoder() const { return Encoder(*this); }

    /// Bytes of a prepared query, which starts at a multiple of 64.
    [[nodiscard]] std::size_t query_size() const noexcept { return signs_.query_size(); }
    [[nodiscard]] std::size_t prepared_size() const noexcept { return signs_.prepared_size(); }
    void prepare(RowView query, std::byte* out) const noexcept { signs_.prepare(query, out); }
    [[nodiscard]] Scorer scorer() const noexcept {
        return {signs_.scorer(), metric_kind(), signs_.rotated_size(), bits_, signs_.block_size()};
    }

    Status save(SectionWriter& writer) const;
    static Result<RaBitQ> open(const SectionReader& reader);

private:
    struct Record;
    RaBitQ(FastScan signs, std::size_t bits) : signs_(std::move(signs)), bits_(bits) {}

    FastScan signs_;
    std::size_t bits_;
};

}  // namespace tonari
