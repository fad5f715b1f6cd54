#include <tonari/train/rotation.hpp>

#include <algorithm>

#include <tonari/core/random.hpp>
#include <tonari/simd/kernels.hpp>

namespace tonari::train {

Rotation::Rotation(Dim dim, std::uint64_t seed) : dim_(dim), seed_(seed), size_((std::size_t{dim} + 15) / 16 * 16) {
    const std::size_t words = (size_ + 63) / 64;
    for (unsigned round = 0; round < simd::rotation_rounds; ++round) {
        for (std::size_t word = 0; word < words; ++word) signs_.push_back(hash(hash(seed, round), word));
    }
}

void Rotation::apply(const float* values, float* out) const noexcept {
    std::copy_n(values, dim_, out);
    std::fill(out + dim_, out + size_, 0.0F);
    simd::kernels().rotate(out, size_, signs_.data());
}

}  // namespace tonari::train
