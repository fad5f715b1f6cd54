// A span of bytes that keeps its owner alive. Heap or map, the reader cannot tell and need not:
// that is why one index class serves memory and file.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace tonari {

class Bytes {
public:
    Bytes() noexcept = default;
    Bytes(std::shared_ptr<const void> owner, std::span<const std::byte> span) noexcept
        : owner_(std::move(owner)), span_(span) {}

    [[nodiscard]] const std::byte* data() const noexcept { return span_.data(); }
    [[nodiscard]] std::size_t size() const noexcept { return span_.size(); }
    [[nodiscard]] bool empty() const noexcept { return span_.empty(); }
    [[nodiscard]] std::span<const std::byte> span() const noexcept { return span_; }

    /// A part of it, sharing the owner. `offset + size` must lie inside.
    [[nodiscard]] Bytes slice(std::size_t offset, std::size_t size) const noexcept {
        Bytes part(owner_, span_.subspan(offset, size));
        part.on_disk_ = on_disk_;
        return part;
    }
    /// Are they to be asked for before they are read (`Residency::disk`)?
    [[nodiscard]] bool on_disk() const noexcept { return on_disk_; }
    /// The same, to be asked for before they are read.
    [[nodiscard]] Bytes as_on_disk() const noexcept {
        Bytes same = *this;
        same.on_disk_ = true;
        return same;
    }
    /// The same bytes as `T`s. The owner of the section has checked size and alignment.
    template <class T>
    [[nodiscard]] std::span<const T> as() const noexcept {
        return {reinterpret_cast<const T*>(span_.data()), span_.size() / sizeof(T)};
    }

private:
    std::shared_ptr<const void> owner_;
    std::span<const std::byte> span_;
    bool on_disk_ = false;
};

}  // namespace tonari
