// Centroids rounded to 8 bits: all of them are compared so, in about a quarter of the time, and those that may be among the
// nearest are then compared as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include <tonari/codec/sq8.hpp>
#include <tonari/core/aligned.hpp>
#include <tonari/core/bytes.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>
#include <tonari/io/section_reader.hpp>
#include <tonari/io/section_writer.hpp>

namespace tonari {

/// Of centroids of float32 values under a built-in metric. May be empty, and then there are none.
class TONARI_API RoughCentroids {
public:
    RoughCentroids() noexcept = default;

    /// `codes` are the centroids by `exact`, one behind another. Empty where there are too few to gain from it, where their metric
    /// or element is not for rounding, or where a sample shows that rounding hides which are near. Errors: out_of_memory.
    static Result<RoughCentroids> make(MatrixView centroids, const Flat<AnyMetric>& exact, const std::byte* codes,
                                       std::uint64_t seed);

    /// How many are to be compared as they are where `count` are asked for: some may have been misjudged.
    static constexpr std::size_t candidates(std::size_t count) noexcept { return count + count / 2 + 16; }

    [[nodiscard]] bool empty() const noexcept { return !codec_; }
    [[nodiscard]] std::size_t query_size() const noexcept { return empty() ? 0 : codec_->query_size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return codes_.size(); }

    /// The rounded distances of all. `room` takes `query_size()` bytes. Not of an empty one.
    void measure(RowView query, std::byte* room, float* distances) const noexcept;

    /// Room to measure several queries in at once, at most `most`.
    class Panel {
    public:
        static constexpr std::size_t most = simd::block_queries;
        /// Of query `q` of those that were measured last, as many as there are centroids.
        [[nodiscard]] const float* distances(std::size_t q) const noexcept { return distances_.get() + q * lists_; }

    private:
        friend class RoughCentroids;
        AlignedBuffer bytes_;  // prepared queries, then the same as a block kernel takes them
        std::unique_ptr<float[]> distances_;
        std::size_t lists_ = 0;
    };
    /// Can several be measured at once? Not of an empty one.
    [[nodiscard]] bool has_panels() const noexcept;
    /// Throws bad_alloc. Errors: out_of_memory.
    [[nodiscard]] Result<Panel> panel() const;
    /// The same distances, of several queries. Each centroid is read once for all of them.
    void measure(std::span<const RowView> queries, Panel& panel) const noexcept;

    /// The same in memory of its own, whatever file it lies in.
    [[nodiscard]] Result<RoughCentroids> in_memory() const;

    /// Nothing where empty.
    Status save(SectionWriter& writer) const;
    /// Empty where nothing was saved.
    static Result<RoughCentroids> open(const SectionReader& reader, std::size_t lists, Dim dim, MetricKind metric);

private:
    RoughCentroids(Sq8<> codec, Bytes codes, std::size_t lists) noexcept
        : codec_(std::move(codec)), codes_(std::move(codes)), lists_(lists) {}
    [[nodiscard]] bool tells_near_from_far(MatrixView centroids, const Flat<AnyMetric>& exact, const std::byte* codes,
                                           std::uint64_t seed) const;

    std::optional<Sq8<>> codec_;
    Bytes codes_;
    std::size_t lists_ = 0;
};

}  // namespace tonari
