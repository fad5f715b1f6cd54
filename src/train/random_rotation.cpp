// A random rotation: normally distributed values, made orthogonal. With signs chosen so that the triangular factor's
// diagonal is positive, every rotation is equally likely (Mezzadri 2007, "How to generate random matrices from the
// classical compact groups").
#include <cmath>
#include <new>
#include <numbers>
#include <string>
#include <vector>

#define EIGEN_DONT_PARALLELIZE  // threads are the caller's
#include <Eigen/Core>
#include <Eigen/QR>

#include <tonari/core/parallel.hpp>
#include <tonari/core/random.hpp>
#include <tonari/train/linear_map.hpp>

namespace tonari::train {

Result<LinearMap> random_rotation(Dim dim, Dim out, std::uint64_t seed) {
    if (dim == 0 || dim > max_map_dim || out == 0 || out > dim) {
        return Error{ErrorCode::invalid_argument, "expected to rotate 1 to " + std::to_string(max_map_dim) +
                                                      " dimensions and keep at most as many, got " +
                                                      std::to_string(dim) + " and " + std::to_string(out)};
    }
    try {
        const auto rows = static_cast<Eigen::Index>(dim);
        const auto columns = static_cast<Eigen::Index>(out);
        Eigen::MatrixXd normal(rows, columns);
        Random random(seed);
        for (Eigen::Index c = 0; c < columns; ++c) {
            for (Eigen::Index r = 0; r < rows; ++r) {  // Box and Muller 1958
                const double length = std::sqrt(-2 * std::log(unit(random())));
                normal(r, c) = length * std::cos(2 * std::numbers::pi * unit(random()));
            }
        }
        const Eigen::HouseholderQR<Eigen::MatrixXd> factors(normal);
        const Eigen::MatrixXd turned = factors.householderQ() * Eigen::MatrixXd::Identity(rows, columns);
        std::vector<float> matrix(std::size_t{dim} * out);
        for (Eigen::Index c = 0; c < columns; ++c) {
            const double sign = factors.matrixQR()(c, c) < 0 ? -1 : 1;
            for (Eigen::Index r = 0; r < rows; ++r) {
                matrix[static_cast<std::size_t>(c * rows + r)] = static_cast<float>(sign * turned(r, c));
            }
        }
        return LinearMap::create(dim, out, matrix);
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::out_of_memory, "no memory to rotate " + std::to_string(dim) + " dimensions"};
    }
}

Result<LinearMap> turned(const LinearMap& map, std::uint64_t seed, const Threads& threads) {
    auto rotation = random_rotation(map.out_dim(), map.out_dim(), seed);
    if (!rotation) return rotation;
    try {
        const std::size_t in = map.in_dim();
        const std::size_t out = map.out_dim();
        std::vector<float> matrix(in * out);
        parallel_for(threads, out, 1, [&](std::size_t first, std::size_t last, unsigned) {
            for (std::size_t row = first; row < last; ++row) {
                float* const to = matrix.data() + row * in;
                const float* const turn = rotation->matrix().data() + row * out;
                for (std::size_t kept = 0; kept < out; ++kept) {
                    const float* const direction = map.matrix().data() + kept * in;
                    for (std::size_t d = 0; d < in; ++d) to[d] += turn[kept] * direction[d];
                }
            }
        });
        return LinearMap::create(map.in_dim(), map.out_dim(), matrix, map.middle());
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::out_of_memory, "no memory to rotate " + std::to_string(map.out_dim()) + " dimensions"};
    }
}

}  // namespace tonari::train
