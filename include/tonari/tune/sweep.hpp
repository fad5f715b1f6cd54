// Recall against speed of one index: it is searched at one width (`ef` of a graph, `nprobe` of lists) after another, and timed.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>
#include <tonari/index/index.hpp>
#include <tonari/tune/curve.hpp>
#include <tonari/tune/recall.hpp>

namespace tonari::tune {

struct SweepOptions {
    unsigned threads = 1;             ///< 1: queries one at a time. More: batches over so many threads. Not 0.
    std::vector<std::size_t> widths;  ///< of graphs, `ef` to try; empty: `ladder`, stopping at `stop_recall`
    std::vector<std::size_t>
        nprobes;  ///< of lists, the same; empty: from 1 up. Lists that are graphs: each with every `ef`
    std::vector<float> patiences;  ///< of lists, each with every width; empty: none, all `nprobe` lists are looked at
    std::vector<float> refines;    ///< of codes with refinement, each with every width; empty: 1.5, 2 and 3
    std::size_t largest_width = 1200;  ///< where the ladder ends
    double stop_recall = 0.995;        ///< the ladder stops at the first width that reaches it
    std::size_t warm_up = 100;         ///< queries searched at each width before the clock runs
    double least_seconds = 0.5;        ///< the queries are searched again until so much time was measured ...
    std::size_t most_passes = 10;      ///< ... or they were searched so often; the fastest pass is reported
    /// Called after each width, from the calling thread: widths done, and how many there will be at most.
    std::function<void(std::size_t done, std::size_t at_most)> progress{};
};

/// The widths tried by default: k, then 10, 12, 16, 20, 24, 32, 40, 48, 64, ... up to and including `largest`.
TONARI_API std::vector<std::size_t> ladder(std::size_t k, std::size_t largest);

/// Measures the index on the scorer's queries, which must be given again as `queries`.
///
/// One thread: every query is timed by itself around the searcher's call; `qps` is queries by the time they took in
/// all. All figures of a point are those of its fastest pass: what other processes took from the slower ones is not
/// the index's doing. More threads: `qps` is that of one batch call over all queries, and the latencies are those of
/// single queries while all threads are busy with others.
///
/// After the ladder, widths are added halfway where recall made a large step, so that interpolation has points to
/// stand on. An index without a width (its answers say `exact`) gives one point with a width of 0.
/// Points come in order of their widths. Where rows are refined, each width is tried with each `refine`; where lists are graphs, each
/// `nprobe` with each `ef` (of those chosen for it, from k up until recall stays where it is); and lists with each of several `patiences`.
/// Then only the points that no other one beats in both recall and qps are answered, by recall ascending. Errors: those of a search.
TONARI_API Result<std::vector<CurvePoint>> sweep(const Index& index, MatrixView queries, const RecallScorer& scorer,
                                                 const SweepOptions& options = {});

}  // namespace tonari::tune
