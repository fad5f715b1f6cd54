// One query against codes that are relative to an origin and have bytes of their own: those of Pq and Sq4, which differ in
// what a kernel adds up alone.
#pragma once

#include <cstddef>
#include <span>

#include <tonari/codec/scorer.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/types.hpp>
#include <tonari/simd/kernels.hpp>

namespace tonari {

/// Lives as long as the query that was prepared for it:
///
///     | head, filled up to 64 bytes | table, a multiple of 4 bytes | the query, float32 | ... |
class TONARI_API RowCodeScorer {
public:
    static constexpr bool bounded = true;

    /// How a codec's rows are added up.
    struct Way {
        simd::ByteCodesGatherKernel gather = nullptr;
        simd::ByteCodesScanKernel scan = nullptr;
        std::size_t parts = 0;        ///< bytes of a row's codes
        std::size_t table_bytes = 0;  ///< of a prepared query
    };

    RowCodeScorer() noexcept = default;
    RowCodeScorer(MetricKind metric, Dim dim, const Way& way) noexcept : way_(way), metric_(metric), dim_(dim) {
        query_.parts = way.parts;
    }
    /// `query` was prepared by the codec.
    void set_query(const void* query) noexcept;
    /// `lower` lies so many standard deviations of the code's error below the estimate.
    void set_deviations(float deviations) noexcept {
        deviations_ = deviations;
        enter({});
    }
    /// Without a centroid: the codec's own middle.
    void enter(Origin origin) noexcept;

    /// out[i] is the estimate of the distance to codes[i].
    void distances(std::span<const std::byte* const> codes, float* out) const noexcept;
    void distances(const CodeBlock& block, float* out) const noexcept;
    /// Those whose `lower` is below the bound.
    void gather(std::span<const std::byte* const> codes, float bound, Survivors& out) const noexcept;
    void scan(const CodeBlock& block, float bound, Survivors& out) const noexcept;

private:
    void settle(std::size_t first, Survivors& out) const noexcept;
    [[nodiscard]] float least() const noexcept;

    simd::ByteCodeQuery query_{};
    Way way_{};
    MetricKind metric_ = MetricKind::l2;
    Dim dim_ = 0;
    float deviations_ = 3;
    float rounding_ = 0;  ///< what float32 may have moved an estimate by, however sure the code is
    const std::byte* prepared_ = nullptr;
};

}  // namespace tonari
