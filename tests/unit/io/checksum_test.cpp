#include <tonari/io/checksum.hpp>

#include <string_view>
#include <vector>

#include <tonari/core/random.hpp>

#include "support/catch.hpp"

TEST_CASE("the checksum is XXH3-64 with seed 0") {
    // The values of xxhsum -H3.
    CHECK(tonari::checksum({}) == 0x2d06800538d394c2ULL);
    CHECK(tonari::checksum(std::as_bytes(std::span(std::string_view("a")))) == 0xe6c632b61e964e1fULL);
}

TEST_CASE("pieces have the checksum of the whole") {
    std::vector<std::byte> bytes(10'000);
    tonari::Random random(3);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random.below(256));
    for (int i = 0; i < 50; ++i) {
        const auto size = static_cast<std::size_t>(random.below(bytes.size() + 1));
        tonari::Checksum sum;
        sum.update(bytes);  // forgotten by
        sum.reset();
        auto rest = std::span<const std::byte>(bytes).first(size);
        while (!rest.empty()) {
            const std::size_t n = static_cast<std::size_t>(random.below(std::min<std::size_t>(rest.size(), 700))) + 1;
            sum.update(rest.first(n));
            rest = rest.subspan(n);
        }
        CHECK(sum.value() == tonari::checksum(std::span<const std::byte>(bytes).first(size)));
    }
}
