// Mapping by Boost.Interprocess, which stays in this file. Its exceptions end here.
#include <tonari/io/mapped_file.hpp>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <sys/mman.h>
#include <sys/stat.h>
#include <vector>

#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/file_mapping.hpp>
#include <boost/interprocess/mapped_region.hpp>

#include <tonari/core/aligned.hpp>
#include <tonari/io/format.hpp>

#include "local_file.hpp"
#include "system_error.hpp"
#include "text.hpp"

namespace tonari {
namespace {

/// The whole pages around some bytes.
struct PageRange {
    std::byte* first;
    std::size_t size;

    explicit PageRange(std::span<const std::byte> bytes) noexcept {
        const std::size_t page = boost::interprocess::mapped_region::get_page_size();
        const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
        const std::size_t before = address % page;
        first = const_cast<std::byte*>(bytes.data()) - before;  // madvise and mincore take no const; neither writes
        size = (before + bytes.size() + page - 1) / page * page;
    }
};

}  // namespace

Result<Bytes> map_file(const std::string& path) {
    namespace ipc = boost::interprocess;
    if (const Status s = check_plain_file(path); !s) return s;
    struct stat about = {};
    if (::stat(path.c_str(), &about) == 0 && about.st_size == 0) return Bytes{};  // nothing to map, and nothing wrong
    try {
        const ipc::file_mapping file(path.c_str(), ipc::read_only);
        auto region = std::make_shared<ipc::mapped_region>(file, ipc::read_only);  // outlives `file`
        const std::span bytes(static_cast<const std::byte*>(region->get_address()), region->get_size());
        return Bytes(std::move(region), bytes);
    } catch (const ipc::interprocess_exception& e) {
        return system_error(e.get_native_error() == EACCES ? "read" : "map", path, e.get_native_error());
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::out_of_memory, say("cannot map '", path, "': out of memory")};
    }
}

Status advise(const Bytes& bytes, Advice advice) {
    if (bytes.empty()) return {};
    int number = MADV_NORMAL;
    switch (advice) {
        case Advice::normal: number = MADV_NORMAL; break;
        case Advice::random: number = MADV_RANDOM; break;
        case Advice::sequential: number = MADV_SEQUENTIAL; break;
        case Advice::will_need: number = MADV_WILLNEED; break;
    }
    const PageRange pages(bytes.span());
    // None of these changes what the memory holds: that the pages around are somebody else's does no harm.
    if (::madvise(pages.first, pages.size, number) != 0 && errno != EINVAL && errno != ENOSYS) {
        return system_error("advise on", "mapped bytes", errno);
    }
    return {};
}

void fetch(std::span<const std::byte> bytes) noexcept {
    if (bytes.empty()) return;
    const PageRange pages(bytes);
    (void)::madvise(pages.first, pages.size, MADV_WILLNEED);  // refused, the pages come as they are touched
}

Result<Bytes> in_memory(const Bytes& bytes) {
    auto buffer = AlignedBuffer::allocate(bytes.size());
    if (!buffer) return std::move(buffer).error();
    (void)advise(bytes, Advice::sequential).ok();
    std::copy(bytes.span().begin(), bytes.span().end(), buffer->data());
    return std::move(*buffer).freeze();
}

Result<PageResidency> resident_pages(const Bytes& bytes) {
    PageResidency result;
    if (bytes.empty()) return result;
    const PageRange pages(bytes.span());
    const std::size_t page = boost::interprocess::mapped_region::get_page_size();
    constexpr std::size_t step = 65536;  // pages asked for at once
#if defined(__APPLE__)
    std::vector<char> flags(step);
#else
    std::vector<unsigned char> flags(step);
#endif
    result.pages = pages.size / page;
    for (std::size_t done = 0; done < result.pages; done += step) {
        const std::size_t now = std::min(step, result.pages - done);
        if (::mincore(pages.first + done * page, now * page, flags.data()) != 0) {
            return system_error("ask for the pages of", "mapped bytes", errno);
        }
        for (std::size_t i = 0; i < now; ++i) result.resident += flags[i] & 1U;
    }
    return result;
}

void warm(const Bytes& bytes) noexcept {
    const auto* data = reinterpret_cast<const volatile unsigned char*>(bytes.data());
    for (std::size_t i = 0; i < bytes.size(); i += page_size) (void)data[i];
    if (!bytes.empty()) (void)data[bytes.size() - 1];  // the first byte may stand anywhere in its page
}

}  // namespace tonari
