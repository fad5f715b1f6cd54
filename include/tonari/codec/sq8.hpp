// Rows rounded to 8 bits a value: a quarter of float32's memory, compared by the integer kernels. Queries are rounded, too.
// (The "SQ8" of faiss has a scale for each dimension, which leaves the order of distances to float arithmetic.)
//
//     | int8 values: dim | zeros up to a multiple of 4 | inverse norm of the rounded row, float32: cosine only |
//
// What a value of the code stands for
//   l2, l1    middle[d] + value / scale: a middle for each dimension and one scale for all are trained
//   ip        value / scale, trained; a query has a scale of its own, at which its largest magnitude becomes 127
//   cosine    a direction: every row and every query has a scale of its own, and nothing is trained
//
// One scale for all dimensions of a row keeps the order of distances: those of rounded rows are whole numbers times a factor,
// which stands behind each prepared query. What lies beyond the trained range is clipped to its end.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <tonari/codec/codec.hpp>
#include <tonari/codec/flat.hpp>
#include <tonari/codec/scaled_scorer.hpp>
#include <tonari/codec/widened.hpp>
#include <tonari/train/rounding.hpp>
#include <tonari/train/sample.hpp>

namespace tonari {

template <class M = AnyMetric>
class Sq8 {
    static_assert(KernelMetric<M>, "a user's metric is asked of rows as they were given: take Flat");

public:
    static constexpr CodecKind kind = CodecKind::sq8;
    using Row = RowView;
    using Scorer = ScaledScorer;

    struct Params {
        M metric{};
        std::uint64_t seed = 42;  ///< which rows are looked at
    };

    /// Looks at about a million values of the rows, and at 1,024 rows at least. Errors: unsupported (hamming; rows that are
    /// not float32, float16 or bfloat16), invalid_argument (no rows or dimensions, or too many), out_of_memory.
    static Result<Sq8> train(MatrixView rows, const Params& params) try {
        if (Status s = check_rows(rows.element()); !s) return s;
        auto codes = codes_of(rows.dim(), params.metric);
        if (!codes) return std::move(codes).error();
        if (rows.empty()) return Error{ErrorCode::invalid_argument, "expected rows to train SQ8 on, got none"};
        if (kind_of(params.metric) == MetricKind::cosine) return Sq8(*std::move(codes), {}, 1);
        constexpr std::size_t enough = std::size_t{1} << 20;
        const std::vector<RowId> some =
            train::sample_rows(rows.rows(), std::max<std::size_t>(enough / rows.dim(), 1024), params.seed);
        const train::Middle middle =
            kind_of(params.metric) == MetricKind::inner_product ? train::Middle::zero : train::Middle::mean;
        train::Rounding rounding =
            train::train_rounding(some.size(), rows.dim(), middle, [&](std::size_t i, float* out) {
                look_widened(rows.row(some[i]), [out](Dim first, std::span<const float> values) {
                    std::copy(values.begin(), values.end(), out + first);
                });
            });
        if (!rounding.usable()) {  // equal rows tell nothing of how far others may lie: as far as these from 0
            float farthest = 0;
            for (const RowId row : some) farthest = std::max(farthest, largest_of(rows.row(row)));
            rounding.scale = scale_to(farthest);
        }
        return Sq8(*std::move(codes), std::move(rounding.middle), rounding.scale);
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::out_of_memory,
                     "no memory to train SQ8 over rows of " + std::to_string(rows.dim()) + " dimensions"};
    }
    /// Without rows, where there is nothing to train: under cosine. Errors: unsupported under other metrics.
    static Result<Sq8> create(Dim dim, M metric = {}) {
        auto codes = codes_of(dim, metric);
        if (!codes) return std::move(codes).error();
        if (codes->metric_kind() != MetricKind::cosine) {
            return Error{ErrorCode::unsupported, "expected rows to train SQ8 on, which metric " +
                                                     std::string(name(codes->metric_kind())) +
                                                     " needs, got none; pass the first rows with it"};
        }
        return Sq8(*std::move(codes), {}, 1);
    }

    [[nodiscard]] Dim dim() const noexcept { return codes_.dim(); }
    /// What rows and queries are expected to be made of.
    [[nodiscard]] Element element() const noexcept { return Element::float32; }
    [[nodiscard]] const M& metric() const noexcept { return codes_.metric(); }
    [[nodiscard]] MetricKind metric_kind() const noexcept { return codes_.metric_kind(); }
    [[nodiscard]] std::size_t code_size() const noexcept { return codes_.code_size(); }
    /// Of what was trained.
    [[nodiscard]] std::size_t bytes() const noexcept { return middle_.size() * sizeof(float); }
    [[nodiscard]] float scale() const noexcept { return scale_; }  ///< 1 under cosine
    /// The codes as rows of 8-bit integers, whose distances order as those of this codec do.
    [[nodiscard]] Flat<AnyMetric> erased() const noexcept { return codes_.erased(); }

    static bool takes(Element given) noexcept {
        return given == Element::float32 || given == Element::float16 || given == Element::bfloat16;
    }
    [[nodiscard]] bool accepts(Element given) const noexcept { return takes(given); }

    void encode(RowView row, Origin /*absolute*/, std::span<std::byte> code) const noexcept {
        round(row, metric_kind() == MetricKind::cosine ? scale_to(largest_of(row)) : scale_, code.data());
    }
    /// Under cosine at length 1.
    void decode(std::span<const std::byte> code, Origin /*absolute*/, std::span<float> out) const noexcept {
        codes_.decode(code, {}, out);
        double step = 1 / static_cast<double>(scale_);
        if (metric_kind() == MetricKind::cosine) {
            float inverse_norm = 0;
            std::memcpy(&inverse_norm, code.data() + code_size() - sizeof inverse_norm, sizeof inverse_norm);
            step = inverse_norm;
        }
        for (std::size_t i = 0; i < out.size(); ++i) {
            out[i] = static_cast<float>(out[i] * step + (middle_.empty() ? 0.0F : middle_[i]));
        }
    }

    /// A code and, behind it, the factor of its distances.
    [[nodiscard]] std::size_t query_size() const noexcept { return code_size() + sizeof(float); }
    /// Prepares a query of an accepted element into `out`, `query_size()` bytes.
    void prepare(RowView query, std::byte* out) const noexcept {
        float factor = factor_;
        if (metric_kind() == MetricKind::inner_product) {
            const float own = scale_to(largest_of(query));
            round(query, own, out);
            factor = factor_of(scale_, own);
        } else {
            encode(query, {}, {out, code_size()});
        }
        std::memcpy(out + code_size(), &factor, sizeof factor);
    }
    /// What a prepared query's distances of whole numbers are to be multiplied by.
    [[nodiscard]] float factor(const std::byte* prepared) const noexcept {
        float factor = 0;
        std::memcpy(&factor, prepared + code_size(), sizeof factor);
        return factor;
    }
    /// A stored row as a query, in `buffer` (`query_size()` bytes).
    [[nodiscard]] const void* as_query(const std::byte* code, std::byte* buffer) const noexcept {
        std::memcpy(buffer, code, code_size());
        std::memcpy(buffer + code_size(), &factor_, sizeof factor_);
        return buffer;
    }
    /// |row|^2 of what the code stands for; under l2 and l1 from the middle.
    [[nodiscard]] float squared_norm(const std::byte* code) const noexcept {
        return ScaledScorer::scaled(codes_.squared_norm(code), factor_of(scale_, scale_));
    }

    [[nodiscard]] Scorer scorer() const noexcept { return {codes_.scorer(), code_size()}; }

    Status save(SectionWriter& writer) const {
        const Record record{dim(), static_cast<std::uint8_t>(metric_kind()), {}, scale_};
        if (Status s = writer.add_record("sq8", 1, record); !s) return s;
        if (middle_.empty()) return {};
        return writer.add_array("sq8/middle", 1, std::span<const float>(middle_));
    }
    static Result<Sq8> open(const SectionReader& reader) {
        auto record = reader.record<Record>("sq8", 1);
        if (!record) return std::move(record).error();
        const auto stored = static_cast<MetricKind>(record->metric);
        if (stored < MetricKind::l2 || stored > MetricKind::l1) {
            return Error{ErrorCode::unsupported, "section 'sq8': expected metric 1 to 4 (l2, ip, cosine, l1), got " +
                                                     std::to_string(record->metric)};
        }
        M metric{};
        if constexpr (std::same_as<M, AnyMetric>) {
            metric = AnyMetric(stored);
        } else if (stored != M::kind) {
            return Error{ErrorCode::invalid_argument, "expected metric " + std::string(tonari::name(M::kind)) +
                                                          ", the file has " + std::string(tonari::name(stored))};
        }
        auto codes = codes_of(record->dim, metric);
        if (!codes) return reader.corrupt("sq8", codes.error().message);
        const bool cosine = stored == MetricKind::cosine;
        if (!(record->scale >= smallest_scale && record->scale <= largest) || (cosine && record->scale != 1)) {
            return reader.corrupt("sq8", "expected a scale " + std::string(cosine ? "of 1" : "from 1e-19 on") +
                                             ", got " + std::to_string(record->scale));
        }
        std::vector<float> middle;
        if (stored == MetricKind::l2 || stored == MetricKind::l1) {
            auto values = reader.array<float>("sq8/middle", record->dim);
            if (!values) return std::move(values).error();
            if (!simd::kernels().all_finite[0](values->data(), record->dim)) {
                return reader.corrupt("sq8/middle", "expected finite values, got others");
            }
            const auto floats = values->template as<float>();
            middle.assign(floats.begin(), floats.end());
        }
        return Sq8(*std::move(codes), std::move(middle), record->scale);
    }

private:
    struct Record {
        std::uint32_t dim;
        std::uint8_t metric;
        std::uint8_t reserved[3];
        float scale;
    };
    static constexpr float largest = std::numeric_limits<float>::max();
    static constexpr float smallest_scale = 1e-19F;  // below it its square, or a factor, would overflow

    Sq8(Flat<M> codes, std::vector<float> middle, float scale) noexcept
        : codes_(std::move(codes)), middle_(std::move(middle)), scale_(scale), factor_(factor_of(scale, scale)) {}

    static Status check_rows(Element element) {
        if (takes(element)) return {};
        return Error{ErrorCode::unsupported, "expected float32, float16 or bfloat16 rows to round to 8 bits, got " +
                                                 std::string(tonari::name(element))};
    }
    static Result<Flat<M>> codes_of(Dim dim, M metric) {
        return Flat<M>::create(Element::int8, dim, std::move(metric));
    }

    static float largest_of(RowView row) noexcept {
        float most = 0;
        look_widened(row, [&](Dim /*first*/, std::span<const float> values) {
            for (const float value : values) most = std::max(most, std::abs(value));
        });
        return most;
    }
    /// The scale at which `magnitude` becomes 127.
    static float scale_to(float magnitude) noexcept {
        return magnitude > 0 ? std::min(train::most_rounded / magnitude, largest) : 1;
    }
    /// From the distance of whole numbers to that of what they stand for; `scale` is the rows', `own` the query's.
    [[nodiscard]] float factor_of(float scale, float own) const noexcept {
        switch (metric_kind()) {
            case MetricKind::l1: return 1 / scale;
            case MetricKind::cosine: return 1;
            default: return static_cast<float>(1 / (static_cast<double>(scale) * own));
        }
    }
    void round(RowView row, float scale, std::byte* code) const noexcept {
        auto* const values = reinterpret_cast<std::int8_t*>(code);
        look_widened(row, [&](Dim first, std::span<const float> piece) {
            train::round_to_int8(piece, middle_.empty() ? nullptr : middle_.data() + first, scale, values + first);
        });
        codes_.complete(code);
    }

    Flat<M> codes_;
    std::vector<float> middle_;  // empty: 0 everywhere
    float scale_;
    float factor_;  // between stored rows
};

}  // namespace tonari
