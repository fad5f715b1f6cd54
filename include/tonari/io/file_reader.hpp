// A tonari file, opened: its frame checked, its sections ready to be handed out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include <tonari/core/bytes.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/io/file_system.hpp>
#include <tonari/io/residency.hpp>
#include <tonari/io/section_reader.hpp>

namespace tonari {

/// What opening compares.
enum class Check : std::uint8_t {
    frame,  ///< header, table and every section's place: in time proportional to the number of sections
    all,    ///< every byte, as `verify` does
};

/// Told now and then how far `verify` is: bytes done, bytes in all. Answer false to stop it.
using VerifyProgress = std::function<bool(std::uint64_t done, std::uint64_t total)>;

class TONARI_API FileReader {
public:
    [[nodiscard]] static Result<FileReader> open(const std::string& path, Residency residency = Residency::map,
                                                 FileSystem& files = FileSystem::local(), Check check = Check::frame);
    /// A file's bytes that are in memory already. Copied if they do not start at a multiple of 64.
    [[nodiscard]] static Result<FileReader> from_bytes(Bytes image, Check check = Check::frame);

    /// What `T::open` reads from.
    [[nodiscard]] SectionReader sections(std::size_t cache_bytes = 0) const {
        return {frame_, bytes_, verified_, {}, cache_bytes};
    }
    [[nodiscard]] const Frame& frame() const noexcept { return *frame_; }
    /// The whole file.
    [[nodiscard]] const Bytes& bytes() const noexcept { return bytes_; }

    /// Reads every byte: all checksums, and that what lies between sections is zero. The first damage is the answer.
    /// Readers that `sections()` hands out after a success say `verified()`.
    [[nodiscard]] Status verify(const VerifyProgress& progress = {});

private:
    FileReader(std::shared_ptr<const Frame> frame, Bytes bytes) noexcept
        : frame_(std::move(frame)), bytes_(std::move(bytes)) {}
    static Result<FileReader> checked(Result<Frame> frame, Bytes bytes, Check check);

    std::shared_ptr<const Frame> frame_;
    Bytes bytes_;
    bool verified_ = false;
};

}  // namespace tonari
