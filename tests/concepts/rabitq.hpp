// The archetype of a codec that bounds its error: one bit a dimension, in the manner of RaBitQ (Gao, Long, 2024), with
// the bound that always holds instead of the one that holds nearly always.
//
// A row r = centroid + |r'| o is stored as the signs of o, |r'| and f = <o, x>, where x = signs / sqrt(dim). For a query q'
// (relative to the centroid, too):  <o, q'> = f <x, q'> +- sqrt(1 - f^2) sqrt(|q'|^2 - <x, q'>^2).
#pragma once

#include <cmath>
#include <cstring>
#include <vector>

#include <tonari/codec/scorer.hpp>
#include <tonari/io/section_writer.hpp>

namespace tonari::test {

class BoundedBits {
public:
    static constexpr CodecKind kind = CodecKind::user;
    using Row = VectorView<float>;

    explicit BoundedBits(Dim dim) : dim_(dim) {}
    [[nodiscard]] Dim dim() const noexcept { return dim_; }
    [[nodiscard]] std::size_t code_size() const noexcept {
        return 2 * sizeof(float) + std::size_t{(dim_ + 31) / 32} * 4;
    }

    void encode(VectorView<float> row, Origin origin, std::span<std::byte> code) const noexcept {
        double square = 0;
        double absolute = 0;
        std::fill(code.begin(), code.end(), std::byte{0});
        for (Dim i = 0; i < dim_; ++i) {
            const double r = double{row[i]} - (origin.centroid != nullptr ? origin.centroid[i] : 0.0F);
            square += r * r;
            absolute += std::abs(r);
            if (r > 0) code[8 + i / 8] |= std::byte{1} << (i % 8);
        }
        const auto norm = static_cast<float>(std::sqrt(square));
        const auto along = static_cast<float>(square > 0 ? absolute / std::sqrt(square * dim_) : 1.0);
        std::memcpy(code.data(), &norm, 4);
        std::memcpy(code.data() + 4, &along, 4);
    }
    void decode(std::span<const std::byte> code, Origin origin, std::span<float> out) const noexcept {
        const float step = value(code.data(), 0) * value(code.data(), 1) / std::sqrt(static_cast<float>(dim_));
        for (Dim i = 0; i < dim_; ++i) {
            out[i] = sign(code.data(), i) * step + (origin.centroid != nullptr ? origin.centroid[i] : 0.0F);
        }
    }
    Status save(SectionWriter& writer) const { return writer.add_record("bounded_bits", 1, dim_); }
    static Result<BoundedBits> open(const SectionReader& reader) {
        auto dim = reader.record<Dim>("bounded_bits", 1);
        if (!dim) return std::move(dim).error();
        return BoundedBits(*dim);
    }

    static float value(const std::byte* code, std::size_t i) noexcept {
        float out = 0;
        std::memcpy(&out, code + 4 * i, 4);
        return out;
    }
    static float sign(const std::byte* code, Dim i) noexcept {
        return (std::to_integer<unsigned>(code[8 + i / 8]) >> (i % 8) & 1U) != 0 ? 1.0F : -1.0F;
    }

private:
    Dim dim_;
};
static_assert(Codec<BoundedBits>);

/// Squared L2, with `lower` beside the estimate.
class BoundedBitsScorer {
public:
    static constexpr bool bounded = true;

    explicit BoundedBitsScorer(VectorView<float> query) : query_(query), relative_(query.begin(), query.end()) {
        enter({});
    }

    void enter(Origin origin) noexcept {
        square_ = 0;
        for (std::size_t i = 0; i < query_.size(); ++i) {
            relative_[i] = query_[i] - (origin.centroid != nullptr ? origin.centroid[i] : 0.0F);
            square_ += double{relative_[i]} * relative_[i];
        }
    }
    void gather(std::span<const std::byte* const> codes, float bound, Survivors& out) noexcept {
        for (std::size_t i = 0; i < codes.size(); ++i) keep(i, codes[i], bound, out);
    }
    void scan(const CodeBlock& block, float bound, Survivors& out) noexcept {
        for (std::size_t i = 0; i < block.count; ++i) keep(i, block.first + i * block.stride, bound, out);
    }

private:
    void keep(std::size_t i, const std::byte* code, float bound, Survivors& out) const noexcept {
        double along_query = 0;
        for (std::size_t d = 0; d < relative_.size(); ++d)
            along_query += BoundedBits::sign(code, static_cast<Dim>(d)) * relative_[d];
        along_query /= std::sqrt(static_cast<double>(relative_.size()));
        const double norm = BoundedBits::value(code, 0);
        const double f = std::min(1.0, double{BoundedBits::value(code, 1)});
        const double estimate = norm * norm + square_ - 2 * norm * f * along_query;
        const double error =
            2 * norm * std::sqrt(1 - f * f) * std::sqrt(std::max(0.0, square_ - along_query * along_query));
        const double rounding = 1e-5 * (norm * norm + square_);
        const auto lower = static_cast<float>(std::max(0.0, estimate - error - rounding));
        if (!(lower < bound)) return;  // what cannot beat the bound does not come out
        out.index[out.count] = static_cast<std::uint32_t>(i);
        out.estimate[out.count] = static_cast<float>(std::max(estimate, double{lower}));
        out.lower[out.count++] = lower;
    }

    VectorView<float> query_;
    std::vector<float> relative_;
    double square_ = 0;
};
static_assert(Scorer<BoundedBitsScorer>);

}  // namespace tonari::test
