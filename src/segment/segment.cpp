// Segments: an index in one file.
#include <tonari/segment/segment.hpp>

#include <tonari/io/file_writer.hpp>
#include <tonari/simd/level.hpp>

namespace tonari {

Status write_segment(const std::filesystem::path& path, const Index& index) {
    auto writer = FileWriter::create(path.string());
    if (!writer) return std::move(writer).error();
    if (Status s = save_index(writer->sections(), index); !s) return s;
    return writer->finish();
}

Result<Segment> Segment::open(const std::filesystem::path& path, Residency residency) {
    if (Status s = simd::check_level(); !s) return s;
    auto file = FileReader::open(path.string(), residency);
    if (!file) return std::move(file).error();
    auto index = open_index(file->sections());
    if (!index) return std::move(index).error();
    return Segment(*std::move(index));
}

Status verify_segment(const std::filesystem::path& path,
                      const std::function<void(std::size_t, std::size_t)>& progress) {
    auto file = FileReader::open(path.string(), Residency::map);
    if (!file) return std::move(file).error();
    return file->verify([&](std::uint64_t done, std::uint64_t total) {
        if (progress) progress(done, total);
        return true;
    });
}

}  // namespace tonari
