// Pages of a mapped file that stay in memory, whatever else the system would like to have there.
//
// They are locked. Where that is not allowed (RLIMIT_MEMLOCK), copies of them are put in their place, at the same addresses: whoever
// reads them meanwhile reads the same bytes, and needs to know of nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <tonari/core/bytes.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>

namespace tonari {

/// Readers need no lock. `keep` and `let_go` want one caller at a time.
class TONARI_API KeptPages {
public:
    enum class By : std::uint8_t {
        lock,  ///< mlock: shared with every other process that maps the file, never swapped out
        copy,  ///< of this process alone; they take their places with mremap
    };

    /// `mapped` is (part of) a mapped file. One page is tried, with `preferred` and, where that is refused, with copies.
    /// Errors: unsupported, where neither is possible.
    static Result<KeptPages> of(const Bytes& mapped, By preferred = By::lock);
    KeptPages(KeptPages&& other) noexcept;
    KeptPages& operator=(KeptPages&& other) = delete;
    KeptPages(const KeptPages&) = delete;
    KeptPages& operator=(const KeptPages&) = delete;
    /// What is kept then stays so until the file's map goes.
    ~KeptPages();

    /// Bytes [first, last) of `mapped`, rounded up to whole pages. Reads what is not in memory yet, all at once. False, and
    /// nothing changes, if the system refuses: there is no memory, or this would be one map too many.
    bool keep(std::size_t first, std::size_t last) noexcept;
    /// Leaves these to the system again; like those of any file, they are read when they are touched.
    void let_go(std::size_t first, std::size_t last) noexcept;

    /// How pages that are kept from now on are: copies, once the system has refused to lock one.
    [[nodiscard]] By by() const noexcept { return by_; }
    [[nodiscard]] static std::size_t page_bytes() noexcept;

private:
    KeptPages(Bytes mapped, By by) noexcept : mapped_(std::move(mapped)), by_(by) {}
    [[nodiscard]] std::span<std::byte> pages(std::size_t first, std::size_t last) const noexcept;
    bool begin_copies() noexcept;
    bool put_copy(std::span<std::byte> pages) noexcept;

    Bytes mapped_;
    By by_;
    std::span<std::byte>
        again_;  // by copies: the file mapped a second time, where the pages that they replaced are found
};

}  // namespace tonari
