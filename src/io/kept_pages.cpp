// mlock, or copies put in place by mremap. Both are of whole pages; what else a first or last page holds stays, too.
#include <tonari/io/kept_pages.hpp>

#include <cstring>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

#include <tonari/io/mapped_file.hpp>

namespace tonari {
namespace {

#if defined(__linux__)

// What mremap promises, and both uses rely on: the new pages are there as soon as the old ones are gone, for every thread at
// once, because the kernel changes the map of a process under one lock.

void* new_pages(std::size_t bytes) noexcept {
    void* const pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? nullptr : pages;
}
bool move_over(void* pages, std::span<std::byte> there) noexcept {
    return ::mremap(pages, there.size(), there.size(), MREMAP_MAYMOVE | MREMAP_FIXED, there.data()) != MAP_FAILED;
}
/// Maps again what `shared` is a map of; an old size of 0 asks for that.
std::byte* map_again(std::byte* shared, std::size_t bytes) noexcept {
    void* const again = ::mremap(shared, 0, bytes, MREMAP_MAYMOVE);
    return again == MAP_FAILED ? nullptr : static_cast<std::byte*>(again);
}
bool map_again_over(std::byte* shared, std::span<std::byte> there) noexcept {
    return ::mremap(shared, 0, there.size(), MREMAP_MAYMOVE | MREMAP_FIXED, there.data()) != MAP_FAILED;
}

#else

void* new_pages(std::size_t /*bytes*/) noexcept { return nullptr; }
bool move_over(void* /*pages*/, std::span<std::byte> /*there*/) noexcept { return false; }
std::byte* map_again(std::byte* /*shared*/, std::size_t /*bytes*/) noexcept { return nullptr; }
bool map_again_over(std::byte* /*shared*/, std::span<std::byte> /*there*/) noexcept { return false; }

#endif

}  // namespace

std::size_t KeptPages::page_bytes() noexcept {
    static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return bytes;
}

std::span<std::byte> KeptPages::pages(std::size_t first, std::size_t last) const noexcept {
    const std::size_t page = page_bytes();
    const auto address = reinterpret_cast<std::uintptr_t>(mapped_.data() + first);
    const std::size_t before = address % page;
    auto* const begin =
        const_cast<std::byte*>(mapped_.data()) + first - before;  // mlock takes no const; nothing writes
    return {begin, (before + last - first + page - 1) / page * page};
}

Result<KeptPages> KeptPages::of(const Bytes& mapped, By preferred) {
    KeptPages kept(mapped, preferred);
    if (mapped.empty()) return kept;
    if (!kept.keep(0, 1)) {
        return Error{
            ErrorCode::unsupported,
            "expected a system that keeps pages of a file in memory: one that lets this process lock them (ulimit -l), "
            "or Linux; open the file without a cache"};
    }
    kept.let_go(0, 1);
    return kept;
}

KeptPages::KeptPages(KeptPages&& other) noexcept
    : mapped_(std::move(other.mapped_)), by_(other.by_), again_(std::exchange(other.again_, {})) {}

KeptPages::~KeptPages() {
    if (!again_.empty()) (void)::munmap(again_.data(), again_.size());
}

bool KeptPages::keep(std::size_t first, std::size_t last) noexcept {
    const std::span<std::byte> there = pages(first, last);
    fetch(there);  // all at once: locking and copying ask for one page after another
    if (by_ == By::lock) {
        if (::mlock(there.data(), there.size()) == 0) return true;
        (void)::munlock(there.data(), there.size());  // a part may have been
        by_ = By::copy;
    }
    return put_copy(there);
}

bool KeptPages::begin_copies() noexcept {
    if (!again_.empty()) return true;
    const std::span<std::byte> all = pages(0, mapped_.size());
    std::byte* const again = map_again(all.data(), all.size());
    if (again == nullptr) return false;
    again_ = {again, all.size()};
    return true;
}

bool KeptPages::put_copy(std::span<std::byte> there) noexcept {
    if (!begin_copies()) return false;
    void* const copy = new_pages(there.size());
    if (copy == nullptr) return false;
    std::memcpy(copy, there.data(), there.size());
    if (::mprotect(copy, there.size(), PROT_READ) == 0 && move_over(copy, there)) return true;
    (void)::munmap(copy, there.size());
    return false;
}

void KeptPages::let_go(std::size_t first, std::size_t last) noexcept {
    const std::span<std::byte> there = pages(first, last);
    (void)::munlock(there.data(), there.size());
    if (again_.empty()) return;
    // Refused, the copy stays: nobody reads anything else in it.
    const std::byte* const begin = pages(0, mapped_.size()).data();
    (void)map_again_over(again_.data() + (there.data() - begin), there);
}

}  // namespace tonari
