// The directions in which a sample extends, by how far: the eigenvectors of its second moments.
#pragma once

#include <string_view>
#include <vector>

#include <tonari/core/parallel.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>

namespace tonari::train {

struct EigenBasis {
    std::vector<double> middle;   ///< the sample's mean, or zeros
    std::vector<double> values;   ///< the mean square along each direction, descending, none below 0
    std::vector<double> vectors;  ///< dim x dim: row i is the direction of value i, of length 1
};

/// Around the mean if `centred`, else around the origin. The same bits for any number of threads. `sample` was checked
/// by `check_sample`. Throws bad_alloc. Errors: out_of_memory.
Result<EigenBasis> eigen_basis(MatrixView sample, bool centred, const Threads& threads);

/// What is trained on: float32 rows, finite, of 1 to `max_map_dim` dimensions; and 1 to as many that are to be kept.
Status check_sample(MatrixView sample, Dim out, const Threads& threads);

}  // namespace tonari::train
