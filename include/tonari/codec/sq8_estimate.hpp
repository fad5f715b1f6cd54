// Rows rounded to 8 bits (codec/sq8.hpp) as estimates of the rows themselves: what stands before a refinement by finer codes.
// The codes are Sq8's; a scorer says how far rounding may have moved a distance besides.
//
// A value that is rounded to steps of width w moves by w / sqrt(12) on average, up or down whatever the others do. With s and t for
// what a value of a row and of a query moves by, d dimensions and an estimate e, a standard deviation of e is
//
//   l2       2 sqrt(e (s^2 + t^2)) + d (s^2 + t^2)   the second is what two equal rows seem to be apart; s = t
//   l1       sqrt(d (s^2 + t^2)) + d s / 10          the second: a difference below a step or so is rounded up more often; s = t
//   ip       sqrt(|query|^2 s^2 + reach^2 t^2), reach being the length of the longest row that was looked at
//   cosine   sqrt(s^2 + t^2) of rows and queries at length 1, s as it was on average for the rows that were looked at
//
// Values beyond the trained range are clipped. Under l2 and l1 that only brings rows nearer, and lower bounds stay such; under
// inner product a row with such values may seem farther than it is.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include <tonari/codec/sq8.hpp>

namespace tonari {

/// A prepared query is Sq8's, and behind its `error_at` bytes the two numbers that its estimates' deviation is made of.
class Sq8EstimateScorer {
public:
    static constexpr bool bounded = true;

    /// The deviation of an estimate e is `slope` sqrt(e) + `spread`.
    struct Error {
        float slope;
        float spread;
    };

    Sq8EstimateScorer() noexcept = default;
    Sq8EstimateScorer(ScaledScorer rounded, std::size_t error_at) noexcept : rounded_(rounded), error_at_(error_at) {}

    /// `query` outlives its use.
    void set_query(const void* query) noexcept {
        rounded_.set_query(query);
        std::memcpy(&error_, static_cast<const std::byte*>(query) + error_at_, sizeof error_);
    }
    /// `lower` lies so many standard deviations below the estimate. 0 until it is set: a walk goes by estimates.
    void set_deviations(float deviations) noexcept { deviations_ = deviations; }

    /// See index/offer_together.hpp.
    [[nodiscard]] const std::byte* query() const noexcept { return rounded_.query(); }
    [[nodiscard]] float estimate_of(float distance) const noexcept { return rounded_.estimate_of(distance); }
    [[nodiscard]] float kernel_limit(float bound) const noexcept { return rounded_.kernel_limit(bound); }

    /// out[i] = what the codes say of the distance.
    void distances(std::span<const std::byte* const> codes, float* out) const noexcept {
        rounded_.distances(codes, out);
    }
    void distances(const CodeBlock& block, float* out) const noexcept { rounded_.distances(block, out); }

    /// Below which the distance of a row at `estimate` hardly is.
    [[nodiscard]] float lower(float estimate) const noexcept {
        if (deviations_ == 0) return estimate;
        return estimate - deviations_ * (error_.slope * std::sqrt(std::max(estimate, 0.0F)) + error_.spread);
    }
    /// No row whose `lower` is below `bound` has an estimate of this or more.
    [[nodiscard]] float raised(float bound) const noexcept {
        if (deviations_ == 0 || bound == std::numeric_limits<float>::infinity()) return bound;
        // e - deviations (slope sqrt(e) + spread) = bound, solved for e; what float32 rounds is made up for.
        const double half = 0.5 * static_cast<double>(deviations_) * static_cast<double>(error_.slope);
        const double rest =
            static_cast<double>(bound) + static_cast<double>(deviations_) * static_cast<double>(error_.spread);
        const double inside = half * half + rest;
        double estimate = rest;
        if (half > 0) estimate = inside > 0 ? std::pow(half + std::sqrt(inside), 2) : 0;
        constexpr double most = std::numeric_limits<double>::infinity();
        return static_cast<float>(std::min(estimate + 1e-5 * std::abs(estimate) + 1e-30, most));
    }

    void enter(Origin /*codes are absolute*/) noexcept {}
    void gather(std::span<const std::byte* const> codes, float bound, Survivors& out) noexcept {
        const std::size_t first = out.count;
        rounded_.gather(codes, raised(bound), out);
        put_lower(first, out);
    }
    void scan(const CodeBlock& block, float bound, Survivors& out) noexcept {
        const std::size_t first = out.count;
        rounded_.scan(block, raised(bound), out);
        put_lower(first, out);
    }

private:
    void put_lower(std::size_t first, Survivors& out) const noexcept {
        for (std::size_t i = first; i < out.count; ++i) out.lower[i] = lower(out.estimate[i]);
    }

    ScaledScorer rounded_;
    std::size_t error_at_ = 0;
    Error error_{};
    float deviations_ = 0;
};

template <class M = AnyMetric>
class Sq8Estimate {
public:
    static constexpr CodecKind kind = CodecKind::sq8;
    using Row = RowView;
    using Scorer = Sq8EstimateScorer;
    using Params = typename Sq8<M>::Params;

    /// As `Sq8::train`; looks at some rows once more.
    static Result<Sq8Estimate> train(MatrixView rows, const Params& params) try {
        auto codes = Sq8<M>::train(rows, params);
        if (!codes) return std::move(codes).error();
        constexpr std::size_t enough = 4096;
        Sq8Estimate trained(*std::move(codes), 0);
        const MetricKind metric = trained.metric_kind();
        if (metric != MetricKind::inner_product && metric != MetricKind::cosine) return trained;
        const std::vector<RowId> some = train::sample_rows(rows.rows(), enough, params.seed);
        double longest = 0;
        double moved = 0;  // the sum of squares of what a value moves by in rows of length 1
        for (const RowId row : some) {
            const Extent extent = extent_of(rows.row(row));
            longest = std::max(longest, extent.length);
            if (extent.length > 0) moved += std::pow(step_error * extent.largest / extent.length, 2);
        }
        const double rows_looked_at = static_cast<double>(std::max<std::size_t>(some.size(), 1));
        trained.of_rows_ = as_float(metric == MetricKind::cosine ? std::sqrt(moved / rows_looked_at) : longest);
        return trained;
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::out_of_memory,
                     "no memory to train SQ8 over rows of " + std::to_string(rows.dim()) + " dimensions"};
    }

    [[nodiscard]] Dim dim() const noexcept { return codes_.dim(); }
    [[nodiscard]] Element element() const noexcept { return codes_.element(); }
    [[nodiscard]] const M& metric() const noexcept { return codes_.metric(); }
    [[nodiscard]] MetricKind metric_kind() const noexcept { return codes_.metric_kind(); }
    [[nodiscard]] std::size_t code_size() const noexcept { return codes_.code_size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return codes_.bytes(); }
    [[nodiscard]] bool accepts(Element given) const noexcept { return codes_.accepts(given); }
    [[nodiscard]] const Sq8<M>& codes() const noexcept { return codes_; }

    void encode(RowView row, Origin origin, std::span<std::byte> code) const noexcept {
        codes_.encode(row, origin, code);
    }
    void decode(std::span<const std::byte> code, Origin origin, std::span<float> out) const noexcept {
        codes_.decode(code, origin, out);
    }

    [[nodiscard]] std::size_t query_size() const noexcept { return codes_.query_size() + sizeof(Scorer::Error); }
    void prepare(RowView query, std::byte* out) const noexcept {
        codes_.prepare(query, out);
        const Scorer::Error error = error_of(query);
        std::memcpy(out + codes_.query_size(), &error, sizeof error);
    }
    [[nodiscard]] Scorer scorer() const noexcept { return {codes_.scorer(), codes_.query_size()}; }

    Status save(SectionWriter& writer) const {
        if (Status s = codes_.save(writer); !s) return s;
        return writer.add_record("sq8/error", 1, Record{of_rows_});
    }
    static Result<Sq8Estimate> open(const SectionReader& reader) {
        auto codes = Sq8<M>::open(reader);
        if (!codes) return std::move(codes).error();
        auto record = reader.record<Record>("sq8/error", 1);
        if (!record) return std::move(record).error();
        if (!(record->of_rows >= 0 && record->of_rows <= std::numeric_limits<float>::max())) {
            return reader.corrupt("sq8/error",
                                  "expected a finite number from 0 on, got " + std::to_string(record->of_rows));
        }
        return Sq8Estimate(*std::move(codes), record->of_rows);
    }

private:
    struct Record {
        float of_rows;
    };
    Sq8Estimate(Sq8<M> codes, float of_rows) noexcept : codes_(std::move(codes)), of_rows_(of_rows) {}

    /// What a value moves by, as a share of the largest magnitude, where that becomes 127.
    static constexpr double step_error = 0.28867513459481287 / train::most_rounded;

    struct Extent {
        double largest = 0;  ///< magnitude of a value
        double length = 0;
    };
    static Extent extent_of(RowView row) noexcept {
        Extent extent;
        const auto look = [&](double value) {
            extent.largest = std::max(extent.largest, std::abs(value));
            extent.length += value * value;
        };
        look_widened(row, [&](Dim /*first*/, std::span<const float> values) {
            for (const float value : values) look(static_cast<double>(value));
        });
        extent.length = std::sqrt(extent.length);
        return extent;
    }
    static float as_float(double value) noexcept {
        return static_cast<float>(std::min<double>(value, std::numeric_limits<float>::max()));
    }

    [[nodiscard]] typename Scorer::Error error_of(RowView query) const noexcept {
        const double d = dim();
        const double s = step_error * static_cast<double>(train::most_rounded) / static_cast<double>(codes_.scale());
        switch (metric_kind()) {
            case MetricKind::l2: return {as_float(2 * std::sqrt(2 * s * s)), as_float(2 * d * s * s)};
            case MetricKind::l1: return {0, as_float(std::sqrt(2 * d * s * s) + d * s / 10)};
            default: break;
        }
        const Extent extent = extent_of(query);
        const double t = step_error * extent.largest;
        if (metric_kind() == MetricKind::inner_product) {
            return {0, as_float(std::hypot(extent.length * s, static_cast<double>(of_rows_) * t))};
        }
        return {0, as_float(std::hypot(static_cast<double>(of_rows_), extent.length > 0 ? t / extent.length : 0))};
    }

    Sq8<M> codes_;
    float of_rows_;  // ip: the longest; cosine: what a value moves by at length 1; else 0
};

}  // namespace tonari
