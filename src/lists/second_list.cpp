#include <tonari/lists/second_list.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tonari/simd/kernels.hpp>

namespace tonari {

SecondList::SecondList(MatrixView centroids, bool by_direction, std::span<const float> prices)
    : centroids_(centroids),
      by_direction_(by_direction),
      prices_(prices),
      row_(centroids.dim()),
      residual_(centroids.dim()),
      other_(centroids.dim()) {}

RowId SecondList::choose(const float* row, RowId first, std::span<const Neighbor> lists) noexcept {
    const Dim dim = centroids_.dim();
    const auto squared = [dim](const float* values) { return simd::kernels().squared_norm[0](values, dim); };
    const auto from = [&](std::size_t list, float* out) {
        const auto* centroid = static_cast<const float*>(centroids_.row(list).data());
        for (Dim d = 0; d < dim; ++d) out[d] = row_[d] - centroid[d];
    };
    std::copy_n(row, dim, row_.begin());
    if (by_direction_) {
        const float square = squared(row);
        const float scale = square > 0 ? 1 / std::sqrt(square) : 0;
        for (float& value : row_) value *= scale;
    }
    from(first, residual_.data());
    const float length = squared(residual_.data());
    const auto product = simd::kernels().of(MetricKind::inner_product, Element::float32).scan;
    RowId chosen = no_row;
    float least = std::numeric_limits<float>::infinity();
    for (const Neighbor& list : lists) {
        const auto number = static_cast<RowId>(list.id);
        if (number == first) continue;
        from(number, other_.data());
        const float square = squared(other_.data());
        if (square > least) continue;
        float along = 0;  // negated; a residual of zeros has no direction to keep from
        product(residual_.data(), reinterpret_cast<const std::byte*>(other_.data()), 0, 1, dim, &along);
        float sum = length > 0 ? square + lambda * (along / length) * along : square;
        if (!prices_.empty()) sum += prices_[number];
        if (sum < least || (sum == least && number < chosen)) {
            least = sum;
            chosen = number;
        }
    }
    if (chosen != no_row) return chosen;
    return static_cast<RowId>((first + std::size_t{1}) % centroids_.rows());
}

}  // namespace tonari
