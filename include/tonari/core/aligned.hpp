// Memory for rows and links: 64-byte aligned, in huge pages once it is large enough for that to matter
// (4 KiB pages cost a graph search 1.2 to 1.5 times on big indexes: every hop misses the TLB).
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include <tonari/core/bytes.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>

namespace tonari {

/// A block of zeroed memory of fixed size.
class AlignedBuffer {
public:
    AlignedBuffer() noexcept = default;
    /// Zeroed; at least 64-byte aligned; 2 MiB-aligned and advised as huge pages from 2 MiB on.
    TONARI_API static Result<AlignedBuffer> allocate(std::size_t bytes);

    [[nodiscard]] std::byte* data() noexcept { return static_cast<std::byte*>(block_.get()); }
    [[nodiscard]] const std::byte* data() const noexcept { return static_cast<const std::byte*>(block_.get()); }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::span<std::byte> span() noexcept { return {data(), size_}; }
    template <class T>
    [[nodiscard]] std::span<T> as() noexcept {
        return {reinterpret_cast<T*>(data()), size_ / sizeof(T)};
    }
    template <class T>
    [[nodiscard]] std::span<const T> as() const noexcept {
        return {reinterpret_cast<const T*>(data()), size_ / sizeof(T)};
    }
    /// Gives the memory behind `from` back to the system, as far as that goes by whole pages. What stood there is lost; the
    /// addresses stay good to write to.
    TONARI_API void discard(std::size_t from) noexcept;
    /// The finished block as shared, immutable bytes.
    [[nodiscard]] Bytes freeze() && noexcept {
        const std::span<const std::byte> all{data(), size_};
        return {std::shared_ptr<const void>(std::move(block_)), all};
    }

private:
    AlignedBuffer(std::shared_ptr<void> block, std::size_t size) noexcept : block_(std::move(block)), size_(size) {}
    std::shared_ptr<void> block_;
    std::size_t size_ = 0;
};

}  // namespace tonari
