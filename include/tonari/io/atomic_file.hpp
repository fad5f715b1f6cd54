// A file that is there whole or not at all.
//
// The invariant: at every moment, also when the power fails, `path` names the old file whole or the new file whole.
//   1. bytes go to `<path>.tmp-<process>-<n>`, which nobody else opens;
//   2. the temporary is synced, then renamed onto `path`, then the folder is synced;
//   3. whatever fails before the rename removes the temporary and leaves `path` alone;
//   4. a temporary that a power failure left behind is removed by the next writer of `path`.
// Where `path` is a link, all of this is about the file that it leads to; the link stays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/io/file_system.hpp>

namespace tonari {

class TONARI_API AtomicFile {
public:
    /// Refuses with `busy` while another writer, of this or another process, writes to `path`; with
    /// `already_exists` if `replace` is false and the file is there.
    [[nodiscard]] static Result<AtomicFile> create(const std::string& path, bool replace = true,
                                                   FileSystem& files = FileSystem::local());
    AtomicFile(AtomicFile&&) noexcept;
    AtomicFile& operator=(AtomicFile&&) noexcept;
    /// Not committed: as if it had never begun.
    ~AtomicFile();

    /// Gathered into large writes.
    [[nodiscard]] Status append(std::span<const std::byte> bytes);
    /// Over bytes that were appended before.
    [[nodiscard]] Status overwrite(std::uint64_t offset, std::span<const std::byte> bytes);
    [[nodiscard]] std::uint64_t size() const noexcept;

    /// Makes the file appear under its name. An `append` that failed makes this fail with the same error.
    /// If only the last step fails (syncing the folder), the new file is there, and may be the old one again after
    /// a power failure.
    [[nodiscard]] Status commit();

private:
    class State;
    explicit AtomicFile(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

/// All of it in one call.
TONARI_API Status write_file(const std::string& path, std::span<const std::byte> bytes,
                             FileSystem& files = FileSystem::local());

}  // namespace tonari
