// Memory for rows: zero, aligned, in huge pages, and refused with the number of bytes.
#include <tonari/core/aligned.hpp>

#include <algorithm>
#include <fstream>
#include <string>

#include <tonari/core/random.hpp>

#include "support/catch.hpp"

using namespace tonari;

namespace {

constexpr std::size_t huge = std::size_t{2} << 20;

std::uintptr_t address(const AlignedBuffer& buffer) { return reinterpret_cast<std::uintptr_t>(buffer.data()); }

/// The flags of the mapping that holds `pointer`: "rd wr mr mw me ac sd hg".
std::string mapping_flags(const void* pointer) {
    std::ifstream maps("/proc/self/smaps");
    const auto wanted = reinterpret_cast<std::uintptr_t>(pointer);
    bool inside = false;
    for (std::string row; std::getline(maps, row);) {
        unsigned long long first = 0;
        unsigned long long last = 0;
        if (std::sscanf(row.c_str(), "%llx-%llx ", &first, &last) == 2) inside = first <= wanted && wanted < last;
        if (inside && row.starts_with("VmFlags:")) return row;
    }
    return {};
}

}  // namespace

TEST_CASE("every size is zeroed and aligned") {
    Random random(1);
    std::vector<std::size_t> sizes = {0, 1, 63, 64, 65, 4096, huge - 1, huge, huge + 1, 3 * huge + 4095};
    for (int i = 0; i < 30; ++i) sizes.push_back(static_cast<std::size_t>(random.below(3 * huge)));
    for (const std::size_t size : sizes) {
        CAPTURE(size);
        AlignedBuffer buffer = AlignedBuffer::allocate(size).value();
        REQUIRE(buffer.size() == size);
        CHECK(address(buffer) % (size >= huge ? huge : 64) == 0);
        CHECK(std::all_of(buffer.span().begin(), buffer.span().end(), [](std::byte b) { return b == std::byte{0}; }));
        std::fill(buffer.span().begin(), buffer.span().end(),
                  std::byte{0xff});  // AddressSanitizer and the kernel watch the ends
    }
}

TEST_CASE("what is asked for and is not there is an error with the number") {
    for (const std::size_t size :
         {static_cast<std::size_t>(-1), static_cast<std::size_t>(-1) / 2, std::size_t{1} << 60}) {
        const Result<AlignedBuffer> buffer = AlignedBuffer::allocate(size);
        REQUIRE_FALSE(buffer.ok());
        CHECK(buffer.error().code == ErrorCode::out_of_memory);
        CHECK_THAT(buffer.error().message, Catch::Matchers::Contains(std::to_string(size) + " bytes"));
    }
}

TEST_CASE("large buffers are advised as huge pages") {
    AlignedBuffer buffer = AlignedBuffer::allocate(4 * huge).value();
    buffer.data()[0] = std::byte{1};
    const std::string flags = mapping_flags(buffer.data());
    if (flags.empty()) TONARI_SKIP("no /proc/self/smaps");
    if (!std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled")) TONARI_SKIP("a kernel without huge pages");
    CHECK_THAT(flags, Catch::Matchers::Contains(" hg"));
}

TEST_CASE("frozen bytes share the block and outlive the buffer") {
    Bytes bytes;
    {
        AlignedBuffer buffer = AlignedBuffer::allocate(100).value();
        buffer.as<std::uint32_t>()[3] = 9;
        CHECK(buffer.as<std::uint32_t>().size() == 25);
        const std::byte* data = buffer.data();
        bytes = std::move(buffer).freeze();
        CHECK(bytes.data() == data);
    }
    CHECK(bytes.as<std::uint32_t>()[3] == 9);
    CHECK(bytes.size() == 100);
}
