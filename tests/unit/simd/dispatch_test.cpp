// Which level is chosen, and what is said when a word names none. What the process itself does with TONARI_SIMD is
// tested from outside, in tests/cross.
#include "simd/dispatch.hpp"

#include "support/catch.hpp"

using namespace tonari;
using namespace tonari::simd;

TEST_CASE("the reference is always there and the best level is in use") {
    REQUIRE_FALSE(available_levels().empty());
    CHECK(available_levels().front() == Level::reference);
    for (const Level level : available_levels()) {
        REQUIRE(kernels(level) != nullptr);
        CHECK(kernels(level)->level == level);
    }
    CHECK(choose("").table == kernels(available_levels().back()));
    CHECK(choose("").status.ok());
}

TEST_CASE("a level is chosen by its name, in any case") {
    for (const Level level : available_levels()) {
        std::string word(name(level));
        CHECK(choose(word).table == kernels(level));
        word[0] = static_cast<char>(word[0] - 'a' + 'A');
        CHECK(choose(word).table == kernels(level));
        CHECK(choose(word).status.ok());
    }
}

TEST_CASE("an unknown word is an invalid argument, and the message says what is expected and what was got") {
    for (const char* word : {"bogus", "avx", "avx512 ", "0", "referencee"}) {
        const Choice choice = choose(word);
        CAPTURE(word);
        CHECK(choice.table == kernels(available_levels().back()));
        REQUIRE_FALSE(choice.status.ok());
        CHECK(choice.status.error().code == ErrorCode::invalid_argument);
        const std::string& message = choice.status.error().message;
        CHECK(message.find("'" + std::string(word) + "'") != std::string::npos);
        for (const Level level : available_levels()) CHECK(message.find(name(level)) != std::string::npos);
    }
}

TEST_CASE("a level that this machine lacks is unsupported") {
    for (const Level level :
         {Level::baseline, Level::avx2, Level::avx512, Level::avx512_spr, Level::avx512_amx, Level::neon}) {
        if (kernels(level) != nullptr) continue;
        const Choice choice = choose(name(level));
        CAPTURE(name(level));
        CHECK(choice.table == kernels(available_levels().back()));
        REQUIRE_FALSE(choice.status.ok());
        CHECK(choice.status.error().code == ErrorCode::unsupported);
    }
}
