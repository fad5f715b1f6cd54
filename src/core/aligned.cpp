// The body of AlignedBuffer: small blocks from the heap, large ones straight from the kernel.
//
// Large blocks come from mmap and not from aligned_alloc, because fresh pages are zero already: nothing is touched
// until somebody writes to it, and the advice to use huge pages is given while there is no small page to be moved.
#include <tonari/core/aligned.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include <tonari/core/cache_line.hpp>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#include <unistd.h>
#define TONARI_HAS_MMAP 1
#endif

namespace tonari {
namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t largest = static_cast<std::size_t>(-1) / 2 - 2 * huge_page;

constexpr std::size_t round_up(std::size_t n, std::size_t unit) noexcept { return (n + unit - 1) / unit * unit; }

Error no_memory(std::size_t bytes) {
    return {ErrorCode::out_of_memory,
            "asked for " + std::to_string(bytes) +
                " bytes and the system has not got them: free memory, use fewer rows, or map the file"};
}

/// Zeroed, or null.
std::shared_ptr<void> from_heap(std::size_t bytes) {
    const std::size_t whole = round_up(bytes, cache_line);
    void* block = std::aligned_alloc(cache_line, whole);
    if (block == nullptr) return nullptr;
    std::memset(block, 0, whole);
    return {block, [](void* p) noexcept { std::free(p); }};
}

#if defined(TONARI_HAS_MMAP)
/// Zeroed, at a multiple of the huge page, or null. Only the last part page is more than was asked for: a huge page
/// for the tail would cost up to 2 MiB of memory.
std::shared_ptr<void> from_kernel(std::size_t bytes) {
    const std::size_t whole = round_up(bytes, page);
    const std::size_t asked = whole + huge_page;  // so that an aligned start lies inside
    void* raw = ::mmap(nullptr, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) return nullptr;

    auto* first = static_cast<std::byte*>(raw);
    const auto address = reinterpret_cast<std::uintptr_t>(raw);
    const std::size_t before = round_up(address, huge_page) - address;
    std::byte* start = first + before;
    if (before > 0) ::munmap(first, before);
    if (asked - before > whole) ::munmap(start + whole, asked - before - whole);
#if defined(MADV_HUGEPAGE)
    ::madvise(start, whole, MADV_HUGEPAGE);  // advice: where it is refused, pages are small and answers the same
#endif
    return {start, [whole](void* p) noexcept { ::munmap(p, whole); }};
}
#endif

}  // namespace

Result<AlignedBuffer> AlignedBuffer::allocate(std::size_t bytes) {
    if (bytes == 0) return AlignedBuffer{};
    if (bytes > largest) return no_memory(bytes);
    try {
#if defined(TONARI_HAS_MMAP)
        std::shared_ptr<void> block = bytes >= huge_page ? from_kernel(bytes) : from_heap(bytes);
#else
        std::shared_ptr<void> block = from_heap(bytes);
#endif
        if (!block) return no_memory(bytes);
        return AlignedBuffer(std::move(block), bytes);
    } catch (const std::bad_alloc&) {  // the shared_ptr's own few bytes
        return no_memory(bytes);
    }
}

void AlignedBuffer::discard([[maybe_unused]] std::size_t from) noexcept {
#if defined(TONARI_HAS_MMAP)
    const auto unit = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const auto start = reinterpret_cast<std::uintptr_t>(data());
    const std::uintptr_t first = round_up(start + std::min(from, size_), unit);
    const std::uintptr_t last = (start + size_) / unit * unit;  // what shares the last page with others stays
    if (size_ == 0 || first >= last) return;
#if defined(__linux__)
    constexpr int advice = MADV_DONTNEED;  // at once; elsewhere when the system wants it
#else
    constexpr int advice = MADV_FREE;
#endif
    ::madvise(data() + (first - start), last - first, advice);  // advice: where it is refused, the memory stays
#endif
}

}  // namespace tonari
