#include <tonari/tune/sweep.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include <tonari/core/clock.hpp>
#include <tonari/index/fused_hnsw.hpp>
#include <tonari/index/index_model.hpp>

namespace tonari::tune {
namespace {

/// Widths added between two neighbours whose -log(1 - recall) differ by more than this (a factor 1.6 in misses).
constexpr double large_step = 0.47;
constexpr double least_miss = 1e-3;  // nearer to 1 no refinement is worth its time

double place(double recall) noexcept { return -std::log(std::max(1 - recall, least_miss)); }

double microseconds(Clock::duration time) noexcept { return std::chrono::duration<double, std::micro>(time).count(); }

/// The value that `share` of the sorted values do not exceed (nearest rank).
double percentile(const std::vector<double>& sorted, double share) noexcept {
    if (sorted.empty()) return 0;
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
    return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

/// What is set beside the width.
struct Beside {
    float refine = SearchOptions{}.refine;
    std::size_t ef = SearchOptions{}.ef;  ///< where lists are graphs
    float patience = 0;                   ///< of lists
};

/// Measures one index on one set of queries, width by width.
class Stopwatch {
public:
    Stopwatch(const Index& index, MatrixView queries, const RecallScorer& scorer, const SweepOptions& options)
        : index_(index),
          queries_(queries),
          scorer_(scorer),
          options_(options),
          lists_(index.model().spec().lists),
          graphs_(index.model().spec().kind == IndexKind::ivf_hnsw),
          refines_(index.model().spec().fine && !FusedHnsw::is_named_by(index.model().spec())) {
        for (unsigned worker = 0; worker < options.threads; ++worker) searchers_.push_back(index.searcher());
        ids_.resize(queries.rows() * scorer.k());
    }

    /// 0: it has none.
    [[nodiscard]] std::size_t lists() const noexcept { return lists_; }

    [[nodiscard]] bool refines() const noexcept { return refines_; }
    /// Lists that are graphs: `nprobe` and `ef` both say how far a search goes.
    [[nodiscard]] bool has_two_widths() const noexcept { return graphs_; }
    /// Not where every row's code is compared.
    [[nodiscard]] bool has_width() const noexcept { return index_.model().spec().kind != IndexKind::flat; }

    /// `width` is `nprobe` or `ef`, the first of them that the index has.
    Result<CurvePoint> measure(std::size_t width, const Beside& beside) {
        search_.k = scorer_.k();
        search_.refine = beside.refine;
        search_.patience = beside.patience;
        if (graphs_) search_.ef = beside.ef;
        (lists_ > 0 ? search_.nprobe : search_.ef) = width;
        if (Status warm = warm_up(); !warm) return warm;
        std::fill(ids_.begin(), ids_.end(), no_id);
        double all_seconds = 0;
        double best_seconds = std::numeric_limits<double>::infinity();
        std::vector<double> best_microseconds;
        for (std::size_t pass = 0; pass < options_.most_passes || pass == 0; ++pass) {
            const Result<double> seconds = options_.threads == 1 ? one_at_a_time() : batch();
            if (!seconds) return seconds.error();
            if (*seconds < best_seconds) {
                best_seconds = *seconds;
                std::swap(best_microseconds, microseconds_);
            }
            all_seconds += *seconds;
            if (all_seconds >= options_.least_seconds) break;
        }
        if (options_.threads > 1) {
            if (Status alone = while_all_are_busy(); !alone) return alone;
            std::swap(best_microseconds, microseconds_);
        }
        return point_of(width, best_seconds, std::move(best_microseconds));
    }

    /// Whether the index compares every row anyway, and so has no width to set.
    Result<bool> always_exact() {
        search_.k = scorer_.k();
        search_.ef = scorer_.k();
        search_.nprobe = 1;
        Result<Nearest> nearest = searchers_.front()(queries_.row(0), search_);
        if (!nearest) return nearest.error();
        return nearest->outcome.exact;
    }

private:
    [[nodiscard]] CurvePoint point_of(std::size_t width, double seconds, std::vector<double> microseconds) const {
        std::sort(microseconds.begin(), microseconds.end());
        const double sum = std::accumulate(microseconds.begin(), microseconds.end(), 0.0);
        CurvePoint point;
        if (has_width()) (lists_ > 0 ? point.nprobe : point.ef) = width;
        if (graphs_) point.ef = search_.ef;
        if (refines_) point.refine = search_.refine;
        if (lists_ > 0 && !options_.patiences.empty()) point.patience = search_.patience;
        point.recall = scorer_.recall(ids_, scorer_.k());
        point.qps = seconds > 0 ? static_cast<double>(queries_.rows()) / seconds : 0;
        point.mean_us = sum / static_cast<double>(microseconds.size());
        point.p50_us = percentile(microseconds, 0.5);
        point.p99_us = percentile(microseconds, 0.99);
        return point;
    }

    Status warm_up() {
        const std::size_t count = std::min(options_.warm_up, queries_.rows());
        for (Searcher& searcher : searchers_) {
            for (std::size_t query = 0; query < count; ++query) {
                const Result<Nearest> nearest = searcher(queries_.row(query), search_);
                if (!nearest) return nearest.error();
            }
        }
        return {};
    }

    Result<double> one_at_a_time() {
        Searcher& searcher = searchers_.front();
        microseconds_.clear();
        double total = 0;
        for (std::size_t query = 0; query < queries_.rows(); ++query) {
            const RowView row = queries_.row(query);
            const Clock::time_point start = Clock::now();
            const Result<Nearest> nearest = searcher(row, search_);
            const double took = microseconds(Clock::now() - start);
            if (!nearest) return nearest.error();
            microseconds_.push_back(took);
            total += took;
            for (std::size_t i = 0; i < nearest->size(); ++i) ids_[query * search_.k + i] = (*nearest)[i].id;
        }
        return total * 1e-6;
    }

    Result<double> batch() {
        SearchOptions search = search_;
        search.threads.count = options_.threads;
        const Clock::time_point start = Clock::now();
        const Result<Answers> answers = index_.search(queries_, search);
        const double took = microseconds(Clock::now() - start);
        if (!answers) return answers.error();
        ids_ = answers->ids;
        return took * 1e-6;
    }

    Status while_all_are_busy() {
        microseconds_.assign(queries_.rows(), 0);
        std::vector<Status> failures(searchers_.size());
        Threads threads;
        threads.count = options_.threads;
        parallel_for(threads, queries_.rows(), 1, [&](std::size_t first, std::size_t last, unsigned worker) {
            for (std::size_t query = first; query < last; ++query) {
                const Clock::time_point start = Clock::now();
                const Result<Nearest> nearest = searchers_[worker](queries_.row(query), search_);
                microseconds_[query] = microseconds(Clock::now() - start);
                if (!nearest) failures[worker] = nearest.error();
            }
        });
        for (const Status& failure : failures) {
            if (!failure) return failure;
        }
        return {};
    }

    const Index& index_;
    MatrixView queries_;
    const RecallScorer& scorer_;
    const SweepOptions& options_;
    std::size_t lists_;
    bool graphs_;
    bool refines_;
    std::vector<Searcher> searchers_;  // one a thread
    SearchOptions search_;
    std::vector<Id> ids_;
    std::vector<double> microseconds_;
};

/// Halfway between neighbours that stand far apart in recall.
std::vector<std::size_t> gaps(const std::vector<CurvePoint>& points) {
    std::vector<std::size_t> widths;
    for (std::size_t i = 1; i < points.size(); ++i) {
        const CurvePoint& low = points[i - 1];
        const CurvePoint& high = points[i];
        if (place(high.recall) - place(low.recall) > large_step && width_of(high) > width_of(low) + 1) {
            widths.push_back(width_of(low) + (width_of(high) - width_of(low)) / 2);
        }
    }
    return widths;
}

/// What is tried of `lists` lists: 1, 2, 3, 4, 6, 8, 10, 12, 16, ... up to all.
std::vector<std::size_t> probes(std::size_t lists) {
    std::vector<std::size_t> widths{1, 2, 3, 4, 6, 8};
    for (const std::size_t width : ladder(10, std::max<std::size_t>(lists, 10))) widths.push_back(width);
    std::erase_if(widths, [lists](std::size_t width) { return width > lists; });
    return widths;
}

/// The second knob's values, in ascending order.
std::vector<Beside> second_knob(const Stopwatch& stopwatch, std::size_t k, const SweepOptions& options) {
    std::vector<Beside> values;
    if (stopwatch.has_two_widths()) {
        std::vector<std::size_t> widths = options.widths;
        if (widths.empty()) {
            for (std::size_t ef = k; ef <= std::max(k, options.largest_width); ef += (ef + 1) / 2) widths.push_back(ef);
        }
        std::sort(widths.begin(), widths.end());
        widths.erase(std::unique(widths.begin(), widths.end()), widths.end());
        for (const std::size_t ef : widths) values.push_back({.ef = ef});
        return values;
    }
    if (!stopwatch.refines()) return {Beside{}};
    for (const float refine : options.refines.empty() ? std::vector<float>{1.5F, 2, 3} : options.refines) {
        values.push_back({.refine = refine});
    }
    return values;
}

/// How patient a search is with its lists.
std::vector<float> patiences(const Stopwatch& stopwatch, const SweepOptions& options) {
    if (stopwatch.lists() == 0 || options.patiences.empty()) return {0};
    return options.patiences;
}

}  // namespace

std::vector<std::size_t> ladder(std::size_t k, std::size_t largest) {
    std::vector<std::size_t> widths{k};
    const auto offer = [&](std::size_t width) {
        if (width > widths.back() && width < largest) widths.push_back(width);
    };
    for (const std::size_t width : {std::size_t{10}, std::size_t{12}}) offer(width);
    for (std::size_t power = 16; power < largest; power *= 2) {
        for (std::size_t quarters = 4; quarters <= 6; ++quarters) offer(power * quarters / 4);
    }
    if (largest > widths.back()) widths.push_back(largest);
    return widths;
}

Result<std::vector<CurvePoint>> sweep(const Index& index, MatrixView queries, const RecallScorer& scorer,
                                      const SweepOptions& options) {
    if (options.threads == 0) {
        return Error{ErrorCode::invalid_argument, "sweep: expected at least 1 thread, got 0"};
    }
    if (queries.rows() != scorer.queries() || queries.empty()) {
        return Error{ErrorCode::invalid_argument, "sweep: expected the scorer's " + std::to_string(scorer.queries()) +
                                                      " queries (at least 1), got " + std::to_string(queries.rows())};
    }
    Stopwatch stopwatch(index, queries, scorer, options);
    const Result<bool> exact = stopwatch.always_exact();
    if (!exact) return exact.error();
    std::vector<CurvePoint> points;
    if (*exact) {
        Result<CurvePoint> point = stopwatch.measure(scorer.k(), {});
        if (!point) return point.error();
        point->ef = point->nprobe = 0;
        points.push_back(*point);
        if (options.progress) options.progress(1, 1);
        return points;
    }
    std::vector<std::size_t> widths = stopwatch.lists() > 0 ? options.nprobes : options.widths;
    const bool chosen = !widths.empty();
    if (!chosen) widths = stopwatch.lists() > 0 ? probes(stopwatch.lists()) : ladder(scorer.k(), options.largest_width);
    if (!stopwatch.has_width()) widths = {scorer.k()};
    std::sort(widths.begin(), widths.end());
    widths.erase(std::unique(widths.begin(), widths.end()), widths.end());
    const std::vector<Beside> seconds = second_knob(stopwatch, scorer.k(), options);
    const std::vector<float> thirds = patiences(stopwatch, options);
    const bool until_level = stopwatch.has_two_widths() && options.widths.empty();
    constexpr double level = 5e-4;  // a wider walk that finds no more than so much of what is wanted finds nothing
    std::vector<CurvePoint> best;   // by width
    const auto measure = [&](std::size_t width) -> Status {
        bool first = true;
        for (const float patience : thirds) {
            double before = 0;  // this patience's
            for (std::size_t i = 0; i < seconds.size(); ++i) {
                Beside beside = seconds[i];
                beside.patience = patience;
                const Result<CurvePoint> point = stopwatch.measure(width, beside);
                if (!point) return point.error();
                points.push_back(*point);
                if (std::exchange(first, false)) {
                    best.push_back(*point);
                } else if (point->recall > best.back().recall) {
                    best.back() = *point;
                }
                if (until_level && i > 0 && point->recall < before + level) break;
                before = std::max(before, point->recall);
            }
        }
        return {};
    };
    for (std::size_t i = 0; i < widths.size(); ++i) {
        if (Status s = measure(widths[i]); !s) return s;
        if (options.progress) options.progress(i + 1, widths.size());
        if (!chosen && best.back().recall >= options.stop_recall) break;
    }
    if (!chosen && stopwatch.has_width()) {
        for (const std::size_t width : gaps(best)) {
            if (Status s = measure(width); !s) return s;
        }
    }
    if (stopwatch.refines() || stopwatch.has_two_widths() || thirds.size() > 1) return pareto_front(points);
    std::sort(points.begin(), points.end(),
              [](const CurvePoint& a, const CurvePoint& b) { return width_of(a) < width_of(b); });
    return points;
}

}  // namespace tonari::tune
