// How long it takes to open a mapped file of 1 GiB: the frame is read and nothing else. The bar is 5 ms.
//
//     bench_open
//
// The file is a hole behind its frame, so that it takes no space on the disk and none is written for the benchmark.
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <tonari/io/checksum.hpp>
#include <tonari/io/file_reader.hpp>
#include <tonari/io/mapped_file.hpp>

using namespace tonari;

namespace {

/// A tonari file of `sections` holes that are `bytes` together.
class SparseFile {
public:
    SparseFile(std::size_t sections, std::uint64_t bytes)
        : path_((std::filesystem::temp_directory_path() / "tonari-bench-open.tnr").string()) {
        const std::uint64_t each = bytes / sections / page_size * page_size;
        std::vector<format::SectionRow> rows(sections);
        for (std::size_t i = 0; i < sections; ++i) {
            const std::string name = "rows" + std::to_string(i);
            std::memcpy(rows[i].name.data(), name.data(), name.size());
            rows[i].version = 1;
            rows[i].alignment = page_size;
            rows[i].offset = page_size + i * each;
            rows[i].size = each;
        }
        format::Header header = {};
        header.magic = format::magic;
        header.version = header.oldest_reader = format_version;
        header.section_count = static_cast<std::uint32_t>(sections);
        header.file_size = page_size + sections * each;
        header.table_offset = sizeof(header);
        header.table_checksum = checksum(std::as_bytes(std::span(rows)));
        header.header_checksum =
            checksum(std::as_bytes(std::span(&header, 1)).first(offsetof(format::Header, header_checksum)));

        std::ofstream file(path_, std::ios::binary | std::ios::trunc);
        file.write(reinterpret_cast<const char*>(&header), sizeof(header));
        file.write(reinterpret_cast<const char*>(rows.data()),
                   static_cast<std::streamsize>(rows.size() * sizeof(format::SectionRow)));
        file.close();
        std::filesystem::resize_file(path_, header.file_size);
    }
    ~SparseFile() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }
    SparseFile(const SparseFile&) = delete;
    SparseFile& operator=(const SparseFile&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

void open_mapped(benchmark::State& state) {
    const SparseFile file(static_cast<std::size_t>(state.range(0)), std::uint64_t{1} << 30);
    std::size_t resident = 0;
    for (auto _ : state) {
        const FileReader reader = FileReader::open(file.path(), Residency::map).value();
        state.PauseTiming();
        resident = resident_pages(reader.bytes()).value().resident;
        state.ResumeTiming();
    }
    state.counters["pages_read"] = static_cast<double>(resident);
}
BENCHMARK(open_mapped)->Name("open/mapped_1GiB/sections")->Arg(1)->Arg(62)->Unit(benchmark::kMicrosecond);

}  // namespace
