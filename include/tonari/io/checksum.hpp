// XXH3-64, the checksum of every section: at the speed of memory, and good enough to catch any damage that was not
// made on purpose. It is no signature: whoever can write the file can write the checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <tonari/core/export.hpp>

namespace tonari {

TONARI_API std::uint64_t checksum(std::span<const std::byte> bytes) noexcept;

/// The same, for bytes that come piece by piece.
class TONARI_API Checksum {
public:
    Checksum();
    ~Checksum();
    Checksum(Checksum&&) noexcept;
    Checksum& operator=(Checksum&&) noexcept;

    void reset() noexcept;
    void update(std::span<const std::byte> bytes) noexcept;
    /// Of everything since the last `reset`; more may follow.
    [[nodiscard]] std::uint64_t value() const noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace tonari
