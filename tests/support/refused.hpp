// Specs that do not fit, and the words that say why.
#pragma once

#include <string_view>

#include <tonari/index/build.hpp>

#include "support/catch.hpp"
#include "support/rows.hpp"

namespace tonari::test {

/// A build over these rows is an invalid argument, whose message has `words`.
inline void refused(const char* spec, const Rows& rows, std::string_view words) {
    const auto index = build(spec, MetricKind::l2, rows.view());
    REQUIRE_FALSE(index.ok());
    INFO(index.error().message);
    CHECK(index.error().code == ErrorCode::invalid_argument);
    CHECK(index.error().message.find(words) != std::string::npos);
}

}  // namespace tonari::test
