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

namespace detail {
TONARI_API Error no_memory_for_file(const std::filesystem::path& path);
}  // namespace detail

/// Writes `index` to `path`: a temporary file, synced, renamed in place. A reader sees the old file or the new one.
/// Errors: io (the old file stays whole), busy (another writer holds `path`).
TONARI_API Status write_segment(const std::filesystem::path& path, const Index& index);

class TONARI_API Segment {
public:
    /// `map` shares the page cache and reads nothing until it is searched; `load` reads the file into huge pages,
    /// which searches 1.2 to 1.5 times as fast on large files; `disk` is for files larger than the memory (io/residency.hpp).
    /// Errors: io, corrupt (what was expected, what was got), unsupported (a newer version, an unknown kind).
    static Result<Segment> open(const std::filesystem::path& path, Residency residency = Residency::map);
    /// A segment built with a user's own metric: its name must be the one in the file.
    template <UserMetric M>
    static Result<Segment> open(const std::filesystem::path& path, M metric, Residency residency = Residency::map) try {
        if (Status s = simd::check_level(); !s) return s;
        auto file = FileReader::open(path.string(), residency);
        if (!file) return std::move(file).error();
        auto codec = Flat<M>::open(file->sections(), std::move(metric));
        if (!codec) return std::move(codec).error();
        auto index = open_index(file->sections(), *std::move(codec));
        if (!index) return std::move(index).error();
        return Segment(*std::move(index));
    } catch (const std::bad_alloc&) {
        return detail::no_memory_for_file(path);
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
