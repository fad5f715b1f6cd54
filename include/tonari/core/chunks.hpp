// An array that grows while others read it: what has an address keeps it.
//
// Chunks double in size, so that thirty pointers, which never move, reach two thousand million items, and an item's chunk is
// the bit width of its number:
//
//     chunk 0: items 0 .. 1023   chunk 1: 1024 .. 2047   chunk 2: 2048 .. 4095   ...
//
// Pages of a chunk that were never written take no memory, so the last, half empty chunk costs address space only.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <tonari/core/aligned.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/types.hpp>

namespace tonari {

class Chunks {
public:
    /// Items of `stride` bytes each.
    explicit Chunks(std::size_t stride) noexcept : stride_(stride) {}
    Chunks(const Chunks&) = delete;
    Chunks& operator=(const Chunks&) = delete;
    ~Chunks() = default;

    /// Makes items [0, count) addressable; new ones are zeros. One caller at a time; others may read meanwhile.
    Status reserve(std::size_t count) {
        while (capacity() < count) {
            const std::size_t first = capacity();
            const std::size_t more = first == 0 ? first_items : first;
            auto buffer = AlignedBuffer::allocate(more * stride_);
            if (!buffer) return std::move(buffer).error();
            const std::size_t chunk = chunk_of(first);
            buffers_[chunk] = *std::move(buffer);
            // As if item 0 were where the chunk's items say it would be: one multiplication then finds any of them.
            origin_[chunk].store(reinterpret_cast<std::uintptr_t>(buffers_[chunk].data()) - first * stride_,
                                 std::memory_order_release);
            capacity_.store(first + more, std::memory_order_release);
        }
        return {};
    }
    /// Gives the memory of items [from, capacity) back to the system: they hold anything until they are written again. Nobody
    /// looks at them meanwhile.
    void discard(std::size_t from) noexcept {
        for (std::size_t first = 0; first < capacity(); first = first == 0 ? first_items : 2 * first) {
            const std::size_t items = first == 0 ? first_items : first;
            if (from < first + items) buffers_[chunk_of(first)].discard((std::max(from, first) - first) * stride_);
        }
    }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_.load(std::memory_order_acquire); }
    [[nodiscard]] std::size_t stride() const noexcept { return stride_; }

    /// Item `i`, below the capacity that the caller has seen.
    [[nodiscard]] std::byte* at(std::size_t i) const noexcept {
        // NOLINTNEXTLINE(performance-no-int-to-ptr): an origin lies before its chunk, where no pointer may point
        return reinterpret_cast<std::byte*>(origin_[chunk_of(i)].load(std::memory_order_relaxed) + i * stride_);
    }
    template <class T>
    [[nodiscard]] T* as(std::size_t i) const noexcept {
        return reinterpret_cast<T*>(at(i));
    }

private:
    static constexpr std::size_t first_bits = 10;
    static constexpr std::size_t first_items = std::size_t{1} << first_bits;
    static constexpr std::size_t most = 32;

    static std::size_t chunk_of(std::size_t i) noexcept {
        return static_cast<std::size_t>(std::bit_width(i >> first_bits));
    }

    std::size_t stride_;
    std::array<std::atomic<std::uintptr_t>, most> origin_{};
    std::atomic<std::size_t> capacity_{0};
    std::array<AlignedBuffer, most> buffers_;
};

}  // namespace tonari
