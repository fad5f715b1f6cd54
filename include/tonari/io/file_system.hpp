// The seam to the disk: everything the library writes goes through a `FileSystem`, so that a test can take the
// power away at every write, tear one in half, or fill the disk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tonari/core/bytes.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/io/file.hpp>

namespace tonari {

enum class OpenMode : std::uint8_t {
    read,
    create,  ///< a new file for writing and reading; `already_exists` if the name is taken
    update,  ///< an existing file for writing and reading
};

/// Held by one writer; let go when destroyed, also when the process dies.
class TONARI_API FileLock {
public:
    FileLock() = default;
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    virtual ~FileLock();
};

/// Safe to call from many threads. Paths are UTF-8.
class TONARI_API FileSystem {
public:
    FileSystem() = default;
    FileSystem(const FileSystem&) = delete;
    FileSystem& operator=(const FileSystem&) = delete;
    virtual ~FileSystem();

    /// The operating system's files.
    static FileSystem& local() noexcept;

    [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
    /// The whole file, read-only and shared.
    [[nodiscard]] virtual Result<Bytes> map(const std::string& path) = 0;
    [[nodiscard]] virtual Result<bool> exists(const std::string& path) = 0;
    /// The file that `path` means: where its last part is a link, what that names, link after link, whether or not
    /// there is a file at the end. A file system without links answers `path`.
    [[nodiscard]] virtual Result<std::string> follow_links(const std::string& path) { return path; }
    /// The names (not paths) in the folder that holds `path`, in no order.
    [[nodiscard]] virtual Result<std::vector<std::string>> list_folder(const std::string& path) = 0;
    /// Atomic: whoever looks sees the old `to` or the new one. It survives power loss after `sync_folder(to)`.
    [[nodiscard]] virtual Status rename(const std::string& from, const std::string& to) = 0;
    [[nodiscard]] virtual Status remove(const std::string& path) = 0;
    /// Makes names in the folder that holds `path` (created, renamed, removed) survive power loss.
    [[nodiscard]] virtual Status sync_folder(const std::string& path) = 0;
    /// Keeps a second writer away from `path`, in this process or another: `busy` while one is there. The lock is
    /// `<path>.lock` beside it, a file of its own, because a POSIX lock is gone as soon as any descriptor of its file
    /// is closed.
    [[nodiscard]] virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

/// "a/b.tnr" -> "a", "b.tnr" -> ".", "/b.tnr" -> "/".
TONARI_API std::string folder_of(const std::string& path);
/// "a/b.tnr" -> "b.tnr".
TONARI_API std::string_view name_of(std::string_view path) noexcept;

}  // namespace tonari
