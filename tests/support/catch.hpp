// Catch2 for tonari's tests, version 2 (Debian 12) and version 3 alike. Tests include this, never Catch2 itself.
//
// Use TEST_CASE, TEMPLATE_TEST_CASE, SECTION, GENERATE, REQUIRE, CHECK, CAPTURE, INFO, REQUIRE_THROWS_AS and
// `Approx`: what both versions have. Where a test cannot run (no data, no such CPU), say TONARI_SKIP("why").
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif

// ctest counts a test that prints this as skipped (cmake/Testing.cmake). Catch2 2 has no SKIP.
#define TONARI_SKIP(reason)            \
    do {                               \
        WARN("SKIPPED: " << (reason)); \
        return;                        \
    } while (false)
