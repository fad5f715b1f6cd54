// Segments: an index in one file.
#include <tonari/segment/segment.hpp>

#include <new>

#include <tonari/io/file_writer.hpp>
#include <tonari/simd/level.hpp>

namespace tonari {

Error detail::no_memory_for_file(const std::filesystem::path& path) {
    return {ErrorCode::out_of_memory, "no memory to read or write '" + path.string() + "'"};
}

Status write_segment(const std::filesystem::path& path, const Index& index) try {
    auto writer = FileWriter::create(path.string());
    if (!writer) return std::move(writer).error();
    if (Status s = save_index(writer->sections(), index); !s) return s;
    return writer->finish();
} catch (const std::bad_alloc&) {
    return detail::no_memory_for_file(path);
}

Status detail::check_open(const OpenOptions& options) {
    if (options.cache_bytes == 0 || options.residency == Residency::disk) return {};
    return Error{ErrorCode::invalid_argument, "a cache: expected residency 'disk', got '" +
                                                  std::string(name(options.residency)) +
                                                  "', which leaves nothing to be cached on the disk"};
}

Result<Index> detail::with_cache(Index index, const OpenOptions& options) {
    if (options.cache_bytes == 0 || index.cache_stats()) return index;
    return Error{ErrorCode::unsupported,
                 "a cache of lists: expected inverted lists that are scanned, IVF<lists>,Flat or with codes, got '" +
                     index.spec() + "'; open it without a cache"};
}

Result<Segment> Segment::open(const std::filesystem::path& path, const OpenOptions& options) try {
    if (Status s = simd::check_level(); !s) return s;
    if (Status s = detail::check_open(options); !s) return s;
    auto file = FileReader::open(path.string(), options.residency);
    if (!file) return std::move(file).error();
    auto index = open_index(file->sections(options.cache_bytes));
    if (!index) return std::move(index).error();
    auto opened = detail::with_cache(*std::move(index), options);
    if (!opened) return std::move(opened).error();
    return Segment(*std::move(opened));
} catch (const std::bad_alloc&) {
    return detail::no_memory_for_file(path);
}

Status verify_segment(const std::filesystem::path& path,
                      const std::function<void(std::size_t, std::size_t)>& progress) try {
    auto file = FileReader::open(path.string(), Residency::map);
    if (!file) return std::move(file).error();
    return file->verify([&](std::uint64_t done, std::uint64_t total) {
        if (progress) progress(done, total);
        return true;
    });
} catch (const std::bad_alloc&) {
    return detail::no_memory_for_file(path);
}

}  // namespace tonari
