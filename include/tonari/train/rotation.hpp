// A random rotation that costs O(d log d): what spreads a row's information evenly over its values, whatever the data.
#pragma once

#include <cstdint>

#include <tonari/core/export.hpp>
#include <tonari/core/types.hpp>

namespace tonari::train {

/// Random signs and Walsh-Hadamard transforms in turns (Ailon and Chazelle 2009; as codes use it: Gao and Long 2024). Values are
/// padded with zeros to `size()`, which is a power of two times few; between the rounds they are dealt out to the blocks that
/// are transformed, so that each comes to depend on all. Distances and products are kept, up to rounding.
class TONARI_API Rotation {
public:
    /// `dim` from 1 to `max_dim`. The same seed gives the same rotation everywhere.
    Rotation(Dim dim, std::uint64_t seed) noexcept;

    [[nodiscard]] Dim dim() const noexcept { return dim_; }
    [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
    /// Values of a rotated row: `dim` rounded up to a multiple of 16, 32, 64, 128 or 256.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// `out` and `room` take `size()` values each.
    void apply(const float* values, float* out, float* room) const noexcept;

    static std::size_t size_for(Dim dim) noexcept;

private:
    Dim dim_;
    std::uint64_t seed_;
    std::size_t size_;
    std::size_t block_;  ///< the largest power of two that divides it
};

}  // namespace tonari::train
