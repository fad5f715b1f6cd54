#include <tonari/index/build_rows.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include <tonari/codec/narrowed.hpp>
#include <tonari/core/cache_line.hpp>
#include <tonari/simd/kernels.hpp>
#include <tonari/train/rounding.hpp>

#include "index/condensed.hpp"
#include "index/near_sample.hpp"

namespace tonari {
namespace {

constexpr std::size_t grain = 1024;  // rows handed to a thread at a time

/// The rows as float32 points for L2 (under L1: L1).
class Points {
public:
    Points(const Flat<AnyMetric>& stored, MatrixView rows, std::span<const RowId> source, const Threads& threads)
        : stored_(stored), metric_(stored.metric_kind()), rows_(rows), source_(source) {
        if (metric_ == MetricKind::inner_product) lengthen(threads);
        const Dim lines = std::min(static_cast<Dim>(whole_lines(dim())), max_dim);
        if (lines - dim() <= dim() * 3 / 10) zeros_ = lines - dim();
    }

    [[nodiscard]] std::size_t size() const noexcept { return source_.size(); }
    [[nodiscard]] Dim dim() const noexcept { return rows_.dim() + added_ + zeros_; }
    [[nodiscard]] MetricKind metric() const noexcept {
        return metric_ == MetricKind::l1 ? MetricKind::l1 : MetricKind::l2;
    }

    /// `out` takes `dim()` values.
    void write(std::size_t vertex, float* out) const noexcept {
        values(vertex, out);
        std::fill_n(out + rows_.dim() + added_, zeros_, 0.0F);
        if (metric_ == MetricKind::cosine) {
            const double length = std::sqrt(squared_length(out));
            const double factor = length > 0 ? 1 / length : 0;
            for (Dim i = 0; i < rows_.dim(); ++i) out[i] = static_cast<float>(out[i] * factor);
        } else if (metric_ == MetricKind::inner_product) {
            const double missing = std::max(0.0, longest_ - squared_length(out));
            std::fill_n(out + rows_.dim(), added_, static_cast<float>(std::sqrt(missing / added_)));
        }
    }

private:
    void values(std::size_t vertex, float* out) const noexcept {
        const RowView row = rows_.row(source_[vertex]);
        const simd::Kernels& kernels = simd::kernels();
        if (row.element() == Element::float32) {
            std::copy_n(static_cast<const float*>(row.data()), row.dim(), out);
            if (stored_.element() == Element::float32) return;
            // As stored: the graph is the same whether the rows came narrowed or were narrowed here.
            look_narrowed({out, row.dim()}, stored_.element(),
                          [&](std::size_t first, std::span<const std::uint16_t> halves) {
                              kernels.to_float32[index(stored_.element())](halves.data(), out + first, halves.size());
                              return true;
                          });
        } else {
            kernels.to_float32[index(row.element())](row.data(), out, row.dim());
        }
    }
    [[nodiscard]] double squared_length(const float* values) const noexcept {
        double sum = 0;
        for (Dim i = 0; i < rows_.dim(); ++i) sum += static_cast<double>(values[i]) * values[i];
        return sum;
    }

    /// The length that all rows are brought to is that of the longest. What a row lacks is spread over several values,
    /// because one as large as a row is long would leave few of the 8 bits to the others.
    void lengthen(const Threads& threads) {
        std::vector<double> lengths(size());
        std::vector<float> values_of(std::size_t{resolve_threads(threads)} * rows_.dim());
        parallel_for(threads, size(), grain, [&](std::size_t first, std::size_t last, unsigned worker) {
            float* row = values_of.data() + std::size_t{worker} * rows_.dim();
            for (std::size_t i = first; i < last; ++i) {
                values(i, row);
                lengths[i] = squared_length(row);
            }
        });
        longest_ = *std::max_element(lengths.begin(), lengths.end());
        const Dim enough = std::max<Dim>(rows_.dim() / 8, 1);
        added_ = std::min(enough, max_dim - rows_.dim());
    }

    static constexpr std::size_t index(Element element) noexcept { return static_cast<std::size_t>(element) - 1; }

    const Flat<AnyMetric>& stored_;
    MetricKind metric_;
    MatrixView rows_;
    std::span<const RowId> source_;
    double longest_ = 0;  // squared length of the longest row
    Dim added_ = 0;       // values behind those of a row: what it lacks
    Dim zeros_ = 0;       // behind them: 8-bit codes that fill their cache lines are fetched 3 to 6 % faster
};

/// Looks at the first points, which are random ones.
train::Rounding round_points(const Points& points) {
    constexpr std::size_t enough = std::size_t{1} << 20;  // values in all: this is one thread's work
    const std::size_t count = std::min(points.size(), std::max<std::size_t>(enough / points.dim(), 1024));
    return train::train_rounding(count, points.dim(), train::Middle::mean,
                                 [&](std::size_t i, float* out) { points.write(i, out); });
}

/// Of two values rounded each, the difference is off by a deviation of step / sqrt(6); so |a - b|^2 is off by about
/// 2 |a - b| times that, and the sum of |a_i - b_i| by sqrt(dim) times it.
VertexError rounding_error(float scale, MetricKind metric, Dim dim) {
    const float off = 1 / (scale * std::sqrt(6.0F));
    if (metric == MetricKind::l2) return [off](RowId, float distance) { return 2 * off * std::sqrt(distance); };
    if (metric == MetricKind::cosine) {  // half of |a - b|^2 at length 1
        return [off](RowId, float distance) { return off * std::sqrt(2 * std::max(distance, 0.0F)); };
    }
    if (metric == MetricKind::l1) {
        return [off, dim](RowId, float /*distance*/) { return off * std::sqrt(static_cast<float>(dim)); };
    }
    return {};
}

/// Whether rounded rows still tell near from far: of the 10 that seem nearest to a sampled one, 0.8 are among the 10 nearest on
/// average. The exact distance is asked for no more than those that `near` has, which is enough to see that rounding cannot order
/// them.
bool tells_near(const Points& points, const NearSample& near, std::span<const RowId> sample, const Threads& threads) {
    struct Worker {
        std::vector<float> from;
        std::vector<float> to;
    };
    std::vector<Worker> workers(resolve_threads(threads),
                                {std::vector<float>(points.dim()), std::vector<float>(points.dim())});
    std::vector<double> shares(near.size());
    parallel_for(threads, near.size(), 1, [&](std::size_t first, std::size_t last, unsigned worker) {
        std::vector<float>& from = workers[worker].from;
        std::vector<float>& to = workers[worker].to;
        for (std::size_t i = first; i < last; ++i) {
            points.write(sample[i], from.data());
            std::array<double, NearSample::most> exact{};
            const std::span<const RowId> rows = near.near(i);
            for (std::size_t r = 0; r < rows.size(); ++r) {
                points.write(rows[r], to.data());
                for (std::size_t j = 0; j < to.size(); ++j) {
                    const double apart = std::abs(static_cast<double>(from[j]) - static_cast<double>(to[j]));
                    exact[r] += points.metric() == MetricKind::l1 ? apart : apart * apart;
                }
            }
            const auto wanted = static_cast<std::ptrdiff_t>(std::min(NearSample::nearest, rows.size()));
            std::array<double, NearSample::most> sorted = exact;
            std::sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(rows.size()));
            const auto in = std::count_if(exact.begin(), exact.begin() + wanted, [&](double distance) {
                return distance <= sorted[static_cast<std::size_t>(wanted - 1)];
            });
            shares[i] = wanted == 0 ? 1 : static_cast<double>(in) / static_cast<double>(wanted);
        }
    });
    return passes(shares, 0.8);
}

/// Whether shorter codes find what is near: of the 10 nearest by longer ones, 0.9 are among the 40 by these on average, and 40
/// candidates or more are what a build looks at (`is_condensed`).
bool finds_near(const NearSample& near, const NearSample& by_shorter) {
    return passes(shares_found(near, by_shorter), 0.9);
}

/// Beside codes that links are chosen by, of which `near` says what is near, shorter ones to find candidates by, if points can be
/// told by so few values.
Status add_walk(BuildRows& built, const NearSample& near, const Points& points, MetricKind metric,
                std::span<const RowId> sample, const Threads& threads, const ProgressFunction& progress) {
    auto few = condense(points.size(), points.dim(), threads, [&](std::size_t i, float* out) { points.write(i, out); });
    if (!few) return std::move(few).error();
    if (!*few) return {};
    CondensedPoints& condensed = **few;
    if (!finds_near(near, NearSample::of(condensed.codec, condensed.codes.span(), sample, threads, progress)))
        return {};
    built.walk = WalkRows{std::move(condensed.codec), std::move(condensed.codes)};
    if (metric == MetricKind::inner_product) return {};  // where no row is its own nearest, none is looked for
    // Of some points far more is left out than of others: that may be all that tells them from the rest.
    constexpr float far_more = 4;
    std::vector<float> left_out = std::move(condensed.left_out);
    std::vector<float> sorted = left_out;  // the median: a mean is moved by one row far off
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    const float much = far_more * *middle;
    for (float& square : left_out) square = square > much ? (metric == MetricKind::cosine ? square / 2 : square) : 0;
    built.error = [rounded = std::move(built.error), left_out = std::move(left_out)](RowId vertex, float distance) {
        return (rounded ? rounded(vertex, distance) : 0) + left_out[vertex];
    };
    return {};
}

/// `count` codes of `codec`, each written by `write(vertex, code, room)`; `room` holds one point.
template <class Write>
Result<BuildRows> encode(Flat<AnyMetric> codec, std::size_t count, const Threads& threads, bool as_stored,
                         const Write& write) {
    auto codes = AlignedBuffer::allocate(count * codec.code_size());
    if (!codes) return std::move(codes).error();
    std::vector<std::vector<float>> rooms(resolve_threads(threads), std::vector<float>(codec.dim()));
    parallel_for(threads, count, grain, [&](std::size_t first, std::size_t last, unsigned worker) {
        for (std::size_t i = first; i < last; ++i) {
            write(i, codes->data() + i * codec.code_size(), rooms[worker].data());
        }
    });
    return BuildRows{std::move(codec), *std::move(codes), as_stored, {}, {}};
}

bool has_floats(const Flat<AnyMetric>& stored) noexcept {
    return stored.element() != Element::bits && stored.element() != Element::int8 && stored.element() != Element::uint8;
}
/// Under inner product there are rows to be made equally long.
bool is_lengthened(const Flat<AnyMetric>& stored) noexcept {
    return stored.metric_kind() == MetricKind::inner_product && stored.dim() < max_dim;
}
/// Whether rows are rounded to 8 bits a value, if a sample allows it.
bool is_rounded(const Flat<AnyMetric>& stored) noexcept { return has_floats(stored) || is_lengthened(stored); }
/// Whether a build may look for candidates by few values, if a sample allows it.
bool is_condensed(const Flat<AnyMetric>& stored, std::size_t rows, std::size_t candidates) noexcept {
    return stored.element() != Element::bits && stored.metric_kind() != MetricKind::l1 &&
           candidates >= NearSample::most && may_condense(rows, stored.dim());
}

}  // namespace

bool builds_as_stored(const Flat<AnyMetric>& stored) noexcept { return !is_rounded(stored); }

Result<BuildRows> build_rows(const Flat<AnyMetric>& stored, MatrixView rows, std::span<const RowId> source,
                             std::span<const RowId> sample, std::size_t candidates, const Threads& threads,
                             const ProgressFunction& progress) {
    const MetricKind metric = stored.metric_kind();
    const bool product = is_lengthened(stored);
    const auto encode_as_stored = [&] {
        return encode(stored, source.size(), threads, true, [&](std::size_t i, std::byte* code, float* /*room*/) {
            stored.encode(rows.row(source[i]), {}, {code, stored.code_size()});
        });
    };
    const bool condensed = is_condensed(stored, source.size(), candidates);
    if (is_rounded(stored) || condensed) {
        const Points points(stored, rows, source, threads);
        const auto part = [&](double from, double to) {
            return progress_between(progress, sample.size(), from, condensed ? to : 1);
        };
        if (!is_rounded(stored)) {
            auto as_stored = encode_as_stored();
            if (!as_stored) return as_stored;
            const auto near = NearSample::of(stored, as_stored->codes.span(), sample, threads, part(0, 0.7));
            if (Status s = add_walk(*as_stored, near, points, metric, sample, threads, part(0.7, 1)); !s) return s;
            return as_stored;
        }
        if (const train::Rounding rounding = round_points(points); rounding.usable()) {
            auto rounded = encode(*Flat<AnyMetric>::create(Element::int8, points.dim(), AnyMetric(points.metric())),
                                  source.size(), threads, false, [&](std::size_t i, std::byte* code, float* room) {
                                      points.write(i, room);
                                      train::round_to_int8({room, points.dim()}, rounding.middle.data(), rounding.scale,
                                                           reinterpret_cast<std::int8_t*>(code));
                                  });
            if (!rounded) return rounded;
            const auto near = NearSample::of(rounded->codec, rounded->codes.span(), sample, threads, part(0, 0.7));
            if (tells_near(points, near, sample, threads)) {
                rounded->error = rounding_error(rounding.scale, metric, rows.dim());
                if (!condensed) return rounded;
                if (Status s = add_walk(*rounded, near, points, metric, sample, threads, part(0.7, 1)); !s) return s;
                return rounded;
            }
        }
        if (product) {
            return encode(*Flat<AnyMetric>::create(Element::float32, points.dim(), AnyMetric(MetricKind::l2)),
                          source.size(), threads, false, [&](std::size_t i, std::byte* code, float* /*room*/) {
                              points.write(i, reinterpret_cast<float*>(code));
                          });
        }
    }
    return encode_as_stored();
}

}  // namespace tonari
