// XXH3-64 by xxHash, compiled into this file so that no symbol of it leaves.
#include <tonari/io/checksum.hpp>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tonari {

std::uint64_t checksum(std::span<const std::byte> bytes) noexcept { return XXH3_64bits(bytes.data(), bytes.size()); }

struct Checksum::State {
    XXH3_state_t xxh;
};

Checksum::Checksum() : state_(new State) { reset(); }
Checksum::~Checksum() = default;
Checksum::Checksum(Checksum&&) noexcept = default;
Checksum& Checksum::operator=(Checksum&&) noexcept = default;

void Checksum::reset() noexcept { XXH3_64bits_reset(&state_->xxh); }
void Checksum::update(std::span<const std::byte> bytes) noexcept {
    if (!bytes.empty()) XXH3_64bits_update(&state_->xxh, bytes.data(), bytes.size());
}
std::uint64_t Checksum::value() const noexcept { return XXH3_64bits_digest(&state_->xxh); }

}  // namespace tonari
