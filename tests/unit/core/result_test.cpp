// Errors as values: moved, copied, thrown when asked for.

// With AddressSanitizer's code between, g++ 12 no longer sees which member of a variant it copies.
#if defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <tonari/core/result.hpp>

#include <memory>
#include <string>

#include "support/catch.hpp"

using namespace tonari;

namespace {

struct Counted {
    static inline int alive = 0;
    Counted() { ++alive; }
    Counted(const Counted&) { ++alive; }
    Counted(Counted&&) noexcept { ++alive; }
    Counted& operator=(const Counted&) = default;
    Counted& operator=(Counted&&) noexcept = default;
    ~Counted() { --alive; }
};

Error broken() { return {ErrorCode::corrupt, "broken"}; }

}  // namespace

TEST_CASE("a status is ok, or carries an error") {
    const Status fine;
    CHECK(fine.ok());
    CHECK(static_cast<bool>(fine));
    CHECK_NOTHROW(fine.value());

    Status bad = broken();
    CHECK_FALSE(bad.ok());
    CHECK(bad.error().code == ErrorCode::corrupt);
    CHECK_THROWS_AS(bad.value(), Exception);
    CHECK_THROWS_WITH(bad.value(), "corrupt: broken");

    const Status copy = bad;
    CHECK(copy.error().message == "broken");
    CHECK(bad.error().message == "broken");
    Status moved = std::move(bad);
    CHECK(moved.error().message == "broken");
    moved = Status{};
    CHECK(moved.ok());
    moved = copy;
    CHECK(moved.error().message == "broken");
    const Status& self = moved;
    moved = self;
    CHECK(moved.error().message == "broken");
    CHECK(sizeof(Status) == sizeof(void*));
}

TEST_CASE("a result is a value, or an error") {
    Result<std::string> text = std::string("yes");
    REQUIRE(text.ok());
    CHECK(*text == "yes");
    CHECK(text->size() == 3);
    CHECK(text.value() == "yes");
    CHECK(text.status().ok());

    const Result<std::string> bad = broken();
    CHECK_FALSE(bad.ok());
    CHECK(bad.error().message == "broken");
    CHECK(bad.status().error().code == ErrorCode::corrupt);
    CHECK_THROWS_AS(bad.value(), Exception);

    const Result<int> from_status = bad.status();
    CHECK(from_status.error().message == "broken");
    CHECK(Result<int>(broken()).error().code == ErrorCode::corrupt);
}

TEST_CASE("a result holds what can only be moved") {
    Result<std::unique_ptr<int>> pointer = std::make_unique<int>(7);
    const std::unique_ptr<int> taken = *std::move(pointer);
    CHECK(*taken == 7);
    CHECK(*Result<std::unique_ptr<int>>(std::make_unique<int>(8)).value() == 8);
}

TEST_CASE("nothing is leaked or destroyed twice") {
    {
        Result<Counted> a = Counted{};
        Result<Counted> b = a;
        b = Result<Counted>(broken());
        a = b;
        b = Counted{};
        const Result<Counted> c = std::move(b);
        CHECK(c.ok());
    }
    CHECK(Counted::alive == 0);
}

TEST_CASE("every code has a name") {
    for (std::uint8_t code = 0; code <= static_cast<std::uint8_t>(ErrorCode::busy); ++code) {
        CHECK(name(static_cast<ErrorCode>(code)) != "unknown");
    }
    CHECK(name(static_cast<ErrorCode>(200)) == "unknown");
    CHECK(Exception(broken()).error().message == "broken");
}
