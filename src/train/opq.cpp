// OPQ: where the rotation begins, and the turns of points and rotation (Ge, He, Ke and Sun 2013).
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#define EIGEN_DONT_PARALLELIZE  // threads are the caller's
#include <Eigen/Core>
#include <Eigen/LU>

#include <tonari/core/aligned.hpp>
#include <tonari/core/random.hpp>
#include <tonari/train/kmeans.hpp>
#include <tonari/train/linear_map.hpp>

#include "train/eigen_basis.hpp"
#include "train/lloyd.hpp"

namespace tonari::train {
namespace {

using Matrix = Eigen::MatrixXd;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::size_t most_points = 256;
constexpr unsigned first_iterations = 10;  // of k-means before the first turn, and in each later one
constexpr unsigned later_iterations = 2;
constexpr double least_gain = 1e-3;  // of the error in one turn

/// Rows without gaps.
struct Sample {
    AlignedBuffer values;
    std::size_t rows = 0;
    Dim dim = 0;

    [[nodiscard]] float* row(std::size_t i) noexcept { return reinterpret_cast<float*>(values.data()) + i * dim; }
    [[nodiscard]] const float* row(std::size_t i) const noexcept {
        return reinterpret_cast<const float*>(values.data()) + i * dim;
    }
    [[nodiscard]] MatrixView view() const noexcept { return {values.data(), rows, dim, Element::float32}; }
    /// Columns [first, first + width).
    [[nodiscard]] MatrixView columns(std::size_t first, std::size_t width) const noexcept {
        return {values.data() + first * sizeof(float), rows, static_cast<Dim>(width), Element::float32,
                row_bytes(Element::float32, dim)};
    }
    static Result<Sample> of(std::size_t rows, Dim dim) {
        auto values = AlignedBuffer::allocate(rows * row_bytes(Element::float32, dim));
        if (!values) return std::move(values).error();
        return Sample{*std::move(values), rows, dim};
    }
};

/// `map` of every row. Any number of threads gives the same bits.
void map_rows(const LinearMap& map, MatrixView rows, Sample& out, const Threads& threads) {
    std::vector<std::vector<float>> rooms(resolve_threads(threads),
                                          std::vector<float>(LinearMap::most_rows * rows.dim()));
    parallel_for(threads, rows.rows(), LinearMap::most_rows, [&](std::size_t first, std::size_t last, unsigned worker) {
        float* const room = rooms[worker].data();
        for (std::size_t i = first; i < last; ++i) {
            std::memcpy(room + (i - first) * rows.dim(), rows.row_data(i), rows.row(i).bytes());
        }
        map.apply(room, last - first, out.row(first));
    });
}

std::vector<double> mean_of(const Sample& sample) {
    std::vector<double> mean(sample.dim);
    for (std::size_t i = 0; i < sample.rows; ++i) {
        for (Dim d = 0; d < sample.dim; ++d) mean[d] += static_cast<double>(sample.row(i)[d]);
    }
    for (double& value : mean) value /= static_cast<double>(sample.rows);
    return mean;
}

/// Takes the mean off all rows and brings them to a mean square of 1 a value, so that no sum is too large or too small.
/// False if they are all equal.
bool standardize(Sample& sample) {
    const std::vector<double> mean = mean_of(sample);
    double square = 0;
    for (std::size_t i = 0; i < sample.rows; ++i) {
        for (Dim d = 0; d < sample.dim; ++d) {
            const double away = static_cast<double>(sample.row(i)[d]) - mean[d];
            square += away * away;
        }
    }
    const double scale = std::sqrt(static_cast<double>(sample.rows) * sample.dim / square);
    if (!(scale < std::numeric_limits<double>::max())) return false;
    for (std::size_t i = 0; i < sample.rows; ++i) {
        for (Dim d = 0; d < sample.dim; ++d) {
            sample.row(i)[d] = static_cast<float>((static_cast<double>(sample.row(i)[d]) - mean[d]) * scale);
        }
    }
    return true;
}

/// Deals directions out to parts, the largest first, each to the part whose product of variances is the smallest and
/// that has room (eigenvalue allocation: Ge and others 2013). Returns which direction is which value of the rotated rows.
std::vector<std::size_t> deal_out(const std::vector<double>& variances, std::size_t parts) {
    const std::size_t width = variances.size() / parts;
    const double least = std::max(variances.front() * 1e-12, std::numeric_limits<double>::min());
    std::vector<double> sums(parts);  // of logarithms, each at least 0
    std::vector<std::vector<std::size_t>> of(parts);
    for (std::size_t i = 0; i < variances.size(); ++i) {
        std::size_t smallest = parts;
        for (std::size_t part = 0; part < parts; ++part) {
            if (of[part].size() < width && (smallest == parts || sums[part] < sums[smallest])) smallest = part;
        }
        of[smallest].push_back(i);
        sums[smallest] += std::log(std::max(variances[i], least) / least);
    }
    std::vector<std::size_t> order;
    for (const auto& part : of) order.insert(order.end(), part.begin(), part.end());
    return order;
}

/// The turns, over a standardized sample. Parts have nothing to do with each other but the rotation: threads take some
/// each, so that they meet once a turn.
class Turns {
public:
    Turns(const Sample& sample, const OpqOptions& options, Matrix rotation)
        : sample_(sample), options_(options), width_(sample.dim / options.parts), rotation_(std::move(rotation)) {}

    Result<Matrix> run() {
        if (Status s = prepare(); !s) return s;
        double before = std::numeric_limits<double>::infinity();
        for (unsigned turn = 0; turn < options_.iterations; ++turn) {
            auto map = as_map();
            if (!map) return std::move(map).error();
            map_rows(*map, sample_.view(), turned_, options_.threads);
            auto error = train_points(turn);
            if (!error) return std::move(error).error();
            if (options_.progress) options_.progress(turn + 1, options_.iterations);
            if (!(*error < before * (1 - least_gain))) break;
            before = *error;
            fit_rotation();
        }
        if (options_.progress) options_.progress(options_.iterations, options_.iterations);
        return rotation_;
    }

private:
    static constexpr std::size_t together = 8;  // parts that read the sample's rows together
    struct Worker {
        Lloyd lloyd;
        std::vector<std::uint8_t> codes;  ///< rows x together
        std::vector<float> sums;          ///< together x points x dim: of rows with that code
    };

    Status prepare() {
        auto turned = Sample::of(sample_.rows, sample_.dim);
        if (!turned) return std::move(turned).error();
        turned_ = *std::move(turned);
        for (unsigned i = 0; i < resolve_threads(options_.threads); ++i) {
            auto lloyd = Lloyd::create(static_cast<Dim>(width_), false, 0, sample_.rows, options_.points, {});
            if (!lloyd) return std::move(lloyd).error();
            workers_.push_back({*std::move(lloyd), std::vector<std::uint8_t>(sample_.rows * together),
                                std::vector<float>(together * options_.points * sample_.dim)});
        }
        points_.resize(options_.parts * options_.points * width_);
        products_.resize(sample_.dim, sample_.dim);
        return {};
    }
    [[nodiscard]] Result<LinearMap> as_map() const {
        const RowMajor rows = rotation_;
        const std::vector<float> values(rows.data(), rows.data() + rows.size());
        return LinearMap::create(sample_.dim, sample_.dim, values);
    }
    [[nodiscard]] std::span<float> points_of(std::size_t part) noexcept {
        return std::span(points_).subspan(part * options_.points * width_, options_.points * width_);
    }

    /// The points of each part for rows as they are turned; what remains of the rows. And `products_`: of what rows are
    /// then coded to with what they were, for the next rotation.
    Result<double> train_points(unsigned turn) {
        std::vector<double> errors(options_.parts);
        const std::size_t groups = (options_.parts + together - 1) / together;
        std::vector<Status> failed(groups);
        std::atomic<bool> no_memory{false};
        parallel_for(options_.threads, groups, 1, [&](std::size_t from, std::size_t to, unsigned worker) {
            try {  // out of a thread no exception finds its way
                for (std::size_t group = from; group < to && failed[group]; ++group) {
                    const std::size_t first = group * together;
                    const std::size_t last = std::min(first + together, options_.parts);
                    for (std::size_t part = first; part < last && failed[group]; ++part) {
                        failed[group] = train_part(workers_[worker], part, turn, errors[part]);
                    }
                    if (failed[group]) add_products(workers_[worker], first, last);
                }
            } catch (const std::bad_alloc&) {
                no_memory = true;
            }
        });
        if (no_memory) throw std::bad_alloc();
        for (const Status& status : failed) {
            if (!status) return status;
        }
        return std::accumulate(errors.begin(), errors.end(), 0.0);
    }

    Status train_part(Worker& worker, std::size_t part, unsigned turn, double& error) {
        const MatrixView rows = turned_.columns(part * width_, width_);
        const std::span<float> points = points_of(part);
        const std::uint64_t seed = hash(hash(options_.seed, turn), part);
        if (turn == 0) {
            KMeansOptions training;
            training.clusters = options_.points;
            training.iterations = first_iterations;
            training.seed = seed;
            auto begun = kmeans(rows, training);
            if (!begun) return std::move(begun).error();
            std::memcpy(points.data(), begun->values.data(), points.size_bytes());
        }
        worker.lloyd.run(FloatRows(rows), points, later_iterations, seed, {});
        error = worker.lloyd.inertia(FloatRows(rows), points);
        for (std::size_t point = 0; point < options_.points; ++point) {
            for (const RowId row : worker.lloyd.cell(point)) {
                worker.codes[row * together + part % together] = static_cast<std::uint8_t>(point);
            }
        }
        return {};
    }

    /// Rows of `products_` that belong to parts [first, last): the sum of code row^T over rows, by codes.
    void add_products(Worker& worker, std::size_t first, std::size_t last) noexcept {
        using Values = Eigen::Map<Eigen::ArrayXf>;
        const auto dim = static_cast<Eigen::Index>(sample_.dim);
        std::fill(worker.sums.begin(), worker.sums.end(), 0.0F);
        const auto sums = [&](std::size_t place, std::size_t point) {
            return Values(worker.sums.data() + (place * options_.points + point) * sample_.dim, dim);
        };
        for (std::size_t row = 0; row < sample_.rows; ++row) {
            const Eigen::Map<const Eigen::ArrayXf> values(sample_.row(row), dim);
            for (std::size_t place = 0; place < last - first; ++place) {
                sums(place, worker.codes[row * together + place]) += values;
            }
        }
        for (std::size_t place = 0; place < last - first; ++place) {
            const float* const points = points_of(first + place).data();
            for (std::size_t j = 0; j < width_; ++j) {
                auto out = products_.row(static_cast<Eigen::Index>((first + place) * width_ + j));
                out.setZero();
                for (std::size_t point = 0; point < options_.points; ++point) {
                    const auto value = static_cast<double>(points[point * width_ + j]);
                    out += value * sums(place, point).cast<double>().matrix().transpose();
                }
            }
        }
    }

    /// The rotation that brings rows nearest to what they are coded to: with sum of code row^T = U S V^T it is U V^T, the sum's
    /// orthogonal factor, which Newton's iteration finds (Higham 1986, "Computing the polar decomposition"). Directions along
    /// which nothing is coded are free: a little of the rotation so far keeps them as they are.
    void fit_rotation() {
        const double scale = products_.norm() / std::sqrt(static_cast<double>(products_.rows()));
        if (!(scale > 0)) return;
        constexpr double kept = 1e-9;
        constexpr unsigned most = 50;  // about ten are needed
        Matrix fitted = products_ / scale + kept * rotation_;
        for (unsigned i = 0; i < most; ++i) {
            const Matrix inverse = fitted.inverse().transpose();
            const double stretch = std::sqrt(inverse.norm() / fitted.norm());
            const Matrix next = 0.5 * (stretch * fitted + inverse / stretch);
            if (!next.allFinite()) return;
            const double moved = (next - fitted).norm();
            fitted = next;
            if (moved <= 1e-12 * fitted.norm()) break;
        }
        rotation_ = std::move(fitted);
    }

    const Sample& sample_;
    OpqOptions options_;
    std::size_t width_;
    Matrix rotation_;  // of the sample's rows
    Sample turned_;
    std::vector<Worker> workers_;
    std::vector<float> points_;  // parts x points x width
    RowMajor products_;
};

Status check(const OpqOptions& options) {
    const auto refused = [](const std::string& expected, std::size_t got) {
        return Error{ErrorCode::invalid_argument, "OPQ: expected " + expected + ", got " + std::to_string(got)};
    };
    if (options.parts == 0 || options.out % options.parts != 0) {
        return refused("parts that divide " + std::to_string(options.out) + " dimensions", options.parts);
    }
    if (options.points < 2 || options.points > most_points) return refused("2 to 256 points a part", options.points);
    return {};
}

/// `rotation` behind `first`, if there is one: rows of the matrix are taken together.
std::vector<float> composed(const Matrix& rotation, const std::optional<LinearMap>& first) {
    RowMajor matrix = rotation;
    if (first) {
        const Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> before(
            first->matrix().data(), static_cast<Eigen::Index>(first->out_dim()),
            static_cast<Eigen::Index>(first->in_dim()));
        matrix = rotation * before.cast<double>();
    }
    return {matrix.data(), matrix.data() + matrix.size()};
}

}  // namespace

Result<LinearMap> opq(MatrixView sample, const OpqOptions& options) {
    try {
        if (Status s = check_sample(sample, options.out, options.threads); !s) return s;
        if (Status s = check(options); !s) return s;
        std::optional<LinearMap> first;  // the first directions, of which there are fewer
        auto kept = Sample::of(sample.rows(), options.out);
        if (!kept) return std::move(kept).error();
        if (options.out < sample.dim()) {
            auto directions = pca(sample, {options.out, options.centred, options.threads});
            if (!directions) return directions;
            first = *std::move(directions);
            map_rows(*first, sample, *kept, options.threads);
        } else {
            for (std::size_t i = 0; i < sample.rows(); ++i) {
                std::memcpy(kept->row(i), sample.row_data(i), sample.row(i).bytes());
            }
        }
        std::vector<float> middle;
        if (first) {
            middle.assign(first->middle().begin(), first->middle().end());
        } else if (options.centred) {
            const std::vector<double> mean = mean_of(*kept);
            middle.assign(mean.begin(), mean.end());
        }
        Matrix rotation = Matrix::Identity(options.out, options.out);
        if (standardize(*kept)) {
            const auto basis = eigen_basis(kept->view(), true, options.threads);
            if (!basis) return basis.error();
            const auto order = deal_out(basis->values, options.parts);
            const Eigen::Map<const RowMajor> directions(basis->vectors.data(), rotation.rows(), rotation.cols());
            for (Eigen::Index i = 0; i < rotation.rows(); ++i) {
                rotation.row(i) = directions.row(static_cast<Eigen::Index>(order[static_cast<std::size_t>(i)]));
            }
            if (sample.rows() > options.points) {
                auto fitted = Turns(*kept, options, std::move(rotation)).run();
                if (!fitted) return std::move(fitted).error();
                rotation = *std::move(fitted);
            }
        }
        return LinearMap::create(sample.dim(), options.out, composed(rotation, first), middle);
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::out_of_memory, "no memory to train OPQ on " + std::to_string(sample.rows()) +
                                                   " rows of " + std::to_string(sample.dim()) + " dimensions"};
    }
}

}  // namespace tonari::train
