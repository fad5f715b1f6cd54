// What a build may be told beside its spec.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include <tonari/core/parallel.hpp>

namespace tonari {

struct BuildOptions {
    Threads threads{};                  ///< any number gives the same bytes
    std::size_t ef_construction = 200;  ///< graphs: candidates kept while looking for a new row's neighbours
    std::uint64_t seed = 42;            ///< graphs: which rows stand on the upper layers
    /// Called now and then with (rows done, rows in all), from the calling thread.
    std::function<void(std::size_t done, std::size_t total)> progress{};
};

}  // namespace tonari
