// A codec turns rows into codes of a fixed size. It owns what was trained, not the codes.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <tonari/core/result.hpp>
#include <tonari/core/types.hpp>
#include <tonari/core/view.hpp>
#include <tonari/io/section_reader.hpp>

namespace tonari {

/// The values stand in files: never renumber.
enum class CodecKind : std::uint8_t { flat = 1, sq8 = 2, fast_scan = 3, pq = 4, rabitq = 6, sq4 = 7, user = 255 };

/// What a code is relative to: nothing, a list's centroid, or a parent row. An exact codec ignores it.
struct Origin {
    const float* centroid = nullptr;    ///< dim values, or null
    const std::byte* parent = nullptr;  ///< the parent's code, or null
    float length = 1;                   ///< the centroid is taken so many times as long
    /// To a scorer: the query's distance to the centroid as it is, of length 1 unless under L2, where a search among
    /// centroids has found it.
    std::optional<float> distance{};
};

template <class C>
concept Codec = std::movable<C> && Stored<C> &&
                requires(const C c, typename C::Row row, Origin origin, std::span<std::byte> code,
                         std::span<const std::byte> stored, std::span<float> out) {
                    { C::kind } -> std::convertible_to<CodecKind>;
                    { c.dim() } noexcept -> std::same_as<Dim>;
                    { c.code_size() } noexcept -> std::same_as<std::size_t>;
                    { c.encode(row, origin, code) } noexcept;
                    { c.decode(stored, origin, out) } noexcept;
                };

/// No untrained codec exists: training is how one comes to be.
template <class C>
concept TrainableCodec = Codec<C> && requires(MatrixView sample, const typename C::Params& params) {
    { C::train(sample, params) } -> std::same_as<Result<C>>;
};

/// A codec that is trained on what rows are beside their origins, and whose codes are relative to those: lists train it
/// so, and compare rows of different lists one list after another.
template <class C>
concept RelativeCodec = requires(RowView row, MetricKind metric, Origin origin, float* out, MatrixView sample,
                                 const typename C::Params& params) {
    { C::training_rows } -> std::convertible_to<std::size_t>;  ///< that `train` looks at, of more
    { params.metric } -> std::convertible_to<MetricKind>;
    { params.seed } -> std::convertible_to<std::uint64_t>;
    { C::relative(row, metric, origin, out) } noexcept;  ///< its `dim` values
    { C::train(sample, params) } -> std::same_as<Result<C>>;
};

/// A codec whose rows lie in blocks, several in one another's bytes: they are written and compared by their place. One that is
/// trained knows what it is trained on by its `Params`.
template <class C>
concept BlockCodec = std::movable<C> && Stored<C> &&
                     requires(const C c, typename C::Encoder encoder, RowView row, Origin origin, std::byte* block,
                              std::size_t place, MatrixView sample, const typename C::Params& params) {
                         { C::kind } -> std::convertible_to<CodecKind>;
                         { C::block_rows } -> std::convertible_to<std::size_t>;
                         { c.dim() } noexcept -> std::same_as<Dim>;
                         { c.block_size() } noexcept -> std::same_as<std::size_t>;  ///< bytes
                         { c.encoder() } -> std::same_as<typename C::Encoder>;
                         { encoder.enter(origin) } noexcept;
                         { encoder.put(row, block, place) } noexcept;
                         { C::train(sample, params) } -> std::same_as<Result<C>>;
                     };

}  // namespace tonari
