#include <tonari/train/rotation.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include <tonari/core/random.hpp>
#include <tonari/simd/kernels.hpp>

namespace tonari::train {
namespace {

constexpr unsigned rounds = 4;

/// Turns the sign of about half of the values, 64 by one draw.
void turn_signs(float* values, std::size_t count, std::uint64_t seed) noexcept {
    for (std::size_t first = 0; first < count; first += 64) {
        const std::uint64_t draw = hash(seed, first / 64);
        const std::size_t here = std::min<std::size_t>(64, count - first);
        for (std::size_t i = 0; i < here; ++i) {
            const auto sign = static_cast<std::uint32_t>(draw >> i) << 31U;
            values[first + i] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(values[first + i]) ^ sign);
        }
    }
}

}  // namespace

std::size_t Rotation::size_for(Dim dim) noexcept {
    // A block is at least as long as there are blocks, so that two rounds take every value to every place.
    std::size_t unit = 16;
    while (unit * unit < dim) unit *= 2;
    return (dim + unit - 1) / unit * unit;
}

Rotation::Rotation(Dim dim, std::uint64_t seed) noexcept
    : dim_(dim), seed_(seed), size_(size_for(dim)), block_(std::size_t{1} << std::countr_zero(size_)) {}

void Rotation::apply(const float* values, float* out, float* room) const noexcept {
    std::copy_n(values, dim_, out);
    std::fill(out + dim_, out + size_, 0.0F);
    const auto transform = simd::kernels().hadamard;
    const std::size_t blocks = size_ / block_;
    float* from = out;
    float* to = room;
    for (unsigned round = 0; round < rounds; ++round) {
        turn_signs(from, size_, hash(seed_, round));
        for (std::size_t b = 0; b < blocks; ++b) transform(from + b * block_, block_);
        if (blocks == 1) continue;
        for (std::size_t b = 0; b < blocks; ++b) {  // value i of every block side by side
            for (std::size_t i = 0; i < block_; ++i) to[i * blocks + b] = from[b * block_ + i];
        }
        std::swap(from, to);
    }
    // Each round made values sqrt(block) times longer. An even number of rounds: they stand in `out` again.
    const auto scale = static_cast<float>(1.0 / (static_cast<double>(block_) * static_cast<double>(block_)));
    for (std::size_t i = 0; i < size_; ++i) out[i] *= scale;
}

}  // namespace tonari::train
