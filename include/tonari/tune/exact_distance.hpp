// Distances as they are defined, in double: what recall is judged by. Slow, and without any index's arithmetic.
#pragma once

#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/core/view.hpp>

namespace tonari::tune {

/// The distance of one query to rows of its kind. For one thread at a time.
class TONARI_API ExactDistance {
public:
    /// Metrics of users have no definition here; the others do.
    explicit ExactDistance(MetricKind metric) noexcept : metric_(metric) {}

    void set_query(RowView query);
    /// Smaller is nearer, as everywhere. O(dim). `row` has the query's element and dimension.
    [[nodiscard]] double operator()(RowView row);
    /// How far apart two distances near `distance` may stand and still be one to float32 arithmetic: a millionth
    /// (about 2^-20, some tens of roundings) of what was summed. For L2 and L1 all terms are positive, so that is
    /// the distance itself; for cosine it is 1; for the inner product |query| times the longest row seen, since its
    /// terms cancel. Numbers of differing bits are exact: 0.
    [[nodiscard]] double tolerance(double distance) const noexcept;

private:
    void widen(RowView row, std::vector<float>& into) const;

    MetricKind metric_;
    RowView query_;
    std::vector<float> query_values_;
    std::vector<float> row_values_;
    double query_square_ = 0;
    double largest_row_square_ = 0;
};

}  // namespace tonari::tune
