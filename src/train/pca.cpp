// The first directions of a sample as a map.
#include <new>
#include <string>
#include <vector>

#include <tonari/train/linear_map.hpp>

#include "train/eigen_basis.hpp"

namespace tonari::train {

Result<LinearMap> pca(MatrixView sample, const PcaOptions& options) {
    try {
        if (Status s = check_sample(sample, options.out, options.threads); !s) return s;
        const auto basis = has_leading_basis(sample.dim(), options.out)
                               ? leading_basis(sample, options.centred, options.out, options.threads)
                               : eigen_basis(sample, options.centred, options.threads);
        if (!basis) return basis.error();
        const std::vector<float> matrix(
            basis->vectors.begin(),
            basis->vectors.begin() + static_cast<std::ptrdiff_t>(std::size_t{options.out} * sample.dim()));
        std::vector<float> middle;
        if (options.centred) middle.assign(basis->middle.begin(), basis->middle.end());
        return LinearMap::create(sample.dim(), options.out, matrix, middle);
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::out_of_memory,
                     "no memory for the directions of rows of " + std::to_string(sample.dim()) + " dimensions"};
    }
}

}  // namespace tonari::train
