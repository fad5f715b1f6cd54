// Product quantization (Jegou, Douze and Schmid 2011): a row is cut into parts, and a byte of its code says which of
// 256 trained points stands for a part of it: near the part, and with the others near the row (src/codec/direction.hpp).
//
//     | add: float32 | scale: float32 | error: float32 | codes: a byte for each part |
//
// A code describes a row relative to an origin, a list's centroid or the codec's own middle, and is compared as those
// of 4 bits are (codec/fast_scan.hpp has the formulae): by a sum of entries of a query's table, which does not depend
// on the origin, and by a few numbers that do. Of codes of as many bytes it tells rows apart better than two parts of 4
// bits a byte do, but takes about twice as long to compare: of sift-128, 32 of 256 lists, PQ32 has a recall@10 of 0.81
// and PQ64x4fs of 0.73 (`tonari bench sift-128 --index IVF256,PQ32 --index IVF256,PQ64x4fs --nprobe 32`). Where finer
// rows stand behind the codes and lie in memory, 4 bits are quicker.
//
// A row has bytes of its own: the same codes lie in lists, one behind another, and are what a graph can walk over.
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

namespace detail {
struct Direction;
}

struct PqParams {
    MetricKind metric = MetricKind::l2;
    std::size_t parts = 0;  ///< of a row: they divide its dimensions, and have at most `Pq::max_part_dim` of them each
    std::uint64_t seed = 42;
    Threads threads{};
};

class TONARI_API Pq {
public:
    static constexpr CodecKind kind = CodecKind::pq;
    static constexpr std::size_t points_a_part = simd::points_a_byte;
    /// What an encoder widens at a time.
    static constexpr std::size_t max_part_dim = 1024;
    /// Rows that training looks at, of more.
    static constexpr std::size_t training_rows = 128 * points_a_part;
    using Row = RowView;
    using Scorer = RowCodeScorer;
    using Params = PqParams;

    /// From some float32 rows, or from what some rows are relative to their origins. Errors: a metric other than L2,
    /// inner product and cosine; parts that do not divide the dimensions; fewer than 256 rows; non-finite values;
    /// out_of_memory.
    static Result<Pq> train(MatrixView sample, const PqParams& params);

    /// What `train` refuses before it looks at values, for `rows` rows of `dim` dimensions.
    static Status check(std::size_t rows, Dim dim, const PqParams& params);

    [[nodiscard]] Dim dim() const noexcept { return dim_; }
    [[nodiscard]] Element element() const noexcept { return Element::float32; }  ///< of queries, as they are best given
    [[nodiscard]] AnyMetric metric() const noexcept { return {metric_}; }
    [[nodiscard]] MetricKind metric_kind() const noexcept { return metric_; }
    [[nodiscard]] std::size_t parts() const noexcept { return parts_; }
    /// Of what was trained.
    [[nodiscard]] std::size_t bytes() const noexcept {
        return (middle_.size() + points_.size() + squares_.size()) * sizeof(float);
    }
    [[nodiscard]] bool accepts(Element given) const noexcept { return given != Element::bits; }
    [[nodiscard]] std::size_t code_size() const noexcept { return simd::byte_code_factors + parts_; }

    /// Values of a row relative to its origin, at length 1 first under cosine. `out` takes `dim()` values.
    static void relative(RowView row, MetricKind metric, Origin origin, float* out) noexcept;

    /// Without a centroid: relative to the codec's own middle.
    void encode(RowView row, Origin origin, std::span<std::byte> code) const noexcept;
    /// The trained points that the code names, as long as its row was, and the origin; under cosine about at length 1.
    void decode(std::span<const std::byte> code, Origin origin, std::span<float> out) const noexcept;

    /// Bytes of a prepared query, which starts at a multiple of 64.
    [[nodiscard]] std::size_t query_size() const noexcept;
    /// Of these the first that are looked at once it is prepared.
    [[nodiscard]] std::size_t prepared_size() const noexcept;
    void prepare(RowView query, std::byte* out) const noexcept;
    [[nodiscard]] Scorer scorer() const noexcept;

    Status save(SectionWriter& writer) const;
    static Result<Pq> open(const SectionReader& reader);

private:
    struct Record;
    Pq(MetricKind metric, Dim dim, std::size_t parts) : metric_(metric), dim_(dim), parts_(parts), middle_(dim) {}

    [[nodiscard]] std::size_t part_dim() const noexcept { return dim_ / parts_; }
    [[nodiscard]] const float* centroid_of(const Origin& origin) const noexcept {
        return origin.centroid == nullptr ? middle_.data() : origin.centroid;
    }
    Status train_points(MatrixView sample, const PqParams& params);
    void measure_squares();
    void measure_share(MatrixView sample);
    /// Adds what the codes of parts [first, last) and their `values`, which begin with the first of these parts, have in common.
    void add_direction(const float* values, std::size_t first, std::size_t last, const std::byte* codes,
                       detail::Direction& direction) const noexcept;
    /// Those parts in turn choose the points with which all parts lie nearest to the row's direction.
    void turn_codes(const float* values, std::size_t first, std::size_t last, std::byte* codes,
                    detail::Direction& direction) const noexcept;
    /// Value `d` of the point that the code of its part names.
    [[nodiscard]] float point(std::size_t d, std::byte code) const noexcept {
        return points_[d * points_a_part + std::to_integer<std::size_t>(code)];
    }

    MetricKind metric_;
    Dim dim_;
    std::size_t parts_;
    std::vector<float> middle_;   ///< the mean of what was trained on: the origin of rows that have none
    std::vector<float> points_;   ///< dim x 256: a value of all points of a part side by side
    std::vector<float> squares_;  ///< parts x 256: of the points, not in files
    float share_ = 0;             ///< of what a code leaves over of a row: how far it lies along another direction
};

}  // namespace tonari
