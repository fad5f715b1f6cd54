// Where a few of many directions are asked for: by products of matrices alone, on our own kernels, in place of solving for all.
//
// Subspace iteration (Rutishauser 1969; begun at random, as in Halko, Martinsson and Tropp 2011): some more directions than asked
// for are multiplied by the moments, set at right angles, and multiplied again, until what they hold of the sample's extent grows
// no more. Directions that extend alike are then not told apart to the last digit, and need not be: what is kept is within some
// ten-thousandths of the most that could be.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "train/eigen_basis.hpp"

#define EIGEN_DONT_PARALLELIZE  // threads are the caller's
#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>

#include <tonari/core/aligned.hpp>
#include <tonari/core/cache_line.hpp>
#include <tonari/core/random.hpp>
#include <tonari/simd/kernels.hpp>

namespace tonari::train {
namespace {

using Directions = Eigen::MatrixXf;  // a column each
using Index = Eigen::Index;

constexpr std::size_t panel_width = simd::block_queries;
constexpr std::size_t block_rows = 96;  // that kernels take at once
constexpr float enough = 1e-5F;         // what is held grows by less: the end
constexpr unsigned most_rounds = 40;

/// Rows of floats, each of which begins a cache line.
struct FloatTable {
    AlignedBuffer bytes;
    std::size_t stride = 0;  // floats

    static Result<FloatTable> allocate(std::size_t rows, std::size_t columns) {
        FloatTable made;
        made.stride = whole_lines(columns * sizeof(float)) / sizeof(float);
        auto bytes = AlignedBuffer::allocate(rows * made.stride * sizeof(float));
        if (!bytes) return std::move(bytes).error();
        made.bytes = *std::move(bytes);
        return made;
    }
    [[nodiscard]] float* row(std::size_t i) noexcept { return bytes.as<float>().data() + i * stride; }
    [[nodiscard]] const float* row(std::size_t i) const noexcept { return bytes.as<float>().data() + i * stride; }
};

/// Products of rows with up to `panel_width` others, which are packed first.
class Panels {
public:
    /// For `count` rows of `dim` values.
    static Result<Panels> allocate(std::size_t count, std::size_t dim) {
        Panels made;
        made.dim_ = static_cast<Dim>(dim);
        made.stride_ = whole_lines(kernels().panel_bytes(made.dim_));
        auto bytes = AlignedBuffer::allocate((count + panel_width - 1) / panel_width * made.stride_);
        if (!bytes) return std::move(bytes).error();
        made.bytes_ = *std::move(bytes);
        return made;
    }
    static const simd::DistanceKernels& kernels() noexcept {
        return simd::kernels().of(MetricKind::inner_product, Element::float32);
    }
    void pack(std::size_t panel, const float* rows, std::size_t stride, std::size_t count) noexcept {
        kernels().pack(rows, stride * sizeof(float), count, dim_, bytes_.data() + panel * stride_);
    }
    using Products = std::array<float, block_rows * panel_width>;  // row i, panel's row q: i * panel_width + q, negated
    void multiply(std::size_t panel, const float* rows, std::size_t stride, std::size_t count,
                  Products& out) const noexcept {
        kernels().block(bytes_.data() + panel * stride_, panel_width, reinterpret_cast<const std::byte*>(rows),
                        stride * sizeof(float), count, dim_, nullptr, out.data());
    }

private:
    AlignedBuffer bytes_;
    std::size_t stride_ = 0;
    Dim dim_ = 0;
};

/// The second moments of a sample around its middle, or around the origin: in units of the largest around the middle. Those around
/// the origin have the middle's own beside them, not among them: it may be so large that as floats they were lost in it.
class Moments {
public:
    static Result<Moments> of(MatrixView sample, const std::vector<double>& middle, bool centred,
                              const Threads& threads) {
        constexpr std::size_t slice = 1024;  // rows: of so many products are summed as floats
        const std::size_t dim = sample.dim();
        auto columns = FloatTable::allocate(dim, slice);
        if (!columns) return std::move(columns).error();
        auto panels = Panels::allocate(dim, slice);
        if (!panels) return std::move(panels).error();
        std::vector<double> sums(dim * dim);
        const double scale = largest(sample, middle);
        for (std::size_t first = 0; first < sample.rows(); first += slice) {
            const std::size_t count = std::min(slice, sample.rows() - first);
            transpose(sample.slice(first, count), middle, scale, *columns, slice, threads);
            add(*columns, *panels, sums, dim, threads);
        }
        auto made = scaled(sums, dim, scale, static_cast<double>(sample.rows()));
        if (!made || centred) return made;
        made->middle_.resize(static_cast<Index>(dim));
        for (std::size_t d = 0; d < dim; ++d) {
            made->middle_[static_cast<Index>(d)] = static_cast<float>(middle[d] / std::sqrt(made->unit_));
        }
        return made;
    }

    [[nodiscard]] double unit() const noexcept { return unit_; }

    /// Each direction times the moments.
    Result<Directions> times(const Directions& directions, const Threads& threads) const {
        const auto dim = static_cast<std::size_t>(directions.rows());
        const auto count = static_cast<std::size_t>(directions.cols());
        auto panels = Panels::allocate(count, dim);
        if (!panels) return std::move(panels).error();
        for (std::size_t first = 0; first < count; first += panel_width) {
            panels->pack(first / panel_width, directions.data() + first * dim, dim,
                         std::min(panel_width, count - first));
        }
        Directions out(directions.rows(), directions.cols());
        parallel_for(threads, dim, block_rows, [&](std::size_t first, std::size_t last, unsigned) {
            Panels::Products products;  // NOLINT: the kernel writes it
            for (std::size_t from = 0; from < count; from += panel_width) {
                panels->multiply(from / panel_width, values_.row(first), values_.stride, last - first, products);
                for (std::size_t q = from; q < std::min(from + panel_width, count); ++q) {
                    for (std::size_t i = first; i < last; ++i) {
                        out.data()[q * dim + i] = -products[(i - first) * panel_width + q - from];
                    }
                }
            }
        });
        if (middle_.size() > 0) out += middle_ * (middle_.transpose() * directions);
        return out;
    }

private:
    static double largest(MatrixView sample, const std::vector<double>& middle) noexcept {
        double most = 0;
        for (std::size_t i = 0; i < sample.rows(); ++i) {
            const auto* row = static_cast<const float*>(sample.row(i).data());
            for (std::size_t d = 0; d < middle.size(); ++d) most = std::max(most, std::abs(double{row[d]} - middle[d]));
        }
        return most > 0 ? most : 1;
    }
    /// A row for each dimension. What a slice lacks is zeros.
    static void transpose(MatrixView some, const std::vector<double>& middle, double scale, FloatTable& out,
                          std::size_t slice, const Threads& threads) {
        parallel_for(threads, some.dim(), 64, [&](std::size_t from, std::size_t to, unsigned) {
            for (std::size_t i = 0; i < some.rows(); ++i) {
                const auto* row = static_cast<const float*>(some.row(i).data());
                for (std::size_t d = from; d < to; ++d) {
                    out.row(d)[i] = static_cast<float>((double{row[d]} - middle[d]) / scale);
                }
            }
            for (std::size_t d = from; d < to; ++d) std::fill(out.row(d) + some.rows(), out.row(d) + slice, 0.0F);
        });
    }
    /// To the lower half: columns apart from each other, each in the order of rows.
    static void add(const FloatTable& columns, Panels& panels, std::vector<double>& sums, std::size_t dim,
                    const Threads& threads) {
        parallel_for(threads, dim, panel_width, [&](std::size_t first, std::size_t last, unsigned) {
            const std::size_t panel = first / panel_width;
            panels.pack(panel, columns.row(first), columns.stride, last - first);
            Panels::Products products;  // NOLINT: the kernel writes it
            for (std::size_t i = first; i < dim; i += block_rows) {
                const std::size_t count = std::min(block_rows, dim - i);
                panels.multiply(panel, columns.row(i), columns.stride, count, products);
                for (std::size_t r = 0; r < count; ++r) {
                    double* const to = sums.data() + (i + r) * dim + first;
                    for (std::size_t q = 0; q < last - first; ++q) to[q] -= double{products[r * panel_width + q]};
                }
            }
        });
    }
    static Result<Moments> scaled(const std::vector<double>& sums, std::size_t dim, double scale, double rows) {
        double most = 0;
        for (std::size_t d = 0; d < dim; ++d) most = std::max(most, sums[d * dim + d]);
        if (most <= 0) most = 1;
        auto values = FloatTable::allocate(dim, dim);
        if (!values) return std::move(values).error();
        for (std::size_t i = 0; i < dim; ++i) {
            for (std::size_t j = 0; j <= i; ++j) {
                values->row(i)[j] = values->row(j)[i] = static_cast<float>(sums[i * dim + j] / most);
            }
        }
        Moments made;
        made.values_ = *std::move(values);
        made.unit_ = most / rows * scale * scale;
        return made;
    }

    FloatTable values_;
    Eigen::VectorXf middle_;  // empty around it
    double unit_ = 1;
};

/// The same span, at right angles and of length 1.
Directions straightened(const Directions& directions) {
    const Eigen::HouseholderQR<Directions> qr(directions);
    return qr.householderQ() * Directions::Identity(directions.rows(), directions.cols());
}

Directions random_directions(Index dim, Index count) {
    Random random(1);
    Directions some(dim, count);
    for (Index i = 0; i < some.size(); ++i) some.data()[i] = static_cast<float>(2 * unit(random()) - 1);
    return straightened(some);
}

}  // namespace

bool has_leading_basis(Dim dim, Dim out) noexcept {
    return dim >= 256 && std::size_t{out} * 6 <= dim && Panels::kernels().block != nullptr;
}

Result<EigenBasis> leading_basis(MatrixView sample, bool centred, Dim out, const Threads& threads) {
    const std::size_t dim = sample.dim();
    EigenBasis basis;
    basis.middle = middle_of(sample);
    const auto moments = Moments::of(sample, basis.middle, centred, threads);
    if (!moments) return moments.error();
    if (!centred) basis.middle.assign(dim, 0);

    const auto count = static_cast<Index>(std::min<std::size_t>(dim, out + std::max<std::size_t>(16, out / 2)));
    Directions directions = random_directions(static_cast<Index>(dim), count);
    Eigen::VectorXf extents;  // ascending
    float held = 0;
    for (unsigned round = 0; round < most_rounds; ++round) {
        auto products = moments->times(directions, threads);
        if (!products) return std::move(products).error();
        const Directions between = directions.transpose() * *products;
        const Eigen::SelfAdjointEigenSolver<Directions> solver(between);
        if (solver.info() != Eigen::Success) return no_directions(sample.rows());
        extents = solver.eigenvalues();
        // Without the first of several: it may outweigh all that are to be found.
        const float now = extents.tail(out).head(out > 1 ? out - 1 : 1).sum();
        if (now - held <= enough * now || round + 1 == most_rounds) {
            directions = directions * solver.eigenvectors();
            break;
        }
        held = now;
        directions = straightened(*products);
    }

    // The largest first, at right angles to the last digit.
    const Eigen::MatrixXd wide = directions.rightCols(out).rowwise().reverse().cast<double>();
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(wide);
    const Eigen::MatrixXd straight = qr.householderQ() * Eigen::MatrixXd::Identity(wide.rows(), wide.cols());
    basis.values.resize(out);
    basis.vectors.resize(std::size_t{out} * dim);
    for (Index i = 0; i < straight.cols(); ++i) {
        const double extent = double{extents[extents.size() - 1 - i]};
        basis.values[static_cast<std::size_t>(i)] = std::max(extent * moments->unit(), 0.0);
        write_direction(straight.col(i).data(), dim, basis.vectors.data() + static_cast<std::size_t>(i) * dim);
    }
    return basis;
}

}  // namespace tonari::train
