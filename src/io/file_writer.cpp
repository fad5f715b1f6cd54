// The frame around sections: their places, their checksums, and the header at the end of it all.
#include <tonari/io/file_writer.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include <tonari/io/atomic_file.hpp>
#include <tonari/io/checksum.hpp>

#include "text.hpp"

namespace tonari {

class FileWriter::State final : public SectionSink {
public:
    State(AtomicFile file, std::size_t max_sections)
        : file_(std::move(file)), max_sections_(max_sections), root_(*this) {}

    /// Zeros where header and table will be.
    Status reserve_frame() {
        const std::size_t frame = sizeof(format::Header) + max_sections_ * sizeof(format::SectionRow);
        return pad_to((frame + page_size - 1) / page_size * page_size);
    }

    Status begin(const std::string& name, std::uint32_t version, std::size_t alignment) override {
        if (!failed_.ok()) return failed_;
        if (finished_) return fail("section '", name, "': the file is finished");
        if (open_) return fail("section '", name, "' begins while '", rows_.back().name.data(), "' is open");
        if (const Status s = check_section_name(name); !s) return keep(s);
        for (const format::SectionRow& row : rows_) {
            if (name == row.name.data()) return fail("section '", name, "' is written twice");
        }
        if (rows_.size() == max_sections_) {
            return keep(Error{ErrorCode::out_of_range,
                              say("section '", name, "' is one more than the ", max_sections_,
                                  " that the file has room for: raise FileWriterOptions::max_sections")});
        }
        alignment = std::max(alignment, section_alignment);
        if ((alignment & (alignment - 1)) != 0 || alignment > section_alignment_max) {
            return fail("section '", name, "': alignment is ", alignment, ", expected a power of two up to ",
                        section_alignment_max);
        }
        if (Status s = pad_to((file_.size() + alignment - 1) / alignment * alignment); !s) return s;

        format::SectionRow row = {};
        std::memcpy(row.name.data(), name.data(), name.size());
        row.version = version;
        row.alignment = static_cast<std::uint32_t>(alignment);
        row.offset = file_.size();
        rows_.push_back(row);
        sum_.reset();
        open_ = true;
        return {};
    }

    Status append(std::span<const std::byte> bytes) override {
        if (!failed_.ok()) return failed_;
        if (!open_) return fail("bytes are appended while no section is open");
        sum_.update(bytes);
        return keep(file_.append(bytes));
    }

    Status end() override {
        if (!failed_.ok()) return failed_;
        if (!open_) return fail("a section ends while none is open");
        rows_.back().size = file_.size() - rows_.back().offset;
        rows_.back().checksum = sum_.value();
        open_ = false;
        return {};
    }

    Status finish() {
        if (!failed_.ok()) return failed_;
        if (finished_) return Error{ErrorCode::invalid_argument, "the file is finished already"};
        if (open_) return fail("section '", rows_.back().name.data(), "' is still open");
        finished_ = true;
        if (Status s = keep(file_.overwrite(0, frame())); !s) return s;
        return keep(file_.commit());
    }

    SectionWriter& root() noexcept { return root_; }

private:
    /// The first failure is the file's: what comes after it would only hide it.
    Status keep(Status status) {
        if (!status.ok() && failed_.ok()) failed_ = status;
        return status;
    }

    template <class... Parts>
    Status fail(const Parts&... parts) {
        return keep(Error{ErrorCode::invalid_argument, say(parts...)});
    }

    Status pad_to(std::uint64_t end) {
        static constexpr std::array<std::byte, page_size> zeros{};
        while (file_.size() < end) {
            const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(zeros.size(), end - file_.size()));
            if (Status s = keep(file_.append(std::span(zeros).first(n))); !s) return s;
        }
        return {};
    }

    [[nodiscard]] std::vector<std::byte> frame() const {
        const auto table = std::as_bytes(std::span(rows_));
        format::Header header = {};
        header.magic = format::magic;
        header.version = format_version;
        header.oldest_reader = format_oldest;
        header.section_count = static_cast<std::uint32_t>(rows_.size());
        header.file_size = file_.size();
        header.table_offset = sizeof(header);
        header.table_checksum = checksum(table);
        const auto all = std::as_bytes(std::span(&header, 1));
        header.header_checksum = checksum(all.first(offsetof(format::Header, header_checksum)));

        std::vector<std::byte> bytes(all.size() + table.size());
        std::memcpy(bytes.data(), all.data(), all.size());
        if (!table.empty()) std::memcpy(bytes.data() + sizeof(header), table.data(), table.size());
        return bytes;
    }

    AtomicFile file_;
    std::size_t max_sections_;
    SectionWriter root_;
    std::vector<format::SectionRow> rows_;
    Checksum sum_;
    Status failed_;
    bool open_ = false;
    bool finished_ = false;
};

Result<FileWriter> FileWriter::create(const std::string& path, const FileWriterOptions& options, FileSystem& files) {
    if (options.max_sections > format::max_sections) {
        return Error{ErrorCode::invalid_argument,
                     say("max_sections is ", options.max_sections, ", expected at most ", format::max_sections)};
    }
    Result<AtomicFile> file = AtomicFile::create(path, options.replace, files);
    if (!file) return std::move(file).error();
    auto state = std::make_unique<State>(*std::move(file), options.max_sections);
    if (const Status s = state->reserve_frame(); !s) return s;
    return FileWriter(std::move(state));
}

FileWriter::FileWriter(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
FileWriter::FileWriter(FileWriter&&) noexcept = default;
FileWriter& FileWriter::operator=(FileWriter&&) noexcept = default;
FileWriter::~FileWriter() = default;

SectionWriter& FileWriter::sections() noexcept { return state_->root(); }
Status FileWriter::finish() { return state_->finish(); }

}  // namespace tonari
