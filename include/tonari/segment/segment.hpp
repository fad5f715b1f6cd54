// A segment is one immutable index in one file. Opening it is a map and a check of its frame.
#pragma once

#include <filesystem>
#include <functional>
#include <new>

#include <tonari/core/export.hpp>
#include <tonari/index/registry.hpp>
#include <tonari/io/file_reader.hpp>
#include <tonari/io/residency.hpp>
#include <tonari/simd/level.hpp>

namespace tonari {

/// How a file is opened.
struct OpenOptions {
    Residency residency = Residency::map;
    /// `disk`, inverted lists: of the rows that stay on disk, those of the lists that are asked for most are kept in memory, within so
    /// many bytes (lists/hot_cache.hpp; `Index::cache_stats`). A search may end with reading a list for that. 0: the system decides
    /// alone.
    std::size_t cache_bytes = 0;
};

namespace detail {
TONARI_API Error no_memory_for_file(const std::filesystem::path& path);
/// Errors: invalid_argument, a cache without `disk`.
TONARI_API Status check_open(const OpenOptions& options);
/// Errors: unsupported, where a cache was asked for and the index has none.
TONARI_API Result<Index> with_cache(Index index, const OpenOptions& options);
}  // namespace detail

/// Writes `index` to `path`: a temporary file, synced, renamed in place. A reader sees the old file or the new one.
/// Errors: io (the old file stays whole), busy (another writer holds `path`).
TONARI_API Status write_segment(const std::filesystem::path& path, const Index& index);

class TONARI_API Segment {
public:
    /// `map` shares the page cache and reads nothing until it is searched; `load` reads the file into huge pages,
    /// which searches 1.2 to 1.5 times as fast on large files; `disk` is for files larger than the memory (io/residency.hpp).
    /// Errors: io, corrupt (what was expected, what was got), unsupported (a newer version, an unknown kind; a cache for an index
    /// without lists, or where the system keeps no pages), invalid_argument (a cache for what is in memory).
    static Result<Segment> open(const std::filesystem::path& path, const OpenOptions& options);
    static Result<Segment> open(const std::filesystem::path& path, Residency residency = Residency::map) {
        return open(path, OpenOptions{residency, 0});
    }
    /// A segment built with a user's own metric: its name must be the one in the file.
    template <UserMetric M>
    static Result<Segment> open(const std::filesystem::path& path, M metric, const OpenOptions& options) try {
        if (Status s = simd::check_level(); !s) return s;
        if (Status s = detail::check_open(options); !s) return s;
        auto file = FileReader::open(path.string(), options.residency);
        if (!file) return std::move(file).error();
        const SectionReader sections = file->sections(options.cache_bytes);
        auto codec = Flat<M>::open(sections, std::move(metric));
        if (!codec) return std::move(codec).error();
        auto index = open_index(sections, *std::move(codec));
        if (!index) return std::move(index).error();
        auto opened = detail::with_cache(*std::move(index), options);
        if (!opened) return std::move(opened).error();
        return Segment(*std::move(opened));
    } catch (const std::bad_alloc&) {
        return detail::no_memory_for_file(path);
    }
    template <UserMetric M>
    static Result<Segment> open(const std::filesystem::path& path, M metric, Residency residency = Residency::map) {
        return open(path, std::move(metric), OpenOptions{residency, 0});
    }

    [[nodiscard]] const Index& index() const noexcept { return index_; }
    [[nodiscard]] Searcher searcher() const { return index_.searcher(); }
    [[nodiscard]] Result<Answers> search(MatrixView queries, const SearchOptions& options = {}) const {
        return index_.search(queries, options);
    }
    [[nodiscard]] Result<RangeAnswers> range_search(MatrixView queries, const RangeOptions& options) const {
        return index_.range_search(queries, options);
    }

private:
    explicit Segment(Index index) : index_(std::move(index)) {}
    Index index_;
};

/// Reads every byte of a segment file and compares every checksum; `progress(done, total)` in bytes.
TONARI_API Status verify_segment(const std::filesystem::path& path,
                                 const std::function<void(std::size_t, std::size_t)>& progress = {});

}  // namespace tonari
