// A codec turns rows into codes of a fixed size. It owns what was trained, not the codes.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <tonari/core/result.hpp>
#include <tonari/core/types.hpp>
#include <tonari/core/view.hpp>
#include <tonari/io/section_reader.hpp>

namespace tonari {

/// The values stand in files: never renumber.
enum class CodecKind : std::uint8_t { flat = 1, sq8 = 2, user = 255 };

/// What a code is relative to: nothing, a list's centroid, or a parent row. An exact codec ignores it.
struct Origin {
    const float* centroid = nullptr;    ///< dim values, or null
    const std::byte* parent = nullptr;  ///< the parent's code, or null
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

}  // namespace tonari
