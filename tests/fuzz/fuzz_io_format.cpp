// Any bytes as a tonari file: opening, looking up, verifying. Half of the inputs are sealed first (their checksums
// made right), or nothing behind the checksums would ever be reached.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "unit/io/sample_file.hpp"

namespace {

using namespace tonari;

void use(std::span<const std::byte> image) {
    Result<FileReader> file = test::open_image(image);
    if (!file) return;
    const SectionReader sections = file->sections();
    std::uint64_t sum = 0;
    for (const SectionInfo& info : file->frame().sections) {
        const Result<Bytes> bytes = sections.section(info.name, 0, ~0U);
        if (!bytes) std::abort();  // it stands in the table
        if (!bytes->empty()) {
            sum += static_cast<std::uint64_t>(bytes->data()[0]);
            sum += static_cast<std::uint64_t>(bytes->data()[bytes->size() - 1]);
        }
        (void)sections.array<std::uint64_t>(info.name, bytes->size() / 8, 0, ~0U).ok();
        (void)sections.record<test::SampleRecord>(info.name, info.version).ok();
    }
    (void)sections.within("coarse").has("odd");
    const Status verified = file->verify();
    if (verified.ok() != file->sections().verified()) std::abort();
    volatile std::uint64_t keep = sum;
    (void)keep;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    use(bytes);
    std::vector<std::byte> sealed(bytes.begin(), bytes.end());
    if (sealed.size() < sizeof(format::Header)) return 0;
    format::Header header = test::header_of(sealed);
    header.magic = format::magic;
    header.version = header.oldest_reader = 1;
    header.flags = 0;
    header.file_size = size;
    header.table_offset = sizeof(header);
    header.section_count %= 64;
    test::set_header(sealed, header);
    use(sealed);
    return 0;
}
