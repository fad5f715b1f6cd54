// An open file. Every call does all it was asked to, or says why not: short reads and writes end here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>

namespace tonari {

/// One of many reads: `into.size()` bytes from `offset`.
struct ReadRequest {
    std::uint64_t offset = 0;
    std::span<std::byte> into;
};

/// Closed when destroyed. Reads of one file may run on many threads at once; writes may not.
class TONARI_API File {
public:
    File() = default;
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    virtual ~File();

    [[nodiscard]] virtual Result<std::uint64_t> size() const = 0;
    /// Reads exactly `into.size()` bytes; a file that ends before is `corrupt`.
    [[nodiscard]] virtual Status pread(std::uint64_t offset, std::span<std::byte> into) const = 0;
    /// All of `requests`, in whatever order is fast; the first failure is the answer.
    [[nodiscard]] virtual Status read_many(std::span<const ReadRequest> requests) const;
    [[nodiscard]] virtual Status pwrite(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
    /// Writes behind the end.
    [[nodiscard]] virtual Status append(std::span<const std::byte> bytes) = 0;
    [[nodiscard]] virtual Status truncate(std::uint64_t size) = 0;
    /// What was written is on the disk when this returns. After a failure nobody knows what is: give the file up,
    /// do not sync it again.
    [[nodiscard]] virtual Status sync() = 0;
};

}  // namespace tonari
