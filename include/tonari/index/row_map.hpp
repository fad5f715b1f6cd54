// How rows and queries are mapped before an index sees them, and what its distances then say of those of rows as given.
//
//   l2       the distance of mapped rows is that of the rows, or less of it: a projection shortens. PCA is around the
//            mean, which no distance minds.
//   ip       the product of mapped rows lacks that of what was dropped, which may have either sign. PCA is around the
//            origin, since a mean that is taken off changes products.
//   cosine   rows and queries are brought to length 1 first, and then it is as for ip: 1 - <Mq, Mx> lacks what was
//            dropped. Mapped rows are shorter than 1 by what each lost; to divide by that, as the cosine between mapped
//            rows does, would make rows that lie badly in the kept directions as near as those that lie well. So the
//            index over them is one of inner products; where nothing is dropped, lengths stay 1, and it is one of cosines.
//
// With x = M^T M x + u and q = M^T M q + v (u, v: what is dropped), <q, x> = <Mq, Mx> + <v, u>. The last term is at
// most |v| |u|, and |v| is known of a query. How much of |v| it comes to for rows that are near a query is measured
// while training (`deviation`): so a refined index may be asked to look again at all rows that `refine` of these
// deviations, but no more than |v| times the longest u, might bring in.
#pragma once

#include <cstddef>

#include <tonari/core/aligned.hpp>
#include <tonari/core/export.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/spec.hpp>
#include <tonari/train/linear_map.hpp>

namespace tonari {

class TONARI_API RowMap {
public:
    /// `points`: of a part, of the codes that OPQ is to be for. Looks at some of the rows. `rows` were checked
    /// (`check_finite`, and `check_direction` under cosine). Errors: unsupported (metrics other than l2, ip and cosine,
    /// bits), invalid_argument (more dimensions than rows have, parts that do not divide them), out_of_memory. Throws
    /// bad_alloc.
    static Result<RowMap> train(const TransformSpec& spec, MetricKind metric, MatrixView rows, std::size_t points,
                                const BuildOptions& options);
    /// What `train` refuses before it looks at values.
    static Status check(const TransformSpec& spec, MetricKind metric, Element element, Dim dim);

    [[nodiscard]] Dim dim() const noexcept { return map_.in_dim(); }
    [[nodiscard]] Dim mapped_dim() const noexcept { return map_.out_dim(); }
    /// Of the rows as given.
    [[nodiscard]] MetricKind metric() const noexcept { return metric_; }
    /// Of the index over mapped rows.
    [[nodiscard]] MetricKind mapped_metric() const noexcept { return lifts() ? MetricKind::inner_product : metric_; }
    [[nodiscard]] bool drops() const noexcept { return mapped_dim() < dim(); }
    /// What is to be added to the mapped index's distances: 1, where they are negated products and the metric is
    /// cosine.
    [[nodiscard]] float lift() const noexcept { return lifts() ? 1 : 0; }
    /// Queries: as the rows were, or float32.
    [[nodiscard]] bool accepts(Element given) const noexcept { return given == element_ || given == Element::float32; }
    /// As it would be asked for.
    [[nodiscard]] TransformSpec spec() const noexcept;
    [[nodiscard]] std::size_t bytes() const noexcept { return map_.bytes(); }
    [[nodiscard]] const train::LinearMap& linear() const noexcept { return map_; }

    /// All rows mapped, float32, and what the longest dropped part is. Rows are widened a few at a time. Throws
    /// bad_alloc.
    Result<AlignedBuffer> map_rows(MatrixView rows, const Threads& threads, const ProgressFunction& progress);

    /// Values that a query is mapped in.
    [[nodiscard]] std::size_t room() const noexcept { return std::size_t{dim()} + mapped_dim(); }
    /// The query as the index over mapped rows takes it: float32, in `room`. Any element but bits. The same bits as a
    /// row's.
    RowView map_query(RowView query, float* room) const noexcept;
    /// The same of several; `out` takes mapped_dim() values a query. Throws bad_alloc.
    void map_queries(MatrixView queries, float* out, const Threads& threads) const;
    /// What is to be added to the mapped index's lower bounds so that they hold for rows as given, `deviations` wide.
    /// `query` was mapped in `room`.
    [[nodiscard]] float bound_offset(RowView query, const float* room, float deviations) const noexcept;

    /// "transform", and "transform/..." of the linear map.
    Status save(SectionWriter& writer) const;
    static Result<RowMap> open(const SectionReader& reader);

private:
    struct Record;
    RowMap(TransformKind kind, MetricKind metric, Element element, std::size_t parts, train::LinearMap map) noexcept
        : kind_(kind), metric_(metric), element_(element), parts_(parts), map_(std::move(map)) {}

    [[nodiscard]] bool lifts() const noexcept { return metric_ == MetricKind::cosine && drops(); }
    [[nodiscard]] float dropped(float square, const float* mapped) const noexcept;
    void measure(MatrixView sample, const Threads& threads);

    TransformKind kind_;
    MetricKind metric_;
    Element element_;
    std::size_t parts_;
    train::LinearMap map_;
    float deviation_ = 0;  ///< of <v, u> / |v|, for rows near a query
    float longest_ = 0;    ///< of all |u|
};

}  // namespace tonari
