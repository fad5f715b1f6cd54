// Writes sections into a file that is there whole or not at all (atomic_file.hpp). The header is written last: a
// file that was not finished has none, and is refused.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/io/file_system.hpp>
#include <tonari/io/section_writer.hpp>

namespace tonari {

struct FileWriterOptions {
    /// Room for the section table, fixed when writing starts. The default takes the rest of the first page.
    std::size_t max_sections = format::sections_per_frame_page;
    /// Replace a file that is there; otherwise `already_exists`.
    bool replace = true;
};

///     auto writer = FileWriter::create("books.tnr");
///     if (Status s = index.save(writer->sections()); !s) return s;     // the destructor removes the temporary
///     return writer->finish();
class TONARI_API FileWriter {
public:
    /// Refuses with `busy` while another writer, of this or another process, writes to `path`.
    [[nodiscard]] static Result<FileWriter> create(const std::string& path, const FileWriterOptions& options = {},
                                                   FileSystem& files = FileSystem::local());
    FileWriter(FileWriter&&) noexcept;
    FileWriter& operator=(FileWriter&&) noexcept;
    /// Not finished: as if it had never begun.
    ~FileWriter();

    /// Where `save` writes to; valid until the writer goes.
    [[nodiscard]] SectionWriter& sections() noexcept;

    /// Makes the file appear under its name. A section that failed before makes this fail with the same error.
    /// If only the last step fails (syncing the folder), the new file is there, and may be the old one again after
    /// a power failure.
    [[nodiscard]] Status finish();

private:
    class State;
    explicit FileWriter(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

}  // namespace tonari
