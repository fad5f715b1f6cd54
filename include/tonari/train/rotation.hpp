// A random rotation that costs O(d log d): what spreads a row's information evenly over its values, whatever the data.
#pragma once

#include <cstdint>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/core/types.hpp>

namespace tonari::train {

/// Random signs and Walsh-Hadamard transforms in turns (Ailon and Chazelle 2009), of as many values as a power of two has, first
/// or last of all, with sums and differences of the halves between them (the RaBitQ-Library's way: Gao and others 2025). Values
/// are padded with zeros to `size()`. Distances and products are kept, up to rounding.
class TONARI_API Rotation {
public:
    /// `dim` from 1 to `max_dim`. The same seed gives the same rotation everywhere.
    Rotation(Dim dim, std::uint64_t seed);

    [[nodiscard]] Dim dim() const noexcept { return dim_; }
    [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
    /// Values of a rotated row: `dim` rounded up to a multiple of 16.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// `out` takes `size()` values.
    void apply(const float* values, float* out) const noexcept;

private:
    Dim dim_;
    std::uint64_t seed_;
    std::size_t size_;
    std::vector<std::uint64_t> signs_;
};

}  // namespace tonari::train
