// The real FileSystem, and what every one of them can do by default.
#include <tonari/io/file_system.hpp>

#include <cerrno>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <tonari/io/mapped_file.hpp>

#include "local_file.hpp"
#include "local_lock.hpp"
#include "system_error.hpp"
#include "text.hpp"

namespace tonari {

File::~File() = default;
FileLock::~FileLock() = default;
FileSystem::~FileSystem() = default;

Status File::read_many(std::span<const ReadRequest> requests) const {
    for (const ReadRequest& r : requests) {
        if (Status s = pread(r.offset, r.into); !s) return s;
    }
    return {};
}

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) noexcept {
    return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

namespace {

class LocalFileSystem final : public FileSystem {
public:
    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
        return open_local_file(path, mode);
    }
    Result<Bytes> map(const std::string& path) override { return map_file(path); }
    Result<std::unique_ptr<FileLock>> lock(const std::string& path) override { return lock_local_file(path); }

    Result<bool> exists(const std::string& path) override {
        struct stat about = {};
        if (::lstat(path.c_str(), &about) == 0) return true;
        if (errno == ENOENT || errno == ENOTDIR) return false;
        return system_error("look for", path, errno);
    }

    Result<std::string> follow_links(const std::string& path) override {
        if (Status s = check_path(path); !s) return s;
        constexpr int most = 40;  // as many as Linux follows
        std::string file = path;
        std::vector<char> target(256);
        for (int links = 0;;) {
            const ssize_t length = ::readlink(file.c_str(), target.data(), target.size());
            if (length < 0) {
                if (errno == EINVAL || errno == ENOENT || errno == ENOTDIR) return file;  // no link, or nothing there
                return system_error("follow the link", file, errno);
            }
            const auto size = static_cast<std::size_t>(length);
            if (size == target.size()) {  // perhaps cut
                target.resize(target.size() * 2);
                continue;
            }
            if (++links > most) return system_error("follow the link", path, ELOOP);
            const std::string_view name(target.data(), size);
            file = name.starts_with('/') ? std::string(name) : say(folder_of(file), '/', name);
        }
    }

    Result<std::vector<std::string>> list_folder(const std::string& path) override {
        const std::string folder = folder_of(path);
        const auto close = [](DIR* open) noexcept { ::closedir(open); };
        const std::unique_ptr<DIR, decltype(close)> entries(::opendir(folder.c_str()), close);
        if (!entries) return system_error("list", folder, errno);
        std::vector<std::string> names;
        while (const dirent* entry = ::readdir(entries.get())) {
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..") names.emplace_back(name);
        }
        return names;
    }

    Status rename(const std::string& from, const std::string& to) override {
        if (std::rename(from.c_str(), to.c_str()) != 0) return system_error("rename '" + from + "' to", to, errno);
        return {};
    }

    Status remove(const std::string& path) override {
        if (::unlink(path.c_str()) != 0) return system_error("remove", path, errno);
        return {};
    }

    Status sync_folder(const std::string& path) override {
        const std::string folder = folder_of(path);
        const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (descriptor < 0) return system_error("open", folder, errno);
        const int number = ::fsync(descriptor) == 0 ? 0 : errno;
        ::close(descriptor);
        if (number == 0 || number == EINVAL) return {};  // EINVAL: a file system without such a thing (some of FUSE)
        return system_error("sync", folder, number);
    }
};

}  // namespace

FileSystem& FileSystem::local() noexcept {
    static LocalFileSystem files;  // has no state
    return files;
}

}  // namespace tonari
