// Items keep their address and value while the array grows.
#include <tonari/core/chunks.hpp>

#include <vector>

#include "support/catch.hpp"

using namespace tonari;

TEST_CASE("chunks: items keep their place while more come", "[core]") {
    Chunks chunks(12);
    CHECK(chunks.capacity() == 0);
    std::vector<std::byte*> places;
    for (std::size_t count : {1U, 1023U, 1024U, 1025U, 5000U, 70'000U}) {
        REQUIRE(chunks.reserve(count).ok());
        REQUIRE(chunks.capacity() >= count);
        for (std::size_t i = places.size(); i < count; ++i) {
            CHECK(*chunks.as<std::uint32_t>(i) == 0);
            *chunks.as<std::uint32_t>(i) = static_cast<std::uint32_t>(i);
            places.push_back(chunks.at(i));
        }
    }
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < places.size(); ++i)
        wrong += chunks.at(i) == places[i] && *chunks.as<std::uint32_t>(i) == i ? 0 : 1;
    CHECK(wrong == 0);
}

TEST_CASE("chunks: items of one chunk lie one behind another", "[core]") {
    Chunks chunks(64);
    REQUIRE(chunks.reserve(4096).ok());
    for (const std::size_t first : {0U, 1024U, 2048U}) {
        const std::size_t last = first == 0 ? 1023 : 2 * first - 1;
        CHECK(chunks.at(last) - chunks.at(first) == static_cast<std::ptrdiff_t>((last - first) * 64));
    }
}

TEST_CASE("chunks: what the machine cannot give is an error", "[core]") {
    Chunks chunks(std::size_t{1} << 50);
    const Status status = chunks.reserve(1);
    REQUIRE(!status.ok());
    CHECK(status.error().code == ErrorCode::out_of_memory);
    CHECK(chunks.capacity() == 0);
}
