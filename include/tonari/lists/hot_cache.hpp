// The lists that searches ask for most, kept in memory within a budget; the others are read from the disk.
//
// Which those are the cache counts: one that is asked for more often, for each of its bytes, than one that is kept takes its
// place. A few are tried, not all (as Redis does), and counts are halved now and then, so that what was asked for lately
// tells. (Frequency, not recency, decides, as in TinyLFU: Einziger, Friedman, Manes 2017; one search of all lists must not
// empty the cache.)
//
// What holds:
//  1. Where a list's bytes are does not change what they are, nor their address: searches need not know whether it is kept.
//  2. Searches wait for nobody: they count, and the one that finds nobody else at it may change what is kept, one list.
//  3. The pages kept take no more than the budget, whatever lists share them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include <tonari/core/bytes.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/random.hpp>
#include <tonari/core/result.hpp>
#include <tonari/io/kept_pages.hpp>

namespace tonari {

/// Counted since the file was opened.
struct HotCacheStats {
    std::uint64_t hits = 0;        ///< asked for, and kept: a list, or a row in one
    std::uint64_t misses = 0;      ///< asked for, and left to the disk, or to the system's own cache
    std::uint64_t bytes_read = 0;  ///< of those
    std::uint64_t evictions = 0;   ///< lists that had to make room
    std::size_t lists = 0;         ///< kept now
    std::size_t bytes = 0;         ///< in whole pages, of those
    std::size_t budget = 0;        ///< how many bytes may be
    bool locked = false;           ///< they are locked in place, not copied
    bool refused =
        false;  ///< the system keeps no more (memory, or maps a process): what is kept stays, and nothing is added
};

class TONARI_API HotCache {
public:
    /// List l lies in bytes [begins[l], begins[l + 1]) of `mapped`, of which the last is the end. Errors: unsupported, as
    /// `KeptPages::of`; invalid_argument (a budget
    /// below a page, which keeps nothing); out_of_memory.
    static Result<std::shared_ptr<HotCache>> create(const Bytes& mapped, std::vector<std::uint64_t> begins,
                                                    std::size_t budget, KeptPages::By preferred = KeptPages::By::lock);
    HotCache(const HotCache&) = delete;
    HotCache& operator=(const HotCache&) = delete;
    ~HotCache() = default;

    /// A search will read `bytes` bytes from `begin` on. True if they are kept; if not, they are to be asked for. O(log lists).
    bool ask(std::uint64_t begin, std::size_t bytes) noexcept;
    /// At the end of a search, or when a batch has asked for a list: the list that it missed most may be kept from now on, which reads it.
    void tend() noexcept;

    [[nodiscard]] HotCacheStats stats() const noexcept;

private:
    using ListNo = std::uint32_t;
    static constexpr ListNo none = ~ListNo{0};

    HotCache(KeptPages pages, std::size_t head, std::vector<std::uint64_t> begins, std::size_t budget);
    [[nodiscard]] std::size_t lists() const noexcept { return begins_.size() - 1; }
    [[nodiscard]] ListNo list_of(std::uint64_t begin) const noexcept;
    [[nodiscard]] double heat(ListNo list) const noexcept;  ///< how often it was asked for, for each page
    [[nodiscard]] std::size_t page_of(std::uint64_t byte) const noexcept;
    [[nodiscard]] std::size_t page_count(ListNo list) const noexcept;

    // With `changing_` held:
    void consider(ListNo list) noexcept;
    [[nodiscard]] std::size_t coldest_of_some() noexcept;  ///< a place in `hot_`
    void let_go(std::size_t place) noexcept;
    void age() noexcept;

    KeptPages pages_;
    std::size_t head_;  // how far into a page the first list begins
    std::vector<std::uint64_t> begins_;
    std::size_t budget_pages_;
    std::vector<std::atomic<std::uint32_t>> asked_;  // by list
    std::vector<std::atomic<bool>> kept_;            // by list
    std::atomic<ListNo> missed_{none};
    std::atomic<std::uint64_t> hits_{0};
    std::atomic<std::uint64_t> misses_{0};
    std::atomic<std::uint64_t> bytes_read_{0};

    std::mutex changing_;
    std::vector<ListNo> hot_;  // those kept, in no order
    Random random_{1};
    std::uint64_t next_aging_;
    std::atomic<std::size_t> kept_pages_{0};
    std::atomic<std::size_t> kept_lists_{0};
    std::atomic<std::uint64_t> evictions_{0};
    std::atomic<bool> locked_;
    std::atomic<bool> refused_{false};
};

}  // namespace tonari
