# tonari_tests(name folder): every .cpp of the folder becomes one Catch2 program test_<name>, each of its test cases
# one ctest test "<name>/<case>", labelled <name>. A folder without files is skipped.

if(TONARI_FETCH)
    tonari_fetch_catch2()
else()
    find_package(Catch2 REQUIRED)
endif()
include(Catch)

# What every test is compiled with.
add_library(tonari_test_support INTERFACE)
target_compile_features(tonari_test_support INTERFACE cxx_std_20)
target_include_directories(tonari_test_support INTERFACE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(tonari_test_support INTERFACE tonari::tonari Catch2::Catch2 Threads::Threads)
# Most of a test run from nothing is compiling tests, and less optimisation takes a third of that away. The library under test is
# compiled as it always is.
target_compile_options(tonari_test_support INTERFACE $<$<NOT:$<CONFIG:Debug>>:-O1>)

# Catch2's own main, compiled once: its version 2 needs ten seconds for it.
add_library(tonari_test_main OBJECT support/main.cpp)
target_link_libraries(tonari_test_main PRIVATE tonari_test_support)

# A user's own metric, under which every index is compiled once.
add_library(tonari_test_metric STATIC EXCLUDE_FROM_ALL support/chebyshev.cpp)
target_link_libraries(tonari_test_metric PRIVATE tonari_test_support)
tonari_warnings(tonari_test_metric)

# The precompiled header that all tests share.
add_library(tonari_test_header OBJECT support/catch.cpp)
target_link_libraries(tonari_test_header PRIVATE tonari_test_support)
target_precompile_headers(tonari_test_header PRIVATE support/catch.hpp)
tonari_warnings(tonari_test_header)

function(tonari_tests name folder)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cpp)
    if(NOT sources)
        return()
    endif()
    add_executable(test_${name} ${sources})
    target_link_libraries(test_${name} PRIVATE tonari_test_support tonari_test_main tonari_test_metric)
    target_precompile_headers(test_${name} REUSE_FROM tonari_test_header)
    tonari_warnings(test_${name})
    catch_discover_tests(test_${name}
        TEST_PREFIX ${name}/
        PROPERTIES
            LABELS ${name}
            TIMEOUT 600
            # TONARI_SKIP of support/catch.hpp
            SKIP_REGULAR_EXPRESSION "SKIPPED: ")
endfunction()

# tonari_script(name label command...): a test that is a program; 77 is its way to say that a tool is missing.
function(tonari_script name label)
    add_test(NAME ${name} COMMAND ${ARGN})
    set_tests_properties(${name} PROPERTIES LABELS ${label} SKIP_RETURN_CODE 77 TIMEOUT 1200)
endfunction()
