# TONARI_FETCH=ON: every dependency is downloaded, at a version and hash that are written here, into the build folder.
# For machines where nothing may be installed. HDF5 is not among them: the command is built without it.

include(FetchContent)
include(FetchArchive)
if(POLICY CMP0135)
    cmake_policy(SET CMP0135 NEW)    # files get the time of their extraction, not of their release
endif()

# tonari_fetch_source(name url sha256): downloads and unpacks, sets <name>_SOURCE_DIR, builds nothing of it.
macro(tonari_fetch_source name url sha256)
    tonari_fetch_archive(${name} ${url} ${sha256} ${name}_archive)
    FetchContent_Declare(${name} URL ${${name}_archive} URL_HASH SHA256=${sha256} SOURCE_SUBDIR only-its-files)
    FetchContent_MakeAvailable(${name})
endmacro()

tonari_fetch_source(tonari_xsimd
    https://github.com/xtensor-stack/xsimd/archive/8.1.0.tar.gz
    d52551360d37709675237d2a0418e28f70995b5b7cdad7c674626bcfbbf48328)
tonari_fetch_source(tonari_xxhash
    https://github.com/Cyan4973/xxHash/archive/refs/tags/v0.8.2.tar.gz
    baee0c6afd4f03165de7a4e67988d16f0f2b257b51d0e3cb91909302a26a79c4)
tonari_fetch_source(tonari_eigen
    https://gitlab.com/libeigen/eigen/-/archive/3.4.0/eigen-3.4.0.tar.gz
    8586084f71f9bde545ee7fa6d00288b264a2b7ac3607b974e54d13e7162c1c72)
tonari_fetch_source(tonari_boost
    https://github.com/boostorg/boost/releases/download/boost-1.84.0/boost-1.84.0.tar.xz
    2e64e5d79a738d0fa6fb546c6e5c2bd28f88d268a2a080546f74e5ff98f29d0e)

# Boost keeps each library's headers apart; Interprocess needs about twenty of them.
file(GLOB tonari_boost_includes ${tonari_boost_SOURCE_DIR}/libs/*/include)
target_include_directories(tonari_private_headers SYSTEM INTERFACE
    ${tonari_xsimd_SOURCE_DIR}/include ${tonari_xxhash_SOURCE_DIR} ${tonari_eigen_SOURCE_DIR} ${tonari_boost_includes})

# What only parts of the tree need is fetched by them, and built where it is not of headers alone.

macro(tonari_fetch_tool_dependencies)
    tonari_fetch_source(tonari_cli11
        https://github.com/CLIUtils/CLI11/archive/refs/tags/v2.5.0.tar.gz
        17e02b4cddc2fa348e5dbdbb582c59a3486fa2b2433e70a0c3bacb871334fd55)
    tonari_fetch_source(tonari_json
        https://github.com/nlohmann/json/releases/download/v3.11.3/json.tar.xz
        d6c65aca6b1ed68e7a182f4757257b107ae403032760ed6ef121c9d55e81757d)
    foreach(library CLI11::CLI11 nlohmann_json::nlohmann_json)
        if(NOT TARGET ${library})
            add_library(${library} INTERFACE IMPORTED)
        endif()
    endforeach()
    target_include_directories(CLI11::CLI11 SYSTEM INTERFACE ${tonari_cli11_SOURCE_DIR}/include)
    target_include_directories(nlohmann_json::nlohmann_json SYSTEM INTERFACE ${tonari_json_SOURCE_DIR}/include)
endmacro()

macro(tonari_fetch_catch2)
    tonari_fetch_archive(Catch2
        https://github.com/catchorg/Catch2/archive/refs/tags/v3.7.0.tar.gz
        5b10cd536fa3818112a82820ce0787bd9f2a906c618429e7c4dea639983c8e88 catch2_archive)
    FetchContent_Declare(Catch2 URL ${catch2_archive})
    FetchContent_MakeAvailable(Catch2)
    list(APPEND CMAKE_MODULE_PATH ${catch2_SOURCE_DIR}/extras)    # catch_discover_tests
endmacro()

macro(tonari_fetch_benchmark)
    set(BENCHMARK_ENABLE_TESTING OFF CACHE INTERNAL "")
    set(BENCHMARK_ENABLE_INSTALL OFF CACHE INTERNAL "")
    tonari_fetch_archive(benchmark
        https://github.com/google/benchmark/archive/refs/tags/v1.9.4.tar.gz
        b334658edd35efcf06a99d9be21e4e93e092bd5f95074c1673d5c8705d95c104 benchmark_archive)
    FetchContent_Declare(benchmark URL ${benchmark_archive})
    FetchContent_MakeAvailable(benchmark)
endmacro()
