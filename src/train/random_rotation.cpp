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

}  // namespace tonari::train
