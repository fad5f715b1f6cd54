// Rows of 4 bits a value, two values a byte, compared with queries of 8 bits by products of whole numbers:
//
//     | add: float32 | scale: float32 | error: float32 | codes: a byte for two values |
//
// Byte i holds value i in its lower half and value bytes + i in its upper one. A code describes a row relative to an origin, a
// list's centroid or the codec's own middle; value d of what it stands for is
//
//     length * step[d] * (code - 7.5)
//
// with steps that are trained for each dimension (those of least squared error: train/steps.hpp) and a length that each row
// chooses for itself: the one at which what the code stands for lies nearest to the row's direction. (faiss' QT_4bit has ranges
// of dimensions alone, from the smallest value to the largest; LVQ, Aguerrebere and others 2023, those of rows alone.) What a
// code says of a distance, and how far off that may be, is as codec/fast_scan.hpp derives it for all codes of this kind:
// unbiased, and surest where rows are near.
//
// The product is that of the row's codes with the query's values, which were multiplied by the steps and rounded to 8 bits:
// since codes are small, that costs no more than 4 bits would, and next to nothing of what the query says is lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <tonari/codec/codec.hpp>
#include <tonari/codec/row_code_scorer.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/io/section_writer.hpp>
#include <tonari/metric/any_metric.hpp>
#include <tonari/simd/kernels.hpp>

namespace tonari {

struct Sq4Params {
    MetricKind metric = MetricKind::l2;
    std::uint64_t seed = 42;  ///< which rows are looked at
    Threads threads{};
};

class TONARI_API Sq4 {
public:
    static constexpr CodecKind kind = CodecKind::sq4;
    static constexpr unsigned levels = 16;
    /// Rows that training looks at, of more.
    static constexpr std::size_t training_rows = 4096;
    using Row = RowView;
    using Scorer = RowCodeScorer;
    using Params = Sq4Params;

    /// From some float32 rows, or from what some rows are relative to their origins. Errors: a metric other than L2,
    /// inner product and cosine; no rows; out_of_memory.
    static Result<Sq4> train(MatrixView sample, const Sq4Params& params);

    /// What `train` refuses before it looks at values.
    static Status check(const Sq4Params& params);

    [[nodiscard]] Dim dim() const noexcept { return dim_; }
    [[nodiscard]] Element element() const noexcept { return Element::float32; }  ///< of queries, as they are best given
    [[nodiscard]] AnyMetric metric() const noexcept { return {metric_}; }
    [[nodiscard]] MetricKind metric_kind() const noexcept { return metric_; }
    /// Of what was trained.
    [[nodiscard]] std::size_t bytes() const noexcept { return (middle_.size() + steps_.size()) * sizeof(float); }
    [[nodiscard]] bool accepts(Element given) const noexcept { return given != Element::bits; }
    [[nodiscard]] std::size_t code_size() const noexcept { return simd::byte_code_factors + halves(); }
    [[nodiscard]] std::span<const float> steps() const noexcept { return steps_; }  ///< of each dimension

    /// Values of a row relative to its origin, at length 1 first under cosine. `out` takes `dim()` values.
    static void relative(RowView row, MetricKind metric, Origin origin, float* out) noexcept;

    /// Without a centroid: relative to the codec's own middle.
    void encode(RowView row, Origin origin, std::span<std::byte> code) const noexcept;
    /// Under cosine about at length 1.
    void decode(std::span<const std::byte> code, Origin origin, std::span<float> out) const noexcept;

    /// Bytes of a prepared query, which starts at a multiple of 64.
    [[nodiscard]] std::size_t query_size() const noexcept;
    void prepare(RowView query, std::byte* out) const noexcept;
    [[nodiscard]] Scorer scorer() const noexcept;

    Status save(SectionWriter& writer) const;
    static Result<Sq4> open(const SectionReader& reader);

private:
    struct Record;
    Sq4(MetricKind metric, Dim dim) : metric_(metric), dim_(dim) {}

    /// Bytes of a row's codes.
    [[nodiscard]] std::size_t halves() const noexcept { return (std::size_t{dim_} + 1) / 2; }
    [[nodiscard]] const float* centroid_of(const Origin& origin) const noexcept {
        return origin.centroid == nullptr ? middle_.data() : origin.centroid;
    }
    [[nodiscard]] unsigned code_of(const std::byte* codes, std::size_t d) const noexcept {
        return d < halves() ? std::to_integer<unsigned>(codes[d]) & 15U
                            : std::to_integer<unsigned>(codes[d - halves()]) >> 4U;
    }
    void train_middle_and_steps(MatrixView sample, const Sq4Params& params);
    void measure_share(MatrixView sample);

    MetricKind metric_;
    Dim dim_;
    std::vector<float> middle_;  ///< of what was trained on: the origin of rows that have none
    std::vector<float> steps_;
    float share_ = 0;  ///< of what a code leaves over of a row: how far it lies along another direction
};

}  // namespace tonari
