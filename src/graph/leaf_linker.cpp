#include <tonari/graph/leaf_linker.hpp>

#include <algorithm>
#include <array>
#include <numeric>

#include <tonari/codec/query_panels.hpp>
#include <tonari/core/bytes.hpp>
#include <tonari/core/top_k.hpp>
#include <tonari/graph/link_table.hpp>
#include <tonari/graph/prune.hpp>
#include <tonari/graph/reverse_links.hpp>

namespace tonari {
namespace {

using Rows = PackedRows<Flat<AnyMetric>>;

constexpr std::size_t nearest_tried = 10;

}  // namespace

/// One thread's.
struct LeafLinker::Worker {
    explicit Worker(const Rows& of) : rows(of), scorer(rows.scorer()), prune(rows), query(rows.query_size()) {
        nearest.reset(nearest_tried);
    }
    void stand_at(RowId vertex) noexcept { rows.aim(scorer, rows.code(vertex), query.data()); }

    Rows rows;
    Rows::Scorer scorer;
    Pruner<Rows> prune;
    std::vector<std::byte> query;
    std::vector<Candidate> candidates;
    std::array<RowId, max_batch> links;
    TopK nearest;
};

bool LeafLinker::suits(const Flat<AnyMetric>& codec, std::size_t vertices, std::size_t ef_construction) noexcept {
    const KernelRows rows = kernel_rows_of(codec);
    return LeafPlan::pays(vertices, rows.code_size, ef_construction) &&
           (rows.element == Element::int8 || rows.element == Element::uint8) && QueryPanels::suits(rows);
}

LeafLinker::LeafLinker(const Flat<AnyMetric>& codec, const std::byte* codes, std::span<RowId> lists, std::size_t degree,
                       std::size_t ef_construction, const Threads& threads)
    : codec_(&codec),
      codes_(codes),
      lists_(lists),
      degree_(degree),
      threads_(threads),
      plan_(lists.size() / degree, ef_construction, degree) {
    for (unsigned i = 0; i < resolve_threads(threads); ++i) {
        workers_.push_back(std::make_unique<Worker>(Rows(codec, codes)));
        workers_.back()->candidates.reserve(plan_.candidates + degree);
    }
}
LeafLinker::~LeafLinker() = default;

Result<bool> LeafLinker::link(std::size_t linked, const ProgressFunction& progress) {
    constexpr double linked_out = 0.85;
    const auto done = link_out(linked, progress_between(progress, vertices(), 0, linked_out));
    if (done && *done) link_back(progress_between(progress, vertices(), linked_out, 1));
    return done;
}

/// Where the trial says that rows miss some of their nearest, each follows half as many leaders again; where they miss many, leaves do
/// not serve: rows lie in as many directions as they have values.
Result<bool> LeafLinker::link_out(std::size_t linked, const ProgressFunction& progress) {
    constexpr double enough = 0.8;
    constexpr double well = 0.95;
    const auto divide = [&] { return Leaves::divide(*codec_, codes_, vertices(), plan_.fan_out, threads_); };
    const auto look_in = [&](const Leaves& leaves) {
        return LeafNeighbours::create(*codec_, codes_, vertices(), leaves, plan_.kept, threads_);
    };
    auto leaves = divide();
    if (!leaves) return std::move(leaves).error();
    auto near = look_in(*leaves);
    if (!near) return std::move(near).error();
    const double brought = share_of_nearest(*near, linked);
    if (brought < enough) return false;
    if (brought < well) {
        plan_.fan_out.first += (plan_.fan_out.first + 1) / 2;
        leaves = divide();
        if (!leaves) return std::move(leaves).error();
        near = look_in(*leaves);
        if (!near) return std::move(near).error();
    }
    const auto share = [&](std::size_t vertex) {
        return static_cast<double>(vertex) / static_cast<double>(vertices());
    };
    for (std::size_t first = 0; first < vertices();) {
        const std::size_t last = near->slice_end(first);
        near->look(first, last, threads_, progress_between(progress, vertices(), share(first), share(last)));
        parallel_for(threads_, last - first, 16, [&](std::size_t from, std::size_t to, unsigned worker) {
            for (std::size_t i = first + from; i < first + to; ++i) {
                const auto vertex = static_cast<RowId>(i);
                link_out(vertex, near->of(vertex, plan_.candidates), *workers_[worker]);
            }
        });
        first = last;
    }
    return true;
}

/// Of the nearest of some vertices, from `first` on, the share that leaves bring them.
double LeafLinker::share_of_nearest(LeafNeighbours& near, std::size_t first) {
    constexpr std::size_t most_tried = 64;
    const std::size_t tried = std::min({most_tried, vertices() - first, near.slice_end(first) - first});
    near.look(first, first + tried, threads_, {});
    std::vector<std::size_t> found(tried);
    parallel_for(threads_, tried, 1, [&](std::size_t from, std::size_t to, unsigned worker) {
        for (std::size_t i = from; i < to; ++i) {
            const auto vertex = static_cast<RowId>(first + i);
            found[i] = count_nearest(vertex, near.of(vertex, plan_.candidates), *workers_[worker]);
        }
    });
    const std::size_t all = std::accumulate(found.begin(), found.end(), std::size_t{0});
    return static_cast<double>(all) / static_cast<double>(tried * nearest_tried);
}

/// How many of the nearest of all are candidates, which come in order.
std::size_t LeafLinker::count_nearest(RowId vertex, std::span<const OrderedKey> candidates,
                                      Worker& worker) const noexcept {
    worker.stand_at(vertex);
    worker.nearest.reset(nearest_tried);
    std::array<const std::byte*, max_batch> codes;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    std::array<float, max_batch> distances;         // NOLINT(cppcoreguidelines-pro-type-member-init)
    for (std::size_t start = 0; start < vertices(); start += max_batch) {
        const std::size_t count = std::min(max_batch, vertices() - start);
        for (std::size_t i = 0; i < count; ++i) codes[i] = worker.rows.code(static_cast<RowId>(start + i));
        worker.scorer.distances({codes.data(), count}, distances.data());
        for (std::size_t i = 0; i < count; ++i) {
            const auto other = static_cast<RowId>(start + i);
            if (other != vertex) worker.nearest.offer(distances[i], other);
        }
    }
    const auto nearest = worker.nearest.sort();
    return static_cast<std::size_t>(std::count_if(nearest.begin(), nearest.end(), [&](OrderedKey key) {
        return std::binary_search(candidates.begin(), candidates.end(), key);
    }));
}

void LeafLinker::link_out(RowId vertex, std::span<const OrderedKey> near, Worker& worker) noexcept {
    std::vector<Candidate>& candidates = worker.candidates;
    candidates.clear();
    for (const OrderedKey key : near) candidates.push_back(candidate_of(key));
    for (const RowId link : list(vertex)) {
        if (link == no_row) break;
        const auto end = candidates.begin() + static_cast<std::ptrdiff_t>(near.size());
        if (std::none_of(candidates.begin(), end, [&](const Candidate& one) { return one.row == link; })) {
            candidates.push_back({0, link});
        }
    }
    choose(vertex, candidates.size() == near.size(), worker);
}

void LeafLinker::link_back(const ProgressFunction& progress) {
    const ReverseLinks back(LinkTable(Bytes({}, std::as_bytes(lists_)), degree_), vertices());
    for (auto& worker : workers_) worker->candidates.reserve(degree_ + back.most());
    constexpr std::size_t slice = 65536;  // progress is told between two of them
    for (std::size_t start = 0; start < vertices(); start += slice) {
        const std::size_t count = std::min(slice, vertices() - start);
        parallel_for(threads_, count, 16, [&](std::size_t from, std::size_t to, unsigned worker) {
            for (std::size_t i = start + from; i < start + to; ++i) {
                const auto vertex = static_cast<RowId>(i);
                take_in(vertex, back.to(vertex), *workers_[worker]);
            }
        });
        if (progress) progress(start + count, vertices());
    }
}

void LeafLinker::take_in(RowId vertex, std::span<const RowId> sources, Worker& worker) noexcept {
    std::vector<Candidate>& candidates = worker.candidates;
    const std::span<RowId> links = list(vertex);
    const auto end = std::find(links.begin(), links.end(), no_row);
    candidates.clear();
    for (const RowId source : sources) {
        if (std::find(links.begin(), end, source) == end) candidates.push_back({0, source});
    }
    if (candidates.size() <= static_cast<std::size_t>(links.end() - end)) {
        std::transform(candidates.begin(), candidates.end(), end, [](const Candidate& one) { return one.row; });
        return;
    }
    for (auto link = links.begin(); link != end; ++link) candidates.push_back({0, *link});
    choose(vertex, false, worker);
}

/// The diverse ones of its candidates become the vertex's links. `ranked`: they come nearest first, with their distances.
void LeafLinker::choose(RowId vertex, bool ranked, Worker& worker) noexcept {
    if (!ranked) {
        worker.stand_at(vertex);
        rank(worker.rows, worker.scorer, worker.candidates);
    }
    const std::span<RowId> links = list(vertex);
    const std::size_t kept = worker.prune(worker.candidates, degree_, worker.links.data());
    std::fill(std::copy_n(worker.links.begin(), kept, links.begin()), links.end(), no_row);
}

}  // namespace tonari
