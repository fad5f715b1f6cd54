#include "train/eigen_basis.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <new>
#include <string>

#define EIGEN_DONT_PARALLELIZE  // threads are the caller's
#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include <tonari/train/linear_map.hpp>

#include "train/float_rows.hpp"

namespace tonari::train {
namespace {

using Matrix = Eigen::MatrixXd;
using Floats =
    Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>, 0, Eigen::OuterStride<>>;

constexpr std::size_t slice = 256;  // rows that are widened at a time
constexpr std::size_t width = 64;   // columns of the moments that one thread sums

Floats floats(MatrixView sample) {
    return {reinterpret_cast<const float*>(sample.data()), static_cast<Eigen::Index>(sample.rows()),
            static_cast<Eigen::Index>(sample.dim()),
            Eigen::OuterStride<>(static_cast<Eigen::Index>(sample.stride() / sizeof(float)))};
}

/// The lower half of the second moments around `middle`: columns are summed apart from each other, each in the order of
/// rows.
Result<Matrix> second_moments(MatrixView sample, const Eigen::Map<const Eigen::RowVectorXd>& middle,
                              const Threads& threads) {
    const auto rows = floats(sample);
    const Eigen::Index dim = rows.cols();
    Matrix moments = Matrix::Zero(dim, dim);
    std::atomic<bool> no_memory{false};
    parallel_for(threads, sample.dim(), width, [&](std::size_t first, std::size_t last, unsigned) {
        try {  // out of a thread no exception finds its way
            const auto from = static_cast<Eigen::Index>(first);
            const auto columns = static_cast<Eigen::Index>(last - first);
            Matrix wide;
            for (Eigen::Index row = 0; row < rows.rows(); row += slice) {
                const Eigen::Index count = std::min<Eigen::Index>(slice, rows.rows() - row);
                wide = rows.block(row, from, count, dim - from).cast<double>().rowwise() -
                       middle.segment(from, dim - from);
                moments.block(from, from, dim - from, columns).noalias() += wide.transpose() * wide.leftCols(columns);
            }
        } catch (const std::bad_alloc&) {
            no_memory = true;
        }
    });
    if (no_memory) throw std::bad_alloc();
    return Matrix(moments / static_cast<double>(rows.rows()));
}

}  // namespace

Status check_sample(MatrixView sample, Dim out, const Threads& threads) {
    if (Status s = check_rows(sample, "the sample"); !s) return s;
    const auto refused = [](const std::string& expected, const std::string& got) {
        return Error{ErrorCode::invalid_argument, "expected " + expected + ", got " + got};
    };
    if (sample.element() != Element::float32) {
        return refused("float32 rows to train a map on", std::string(name(sample.element())));
    }
    if (sample.dim() > max_map_dim) {
        return refused("rows of at most " + std::to_string(max_map_dim) + " dimensions to train a map on",
                       std::to_string(sample.dim()));
    }
    if (out == 0 || out > sample.dim()) {
        return refused("1 to " + std::to_string(sample.dim()) + " dimensions to map rows to, as many as they have",
                       std::to_string(out));
    }
    const std::size_t bad = first_unusable(FloatRows(sample), 0, sample.rows(), threads);
    if (bad < sample.rows()) return describe_unusable(sample.row(bad), "the sample", bad);
    return {};
}

Result<EigenBasis> eigen_basis(MatrixView sample, bool centred, const Threads& threads) {
    const auto rows = floats(sample);
    const Eigen::Index dim = rows.cols();
    EigenBasis basis;
    basis.middle = centred ? middle_of(sample) : std::vector<double>(sample.dim());
    const Eigen::Map<const Eigen::RowVectorXd> middle(basis.middle.data(), dim);
    auto moments = second_moments(sample, middle, threads);
    if (!moments) return std::move(moments).error();
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(*moments);  // reads the lower half
    if (solver.info() != Eigen::Success) return no_directions(sample.rows());
    basis.values.resize(sample.dim());
    basis.vectors.resize(std::size_t{sample.dim()} * sample.dim());
    for (Eigen::Index i = 0; i < dim; ++i) {
        const Eigen::Index from = dim - 1 - i;  // Eigen's ascend
        basis.values[static_cast<std::size_t>(i)] = std::max(solver.eigenvalues()[from], 0.0);
        write_direction(solver.eigenvectors().col(from).data(), sample.dim(), basis.vectors.data() + i * dim);
    }
    return basis;
}

Error no_directions(std::size_t rows) {
    return {ErrorCode::invalid_argument, "expected rows whose directions can be told apart, got " +
                                             std::to_string(rows) + " for which the eigenvalues do not converge"};
}

std::vector<double> middle_of(MatrixView sample) {
    const auto rows = floats(sample);
    std::vector<double> values(sample.dim());
    Eigen::Map<Eigen::RowVectorXd> middle(values.data(), rows.cols());
    for (Eigen::Index row = 0; row < rows.rows(); ++row) middle += rows.row(row).cast<double>();
    middle /= static_cast<double>(rows.rows());
    return values;
}

void write_direction(const double* vector, std::size_t dim, double* out) noexcept {
    const auto shorter = [](double a, double b) { return std::abs(a) < std::abs(b); };
    const double sign = *std::max_element(vector, vector + dim, shorter) < 0 ? -1 : 1;
    for (std::size_t d = 0; d < dim; ++d) out[d] = sign * vector[d];
}

}  // namespace tonari::train
