// What a build may be told beside its spec.
#pragma once

#include <cstddef>
#include <cstdint>

#include <tonari/core/parallel.hpp>
#include <tonari/core/progress.hpp>

namespace tonari {

struct BuildOptions {
    Threads threads{};                  ///< any number gives the same bytes
    std::size_t ef_construction = 200;  ///< graphs: candidates kept while looking for a new row's neighbours
    std::uint64_t seed = 42;            ///< graphs: which rows stand on the upper layers; IVF: what is trained on
    /// IVF: how much it counts against a list that it is longer than others (`KMeansOptions::balance`), under l2, ip and
    /// cosine; 0: rows go to their nearest centroid, as rows that are added to growing lists always do. 0.05 to 0.2 are of use.
    /// Others ignore it.
    float balance = 0;
    /// Called now and then with (rows done, rows in all), from the calling thread. What is done before and after rows are
    /// inserted (IVF: training) counts as the rows that would take about as long.
    ProgressFunction progress{};
};

}  // namespace tonari
