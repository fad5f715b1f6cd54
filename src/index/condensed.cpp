#include "index/condensed.hpp"

#include <algorithm>
#include <utility>

#include <tonari/core/cache_line.hpp>
#include <tonari/simd/kernels.hpp>
#include <tonari/train/linear_map.hpp>
#include <tonari/train/rounding.hpp>

namespace tonari {
namespace {

using train::LinearMap;
using Write = std::function<void(std::size_t point, float* out)>;

constexpr Dim least_dim = 256;
constexpr Dim line = cache_line;  // values of a byte
constexpr double kept = 0.9;
constexpr std::size_t tile = LinearMap::most_rows;

float square(const float* values, Dim count) noexcept { return simd::kernels().squared_norm[0](values, count); }

/// Points [first, last) less their middle in `wide`, and what the map makes of them in `out`.
void map_points(const LinearMap& map, const Write& write, std::size_t first, std::size_t last, float* wide,
                float* out) {
    for (std::size_t i = first; i < last; ++i) write(i, wide + (i - first) * map.in_dim());
    map.apply(wide, last - first, out);
}

/// How many of the first directions keep enough of the first `count` points; 0 if all of them together do not.
Dim fewest(const LinearMap& map, std::size_t count, const Write& write) {
    std::vector<float> wide(tile * map.in_dim());
    std::vector<float> mapped(tile * map.out_dim());
    std::vector<double> of(map.out_dim());  // by direction, the sum of squares
    double all = 0;
    for (std::size_t first = 0; first < count; first += tile) {
        const std::size_t last = std::min(first + tile, count);
        map_points(map, write, first, last, wide.data(), mapped.data());
        for (std::size_t i = 0; i < last - first; ++i) {
            all += static_cast<double>(square(wide.data() + i * map.in_dim(), map.in_dim()));
            for (std::size_t d = 0; d < of.size(); ++d) {
                const auto value = static_cast<double>(mapped[i * of.size() + d]);
                of[d] += value * value;
            }
        }
    }
    double sum = 0;
    for (std::size_t d = 0; d < of.size(); ++d) {
        sum += of[d];
        if ((d + 1) % line == 0 && sum >= kept * all) return static_cast<Dim>(d + 1);
    }
    return 0;
}

/// None if too many directions are needed.
Result<std::optional<LinearMap>> train_map(std::size_t count, Dim dim, const Threads& threads, const Write& write) {
    const std::size_t some = std::min(count, std::max<std::size_t>(4096, 2 * std::size_t{dim}));
    std::vector<float> sample(some * dim);
    parallel_for(threads, some, tile, [&](std::size_t first, std::size_t last, unsigned) {
        for (std::size_t i = first; i < last; ++i) write(i, sample.data() + i * dim);
    });
    const Dim most = dim / 3 / line * line;
    auto directions = train::pca(MatrixView(sample.data(), some, dim), {most, true, threads});
    if (!directions && directions.error().code == ErrorCode::out_of_memory) return std::move(directions).error();
    if (!directions) return std::optional<LinearMap>();  // values too large to square: the build does without
    const Dim out = fewest(*directions, std::min<std::size_t>(some, 1024), write);
    if (out == 0) return std::optional<LinearMap>();
    auto first = LinearMap::create(dim, out, directions->matrix().first(std::size_t{out} * dim), directions->middle());
    if (!first) return std::move(first).error();
    constexpr std::uint64_t seed = 1;
    auto turned = train::turned(*first, seed, threads);
    if (!turned) return std::move(turned).error();
    return std::optional<LinearMap>(*std::move(turned));
}

}  // namespace

bool may_condense(std::size_t count, Dim dim) noexcept {
    constexpr std::size_t worth = 25;  // from one set: at 60,000 x 784 the directions took a fifth of what they saved
    return dim >= least_dim && dim <= train::max_map_dim && count >= std::size_t{dim} * dim / worth;
}

Result<std::optional<CondensedPoints>> condense(std::size_t count, Dim dim, const Threads& threads,
                                                const Write& write) {
    auto trained = train_map(count, dim, threads, write);
    if (!trained) return std::move(trained).error();
    if (!*trained) return std::optional<CondensedPoints>();
    const LinearMap& map = **trained;
    const Dim out = map.out_dim();

    struct Worker {
        std::vector<float> wide;
        std::vector<float> mapped;
    };
    std::vector<Worker> workers(resolve_threads(threads),
                                {std::vector<float>(tile * dim), std::vector<float>(tile * out)});
    constexpr std::size_t looked_at = 4096;
    const train::Rounding rounding = train::train_rounding(
        std::min(count, looked_at), out, train::Middle::zero,
        [&](std::size_t i, float* to) { map_points(map, write, i, i + 1, workers[0].wide.data(), to); });
    if (!rounding.usable()) return std::optional<CondensedPoints>();

    auto codec = Flat<AnyMetric>::create(Element::int8, out, AnyMetric(MetricKind::l2));
    if (!codec) return std::move(codec).error();
    auto codes = AlignedBuffer::allocate(count * codec->code_size());
    if (!codes) return std::move(codes).error();
    std::vector<float> left_out(count);
    parallel_for(threads, count, tile, [&](std::size_t first, std::size_t last, unsigned at) {
        Worker& worker = workers[at];
        map_points(map, write, first, last, worker.wide.data(), worker.mapped.data());
        for (std::size_t i = first; i < last; ++i) {
            const float* const mapped = worker.mapped.data() + (i - first) * out;
            left_out[i] = std::max(square(worker.wide.data() + (i - first) * dim, dim) - square(mapped, out), 0.0F);
            train::round_to_int8({mapped, out}, nullptr, rounding.scale,
                                 reinterpret_cast<std::int8_t*>(codes->data() + i * codec->code_size()));
        }
    });
    return std::optional<CondensedPoints>(CondensedPoints{*std::move(codec), *std::move(codes), std::move(left_out)});
}

}  // namespace tonari
