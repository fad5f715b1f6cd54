// POSIX calls do part of the work and may be interrupted; the loops that finish it are here and nowhere else.
#include "local_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "system_error.hpp"
#include "text.hpp"

namespace tonari {
namespace {

constexpr std::size_t largest_call = std::size_t{1} << 30;  // Linux moves at most 2 GiB at once

class LocalFile final : public File {
public:
    /// No file yet. What needs memory is done before a descriptor is held that somebody has to close.
    explicit LocalFile(std::string path) noexcept : path_(std::move(path)) {}
    ~LocalFile() override {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

    /// `flags` are those of open(2).
    Status open(int flags) {
        do {
            descriptor_ = ::open(path_.c_str(), flags, 0666);
        } while (descriptor_ < 0 && errno == EINTR);
        if (descriptor_ < 0) return system_error((flags & O_CREAT) != 0 ? "create" : "open", path_, errno);
        struct stat about = {};
        if (::fstat(descriptor_, &about) != 0) return system_error("open", path_, errno);
        end_ = static_cast<std::uint64_t>(about.st_size);
        return {};
    }

    Result<std::uint64_t> size() const override {
        struct stat about = {};
        if (::fstat(descriptor_, &about) != 0) return system_error("ask for the size of", path_, errno);
        return static_cast<std::uint64_t>(about.st_size);
    }

    Status pread(std::uint64_t offset, std::span<std::byte> into) const override {
        while (!into.empty()) {
            const ssize_t got =
                ::pread(descriptor_, into.data(), std::min(into.size(), largest_call), static_cast<off_t>(offset));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return system_error("read", path_, errno);
            if (got == 0) {
                return Error{ErrorCode::corrupt,
                             say("'", path_, "' ends at ", offset, ": expected ", into.size(), " bytes more")};
            }
            into = into.subspan(static_cast<std::size_t>(got));
            offset += static_cast<std::uint64_t>(got);
        }
        return {};
    }

    Status read_many(std::span<const ReadRequest> requests) const override {
#if defined(POSIX_FADV_WILLNEED)
        // Tells the kernel of all of them before waiting for the first, so that the disk works on many at once.
        if (requests.size() > 1) {
            for (const ReadRequest& r : requests) {
                ::posix_fadvise(descriptor_, static_cast<off_t>(r.offset), static_cast<off_t>(r.into.size()),
                                POSIX_FADV_WILLNEED);
            }
        }
#endif
        return File::read_many(requests);
    }

    Status pwrite(std::uint64_t offset, std::span<const std::byte> bytes) override {
        while (!bytes.empty()) {
            const ssize_t put =
                ::pwrite(descriptor_, bytes.data(), std::min(bytes.size(), largest_call), static_cast<off_t>(offset));
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return system_error("write", path_, errno);
            if (put == 0) return system_error("write", path_, ENOSPC);
            bytes = bytes.subspan(static_cast<std::size_t>(put));
            offset += static_cast<std::uint64_t>(put);
            end_ = std::max(end_, offset);
        }
        return {};
    }

    // Not O_APPEND: with it Linux's pwrite appends, too, whatever its offset.
    Status append(std::span<const std::byte> bytes) override { return pwrite(end_, bytes); }

    Status truncate(std::uint64_t size) override {
        while (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) {
            if (errno != EINTR) return system_error("cut", path_, errno);
        }
        end_ = size;
        return {};
    }

    Status sync() override {
#if defined(F_FULLFSYNC)  // macOS: fsync alone leaves the bytes in the disk's own cache
        if (::fcntl(descriptor_, F_FULLFSYNC) == 0) return {};
#endif
        if (::fsync(descriptor_) != 0) return system_error("sync", path_, errno);  // not repeated: see File::sync
        return {};
    }

private:
    int descriptor_ = -1;
    std::string path_;
    std::uint64_t end_ = 0;
};

}  // namespace

Status check_path(const std::string& path) {
    const std::size_t end = path.find('\0');
    if (end == std::string::npos) return {};
    return Error{ErrorCode::invalid_argument,
                 say("expected a path, got '", path.substr(0, end), "' with a NUL and more behind it")};
}

Status check_plain_file(const std::string& path) {
    if (Status s = check_path(path); !s) return s;
    struct stat about = {};
    if (::stat(path.c_str(), &about) != 0) return system_error("open", path, errno);
    if (S_ISREG(about.st_mode)) return {};
    return Error{ErrorCode::invalid_argument,
                 say("'", path, "' is ", S_ISDIR(about.st_mode) ? "a folder" : "no plain file", ": expected a file")};
}

Result<std::unique_ptr<File>> open_local_file(const std::string& path, OpenMode mode) {
    int flags = O_CLOEXEC;
    switch (mode) {
        case OpenMode::read: flags |= O_RDONLY; break;
        case OpenMode::create: flags |= O_RDWR | O_CREAT | O_EXCL; break;
        case OpenMode::update: flags |= O_RDWR; break;
    }
    if (mode != OpenMode::create) {
        if (const Status s = check_plain_file(path); !s) return s;
    }
    auto file = std::make_unique<LocalFile>(path);
    if (Status s = file->open(flags); !s) return s;
    return std::unique_ptr<File>(std::move(file));
}

}  // namespace tonari
