#include <tonari/index/build_rows.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include <tonari/codec/narrowed.hpp>
#include <tonari/core/top_k.hpp>
#include <tonari/index/stored_rows.hpp>
#include <tonari/simd/kernels.hpp>
#include <tonari/train/rounding.hpp>

namespace tonari {
namespace {

constexpr std::size_t grain = 1024;  // rows handed to a thread at a time

/// The rows as float32 points for L2 (under L1: L1).
class Points {
public:
    Points(const Flat<AnyMetric>& stored, MatrixView rows, std::span<const RowId> source, const Threads& threads)
        : stored_(stored), metric_(stored.metric_kind()), rows_(rows), source_(source) {
        if (metric_ == MetricKind::inner_product) lengthen(threads);
        const Dim lines = std::min((dim() + cache_line - 1) / cache_line * cache_line, max_dim);
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

    static constexpr Dim cache_line = 64;
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
std::function<float(float)> rounding_error(float scale, MetricKind metric, Dim dim) {
    const float off = 1 / (scale * std::sqrt(6.0F));
    if (metric == MetricKind::l2) return [off](float distance) { return 2 * off * std::sqrt(distance); };
    if (metric == MetricKind::cosine) {  // half of |a - b|^2 at length 1
        return [off](float distance) { return off * std::sqrt(2 * std::max(distance, 0.0F)); };
    }
    if (metric == MetricKind::l1) {
        return [off, dim](float /*distance*/) { return off * std::sqrt(static_cast<float>(dim)); };
    }
    return {};
}

/// Whether the rounded rows still tell near from far. Of the 10 rows nearest to a sampled one, the rounded rows must find
/// 0.8 on average, and half for every one: a far-off row, or a dense cloud of a few, is nothing to the average.
/// The exact distance is asked for no more than the `near` first, which is enough to see that rounding cannot order them.
class Check {
public:
    Check(const Points& points, const Flat<AnyMetric>& codec, const std::byte* codes)
        : points_(points), codec_(codec), codes_(codes), query_(points.dim()), row_(points.dim()) {}

    /// The only call that allocates.
    void reserve() { found_.reset(near + 1); }
    /// The share that is found for one row.
    double share(std::size_t vertex) noexcept {
        nearest_by_codes(vertex);
        points_.write(vertex, query_.data());
        std::array<double, near> exact;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        std::size_t others = 0;
        for (const OrderedKey key : found_.sort()) {
            if (row_of(key) != vertex && others < near) exact[others++] = distance(row_of(key));
        }
        const std::size_t wanted = std::min(nearest, others);
        if (wanted == 0) return 1;
        std::array<double, near> sorted = exact;
        std::sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(others));
        const auto in = std::count_if(exact.begin(), exact.begin() + static_cast<std::ptrdiff_t>(wanted),
                                      [&](double distance) { return distance <= sorted[wanted - 1]; });
        return static_cast<double>(in) / static_cast<double>(wanted);
    }

    static bool passed(std::span<const double> shares) noexcept {
        double sum = 0;
        for (const double share : shares) sum += share;
        return sum >= 0.8 * static_cast<double>(shares.size()) &&
               std::all_of(shares.begin(), shares.end(), [](double share) { return share >= 0.5; });
    }

private:
    static constexpr std::size_t nearest = 10;
    static constexpr std::size_t near = 40;

    void nearest_by_codes(std::size_t vertex) noexcept {
        auto scorer = codec_.scorer();
        scorer.set_query(codes_ + vertex * codec_.code_size());
        found_.reset(near + 1);
        for (std::size_t at = 0; at < points_.size(); at += max_batch) {
            offer_block(
                scorer,
                {codes_ + at * codec_.code_size(), codec_.code_size(), std::min(max_batch, points_.size() - at)},
                static_cast<RowId>(at), found_, survivors_);
        }
    }
    double distance(RowId vertex) noexcept {
        points_.write(vertex, row_.data());
        double sum = 0;
        for (std::size_t j = 0; j < row_.size(); ++j) {
            const double apart = std::abs(static_cast<double>(query_[j]) - row_[j]);
            sum += points_.metric() == MetricKind::l1 ? apart : apart * apart;
        }
        return sum;
    }

    const Points& points_;
    const Flat<AnyMetric>& codec_;
    const std::byte* codes_;
    std::vector<float> query_;
    std::vector<float> row_;
    TopK found_;
    Survivors survivors_;
};

bool good_enough(const Points& points, const BuildRows& rounded, std::span<const RowId> sample, const Threads& threads,
                 const ProgressFunction& progress) {
    constexpr std::size_t slice = 32;  // progress is told between two of them
    std::vector<Check> checks(resolve_threads(threads), Check(points, rounded.codec, rounded.codes.data()));
    for (Check& check : checks) check.reserve();
    std::vector<double> shares(sample.size());
    for (std::size_t start = 0; start < sample.size(); start += slice) {
        const std::size_t count = std::min(slice, sample.size() - start);
        parallel_for(threads, count, 1, [&](std::size_t first, std::size_t last, unsigned worker) {
            for (std::size_t i = start + first; i < start + last; ++i) shares[i] = checks[worker].share(sample[i]);
        });
        if (progress) progress(start + count, sample.size());
    }
    return Check::passed(shares);
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
    return BuildRows{std::move(codec), *std::move(codes), as_stored, {}};
}

bool has_floats(const Flat<AnyMetric>& stored) noexcept {
    return stored.element() != Element::bits && stored.element() != Element::int8 && stored.element() != Element::uint8;
}
/// Under inner product there are rows to be made equally long.
bool is_lengthened(const Flat<AnyMetric>& stored) noexcept {
    return stored.metric_kind() == MetricKind::inner_product && stored.dim() < max_dim;
}

}  // namespace

bool builds_as_stored(const Flat<AnyMetric>& stored) noexcept { return !has_floats(stored) && !is_lengthened(stored); }

Result<BuildRows> build_rows(const Flat<AnyMetric>& stored, MatrixView rows, std::span<const RowId> source,
                             std::span<const RowId> sample, const Threads& threads, const ProgressFunction& progress) {
    const MetricKind metric = stored.metric_kind();
    const bool product = is_lengthened(stored);
    if (!builds_as_stored(stored)) {
        const Points points(stored, rows, source, threads);
        if (const train::Rounding rounding = round_points(points); rounding.usable()) {
            auto rounded = encode(*Flat<AnyMetric>::create(Element::int8, points.dim(), AnyMetric(points.metric())),
                                  source.size(), threads, false, [&](std::size_t i, std::byte* code, float* room) {
                                      points.write(i, room);
                                      train::round_to_int8({room, points.dim()}, rounding.middle.data(), rounding.scale,
                                                           reinterpret_cast<std::int8_t*>(code));
                                  });
            if (!rounded) return rounded;
            if (good_enough(points, *rounded, sample, threads, progress)) {
                rounded->error = rounding_error(rounding.scale, metric, rows.dim());
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
    return encode(stored, source.size(), threads, true, [&](std::size_t i, std::byte* code, float* /*room*/) {
        stored.encode(rows.row(source[i]), {}, {code, stored.code_size()});
    });
}

}  // namespace tonari
