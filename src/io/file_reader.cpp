// Opening: nothing is believed, and nothing is allocated, before the frame is proved against the file's real size.
#include <tonari/io/file_reader.hpp>

#include <algorithm>
#include <array>
#include <vector>

#include <tonari/core/aligned.hpp>
#include <tonari/io/checksum.hpp>
#include <tonari/io/mapped_file.hpp>

#include "text.hpp"

namespace tonari {
namespace {

constexpr std::size_t chunk = std::size_t{16} << 20;

Error about(const std::string& path, Error error) {
    error.message = say("'", path, "': ", error.message);
    return error;
}

/// The frame of a file that is open for reading.
Result<Frame> read_frame(const File& file, std::uint64_t size) {
    std::vector<std::byte> head(static_cast<std::size_t>(std::min<std::uint64_t>(size, page_size)));
    if (Status s = file.pread(0, head); !s) return s;
    Result<std::size_t> needed = frame_bytes(head, size);  // bounded by the file's size
    if (!needed) return std::move(needed).error();
    if (*needed > head.size()) {
        const std::size_t had = head.size();
        head.resize(*needed);
        if (Status s = file.pread(had, std::span(head).subspan(had)); !s) return s;
    }
    return check_frame(head, size);
}

/// The whole of it, into huge pages.
Result<Bytes> load(const File& file, std::uint64_t size) {
    Result<AlignedBuffer> buffer = AlignedBuffer::allocate(static_cast<std::size_t>(size));
    if (!buffer) return std::move(buffer).error();
    for (std::size_t at = 0; at < size; at += chunk) {
        const std::size_t now = std::min(chunk, buffer->size() - at);
        if (Status s = file.pread(at, buffer->span().subspan(at, now)); !s) return s;
    }
    return std::move(*buffer).freeze();
}

/// The frame of mapped bytes. Reading ahead would bring in pages that opening has no use for.
Result<Frame> check_mapped_frame(const Bytes& bytes) {
    (void)advise(bytes, Advice::random).ok();  // only advice: refused, opening reads a little more
    Result<Frame> frame = check_frame(bytes.span(), bytes.size());
    (void)advise(bytes, Advice::normal).ok();
    return frame;
}

/// What searches read here and there, a little at a time: reading on from there would bring in what nobody asked for.
void expect_random_reads(const Frame& frame, const Bytes& bytes) {
    for (const SectionInfo& section : frame.sections) {
        const std::string_view name = section.name;
        const bool is_hot = name.find("coarse/") != name.npos;  // centroids: every search looks at all of them
        if (is_hot || (!name.ends_with("codes") && name.find("links/") == name.npos)) continue;
        const Bytes part =
            bytes.slice(static_cast<std::size_t>(section.offset), static_cast<std::size_t>(section.size));
        (void)advise(part, Advice::random).ok();
    }
}

/// A walk over the file from its first byte to its last.
class Verification {
public:
    Verification(std::span<const std::byte> all, const VerifyProgress& progress) : all_(all), progress_(progress) {}

    Status skip(std::uint64_t n) {
        done_ += n;
        if (!progress_ || progress_(done_, all_.size())) return {};
        return Error{ErrorCode::invalid_argument,
                     say("verifying was stopped after ", done_, " of ", all_.size(), " bytes")};
    }

    /// What lies between sections up to `end` is zero.
    Status gap(std::uint64_t end) {
        const auto bytes = next(end - done_);
        const auto dirt = std::find_if(bytes.begin(), bytes.end(), [](std::byte b) { return b != std::byte{0}; });
        if (dirt == bytes.end()) return skip(bytes.size());
        return Error{ErrorCode::corrupt, say("byte ", done_ + static_cast<std::uint64_t>(dirt - bytes.begin()),
                                             " between sections is not zero: the file is damaged")};
    }

    Status section(const SectionInfo& info) {
        sum_.reset();
        for (std::uint64_t rest = info.size; rest > 0;) {
            const auto bytes = next(std::min<std::uint64_t>(chunk, rest));
            sum_.update(bytes);
            rest -= bytes.size();
            if (Status s = skip(bytes.size()); !s) return s;
        }
        if (sum_.value() == info.checksum) return {};
        return Error{ErrorCode::corrupt, say("section '", info.name, "' is damaged: its checksum does not match")};
    }

private:
    [[nodiscard]] std::span<const std::byte> next(std::uint64_t n) const {
        return all_.subspan(static_cast<std::size_t>(done_), static_cast<std::size_t>(n));
    }

    std::span<const std::byte> all_;
    const VerifyProgress& progress_;
    std::uint64_t done_ = 0;
    Checksum sum_;
};

}  // namespace

Result<FileReader> FileReader::checked(Result<Frame> frame, Bytes bytes, Check check) {
    if (!frame) return std::move(frame).error();
    FileReader reader(std::make_shared<const Frame>(*std::move(frame)), std::move(bytes));
    if (check == Check::all) {
        if (Status s = reader.verify(); !s) return s;
    }
    return reader;
}

Result<FileReader> FileReader::open(const std::string& path, Residency residency, FileSystem& files, Check check) {
    if (residency != Residency::load) {
        Result<Bytes> bytes = files.map(path);
        if (!bytes) return std::move(bytes).error();
        if (residency == Residency::disk) bytes = bytes->as_on_disk();
        Result<FileReader> reader = checked(check_mapped_frame(*bytes), *bytes, check);
        if (reader && residency == Residency::disk) expect_random_reads(reader->frame(), *bytes);
        return reader ? std::move(reader) : about(path, std::move(reader).error());
    }
    Result<std::unique_ptr<File>> file = files.open(path, OpenMode::read);
    if (!file) return std::move(file).error();
    Result<std::uint64_t> size = (*file)->size();
    if (!size) return std::move(size).error();
    if (Result<Frame> frame = read_frame(**file, *size); !frame) return about(path, std::move(frame).error());
    Result<Bytes> bytes = load(**file, *size);
    if (!bytes) return about(path, std::move(bytes).error());
    // Once more, of the bytes that will be used: the file may have changed in between.
    Result<FileReader> reader = checked(check_frame(bytes->span(), bytes->size()), *bytes, check);
    return reader ? std::move(reader) : about(path, std::move(reader).error());
}

std::string_view name(Residency residency) noexcept {
    switch (residency) {
        case Residency::load: return "load";
        case Residency::map: return "map";
        case Residency::disk: return "disk";
    }
    return "";
}

std::optional<Residency> residency_from(std::string_view word) noexcept {
    for (const Residency residency : {Residency::load, Residency::map, Residency::disk}) {
        if (name(residency) == word) return residency;
    }
    return std::nullopt;
}

Result<FileReader> FileReader::from_bytes(Bytes image, Check check) {
    Result<Frame> frame = check_frame(image.span(), image.size());
    if (!frame) return std::move(frame).error();
    if (reinterpret_cast<std::uintptr_t>(image.data()) % section_alignment != 0) {
        Result<AlignedBuffer> copy = AlignedBuffer::allocate(image.size());
        if (!copy) return std::move(copy).error();
        std::copy(image.span().begin(), image.span().end(), copy->data());
        image = std::move(*copy).freeze();
    }
    return checked(std::move(frame), std::move(image), check);
}

Status FileReader::verify(const VerifyProgress& progress) {
    Verification run(bytes_.span(), progress);
    if (Status s = run.skip(frame_->table_end); !s) return s;  // compared when the file was opened
    for (const SectionInfo& info : frame_->sections) {
        if (Status s = run.gap(info.offset); !s) return s;
        if (Status s = run.section(info); !s) return s;
    }
    if (Status s = run.gap(bytes_.size()); !s) return s;
    verified_ = true;
    return {};
}

}  // namespace tonari
