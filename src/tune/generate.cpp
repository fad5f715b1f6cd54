// The generator of clustered rows. Numbers are integers held in doubles (see the header): `one` below is the integer
// that stands for a deviation of 1 along a direction before its length is divided out at the end.
#include <tonari/tune/generate.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include <tonari/core/random.hpp>
#include <tonari/io/checksum.hpp>

namespace tonari::tune {
namespace {

// What a hash is for. Streams never meet: each number is hash(hash(seed, purpose), index).
enum class Stream : std::uint64_t { shared_direction = 1, cluster, base_row, query_row };

// Shape of the data. Found by measuring (the ranges that describe.hpp checks), not derived.
constexpr std::size_t shared_axes = 24;
constexpr double centre_spread = 0.4;
constexpr double noise_length = 0.6;  // of the whole vector, so that wide rows are no noisier than narrow ones
constexpr std::size_t least_axes = 14;
constexpr std::size_t axes_range = 9;  // 14 ... 22
constexpr std::size_t rows_per_cluster = 250;

/// Near-normal integers: sums of uniform 16-bit numbers (Irwin-Hall), mean 0 after the centring.
double sum_of_four(std::uint64_t bits) noexcept {
    const auto sum =
        static_cast<std::int64_t>((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48));
    return static_cast<double>(sum - 131'070);  // 4 * 65535 / 2
}
constexpr double deviation_of_four = 37'837;  // 65536 * sqrt(4 / 12)

/// A coefficient: 14 bits and a sign, deviation `coefficient_one`.
std::int64_t coefficient(std::uint64_t stream, std::uint64_t index) noexcept {
    const double sum = sum_of_four(hash(stream, 2 * index)) + sum_of_four(hash(stream, 2 * index + 1));
    return static_cast<std::int64_t>(sum) / 16;
}
constexpr double coefficient_one = 3344;  // 37837 * sqrt(2) / 16

/// An entry of a direction: 12 bits and a sign, deviation `entry_one`.
double entry(std::uint64_t stream, std::uint64_t index) noexcept {
    const std::int64_t rounded = static_cast<std::int64_t>(sum_of_four(hash(stream, index))) / 32;
    return static_cast<double>(rounded);
}
constexpr double entry_one = 1182;  // 37837 / 32

/// A weight in units of 1 / 1024.
std::int64_t weight(double value) noexcept { return static_cast<std::int64_t>(value * 1024); }

std::uint64_t stream_of(std::uint64_t seed, Stream purpose) noexcept {
    return hash(seed, static_cast<std::uint64_t>(purpose));
}

/// What all clusters share.
class Model {
public:
    explicit Model(const GenerateOptions& options, std::size_t clusters)
        : seed_(options.seed), dim_(options.dim), shared_(shared_axes * options.dim), upto_(clusters) {
        const std::uint64_t stream = stream_of(seed_, Stream::shared_direction);
        for (std::size_t i = 0; i < shared_.size(); ++i) shared_[i] = entry(stream, i);
        // Sizes fall like (rank + 10)^-3/4: a few large clusters, a long tail. Cluster numbers carry no order, so
        // they need no shuffling.
        std::uint64_t sum = 0;
        for (std::size_t c = 0; c < clusters; ++c) {
            const double root = std::sqrt(static_cast<double>(c + 10));
            sum += static_cast<std::uint64_t>(0x1.0p40 / (root * std::sqrt(root)));
            upto_[c] = sum;
        }
        const double root_dim = std::sqrt(static_cast<double>(dim_));
        scale_ = 1 / (coefficient_one * entry_one * root_dim);
        noise_ = std::floor(noise_length * coefficient_one * entry_one / deviation_of_four);
    }

    [[nodiscard]] std::uint32_t cluster_of(std::uint64_t row_stream) const noexcept {
        const std::uint64_t at = hash(row_stream, 0) % upto_.back();  // bias below 2^-16: of no matter here
        return static_cast<std::uint32_t>(std::upper_bound(upto_.begin(), upto_.end(), at) - upto_.begin());
    }
    [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
    [[nodiscard]] std::size_t dim() const noexcept { return dim_; }
    [[nodiscard]] const double* shared(std::size_t axis) const noexcept { return shared_.data() + axis * dim_; }
    [[nodiscard]] double noise() const noexcept { return noise_; }
    [[nodiscard]] double shorten() const noexcept { return shorten_; }
    [[nodiscard]] double scale() const noexcept { return scale_; }

private:
    std::uint64_t seed_;
    std::size_t dim_;
    std::vector<double> shared_;       // shared_axes x dim
    std::vector<std::uint64_t> upto_;  // running sum of the clusters' sizes
    double noise_ = 0;
    double shorten_ = 1 / (coefficient_one * std::sqrt(static_cast<double>(shared_axes)));
    double scale_ = 0;
};

/// One cluster, written out: its centre, its directions and how far rows spread along each.
class Cluster {
public:
    void become(const Model& model, std::uint32_t number) {
        const std::size_t dim = model.dim();
        const std::uint64_t stream = hash(stream_of(model.seed(), Stream::cluster), number);
        centre_.assign(dim, 0.0);
        for (std::size_t axis = 0; axis < shared_axes; ++axis) {
            const std::int64_t spread = weight(centre_spread / std::sqrt(static_cast<double>(axis + 1)));
            const std::int64_t rounded = coefficient(hash(stream, 1), axis) * spread / 1024;
            add(centre_.data(), static_cast<double>(rounded), model.shared(axis), dim);
        }
        weights_.resize(least_axes + hash(stream, 2) % axes_range);
        directions_.assign(weights_.size() * dim, 0.0);
        for (std::size_t axis = 0; axis < weights_.size(); ++axis) {
            const std::uint64_t vary = 717 + hash(hash(stream, 3), axis) % 615;  // 0.7 to 1.3
            weights_[axis] = weight(static_cast<double>(vary) / 1024 / std::sqrt(static_cast<double>(axis + 1)));
        }
        for (std::size_t axis = 0; axis < weights_.size(); ++axis) {
            double* direction = directions_.data() + axis * dim;
            for (std::size_t part = 0; part < shared_axes; ++part) {
                const std::int64_t share = coefficient(hash(stream, 4), axis * shared_axes + part);
                add(direction, static_cast<double>(share), model.shared(part), dim);
            }
            // Back to the length of a shared direction, and to an integer of few bits.
            for (std::size_t i = 0; i < dim; ++i) direction[i] = std::floor(direction[i] * model.shorten());
        }
    }

    /// `sums`: scratch of dim doubles.
    void draw(const Model& model, std::uint64_t row_stream, bool unit_norm, double* sums, float* out) const noexcept {
        const std::size_t dim = model.dim();
        const std::uint64_t noise_stream = hash(row_stream, 1);
        const std::uint64_t place_stream = hash(row_stream, 2);
        for (std::size_t i = 0; i < dim; ++i) sums[i] = centre_[i] + model.noise() * sum_of_four(hash(noise_stream, i));
        for (std::size_t axis = 0; axis < weights_.size(); ++axis) {
            const std::int64_t along = coefficient(place_stream, axis) * weights_[axis] / 1024;
            add(sums, static_cast<double>(along), directions_.data() + axis * dim, dim);
        }
        for (std::size_t i = 0; i < dim; ++i) out[i] = static_cast<float>(sums[i] * model.scale());
        if (unit_norm) {
            double square = 0;  // a float's square is exact in a double: fused or not, the sum is the same
            for (std::size_t i = 0; i < dim; ++i) square += double{out[i]} * out[i];
            const double inverse = square > 0 ? 1 / std::sqrt(square) : 0;
            for (std::size_t i = 0; i < dim; ++i) out[i] = static_cast<float>(out[i] * inverse);
        }
    }

private:
    static void add(double* sums, double factor, const double* direction, std::size_t dim) noexcept {
        for (std::size_t i = 0; i < dim; ++i) sums[i] += factor * direction[i];
    }
    std::vector<double> centre_;
    std::vector<std::int64_t> weights_;
    std::vector<double> directions_;  // axes x dim
};

/// Fills `out` with rows of one stream, cluster by cluster, so that a cluster is written out once and not kept.
class Filler {
public:
    Filler(const Model& model, const GenerateOptions& options, std::size_t clusters)
        : model_(model), options_(options), clusters_(clusters) {}

    std::vector<std::uint32_t> fill(Stream purpose, std::size_t count, float* out, std::size_t done_before) const {
        const std::uint64_t stream = stream_of(model_.seed(), purpose);
        std::vector<std::uint32_t> cluster(count);
        parallel_for(options_.threads, count, 4096, [&](std::size_t first, std::size_t last, unsigned) {
            for (std::size_t row = first; row < last; ++row) cluster[row] = model_.cluster_of(hash(stream, row));
        });
        std::vector<std::size_t> starts(clusters_ + 1);
        for (const std::uint32_t c : cluster) ++starts[c + 1];
        std::partial_sum(starts.begin(), starts.end(), starts.begin());
        std::vector<std::size_t> order(count);
        std::vector<std::size_t> next(starts.begin(), starts.end() - 1);
        for (std::size_t row = 0; row < count; ++row) order[next[cluster[row]]++] = row;

        const unsigned workers = resolve_threads(options_.threads);
        std::vector<Cluster> scratch(workers);
        std::vector<std::vector<double>> sums(workers, std::vector<double>(model_.dim()));
        // In slices, so that progress is reported from the calling thread.
        const std::size_t slice = std::max<std::size_t>(clusters_ / 50, 1);
        for (std::size_t from = 0; from < clusters_; from += slice) {
            const std::size_t upto = std::min(from + slice, clusters_);
            parallel_for(options_.threads, upto - from, 1, [&](std::size_t first, std::size_t last, unsigned worker) {
                for (std::size_t c = from + first; c < from + last; ++c) {
                    if (starts[c] == starts[c + 1]) continue;
                    scratch[worker].become(model_, static_cast<std::uint32_t>(c));
                    for (std::size_t at = starts[c]; at < starts[c + 1]; ++at) {
                        scratch[worker].draw(model_, hash(stream, order[at]), options_.unit_norm, sums[worker].data(),
                                             out + order[at] * model_.dim());
                    }
                }
            });
            if (options_.progress) options_.progress(done_before + starts[upto], options_.rows + options_.queries);
        }
        return cluster;
    }

private:
    const Model& model_;
    const GenerateOptions& options_;
    std::size_t clusters_;
};

Error expected(const std::string& what, std::size_t got) {
    return {ErrorCode::invalid_argument, "generate: expected " + what + ", got " + std::to_string(got)};
}

}  // namespace

std::uint64_t GeneratedRows::hash() const {
    Checksum all;
    all.update(base_bytes.span());
    all.update(query_bytes.span());
    return all.value();
}

Result<GeneratedRows> generate(const GenerateOptions& options) {
    if (options.rows == 0 || options.rows > max_rows) {
        return expected("1 to " + std::to_string(max_rows) + " rows", options.rows);
    }
    if (options.queries > max_rows)
        return expected("at most " + std::to_string(max_rows) + " queries", options.queries);
    if (options.dim == 0 || options.dim > max_dim) {
        return expected("1 to " + std::to_string(max_dim) + " dimensions", options.dim);
    }
    const std::size_t clusters =
        options.clusters != 0 ? options.clusters : std::clamp<std::size_t>(options.rows / rows_per_cluster, 20, 4000);
    if (clusters > options.rows && options.clusters != 0) {
        return expected("at most as many clusters as rows (" + std::to_string(options.rows) + ")", clusters);
    }
    Result<AlignedBuffer> base = AlignedBuffer::allocate(options.rows * row_bytes(Element::float32, options.dim));
    if (!base) return base.error();
    Result<AlignedBuffer> query = AlignedBuffer::allocate(options.queries * row_bytes(Element::float32, options.dim));
    if (!query) return query.error();

    const Model model(options, clusters);
    const Filler filler(model, options, clusters);
    GeneratedRows rows;
    rows.rows = options.rows;
    rows.queries = options.queries;
    rows.dim = options.dim;
    rows.base_cluster = filler.fill(Stream::base_row, options.rows, base->as<float>().data(), 0);
    rows.query_cluster = filler.fill(Stream::query_row, options.queries, query->as<float>().data(), options.rows);
    rows.base_bytes = std::move(*base).freeze();
    rows.query_bytes = std::move(*query).freeze();
    return rows;
}

}  // namespace tonari::tune
