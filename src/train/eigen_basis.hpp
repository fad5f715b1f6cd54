// The directions in which a sample extends, by how far: the eigenvectors of its second moments.
#pragma once

#include <vector>

#include <tonari/core/parallel.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>

namespace tonari::train {

struct EigenBasis {
    std::vector<double> middle;   ///< the sample's mean, or zeros
    std::vector<double> values;   ///< the mean square along each direction, descending, none below 0
    std::vector<double> vectors;  ///< as many x dim: row i is the direction of value i, of length 1
};

/// Around the mean if `centred`, else around the origin. The same bits for any number of threads. `sample` was checked
/// by `check_sample`. Throws bad_alloc. Errors: out_of_memory.
Result<EigenBasis> eigen_basis(MatrixView sample, bool centred, const Threads& threads);
/// The first `out` of these, nearly: they hold as much of the sample's extent up to some ten-thousandths. For few of many
/// (`has_leading_basis`): O(rows * dim^2 + dim^2 * out) at the speed of our own products.
Result<EigenBasis> leading_basis(MatrixView sample, bool centred, Dim out, const Threads& threads);
/// Whether that is so many fewer than all that it takes less, at this instruction set.
bool has_leading_basis(Dim dim, Dim out) noexcept;

Error no_directions(std::size_t rows);
/// The mean of the rows.
std::vector<double> middle_of(MatrixView sample);
/// Of the two directions along `vector` the one that is easier to name: its largest value is not negative.
void write_direction(const double* vector, std::size_t dim, double* out) noexcept;

/// What is trained on: float32 rows, finite, of 1 to `max_map_dim` dimensions; and 1 to as many that are to be kept.
Status check_sample(MatrixView sample, Dim out, const Threads& threads);

}  // namespace tonari::train
