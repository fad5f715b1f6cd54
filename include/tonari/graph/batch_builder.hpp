// Builds an HNSW graph, the same bytes for any number of threads.
//
// Rows are inserted in batches that grow with the graph (prefix doubling, as in ParlayANN: Manohar et al., 2024):
//   1. every row of the batch looks for its neighbours in the graph of the rows before the batch   (parallel over rows)
//   2. it keeps the diverse ones as its links, as many as a list holds                             (same)
//   3. the links are turned round, grouped by target; every target takes them in, pruning if full  (parallel over targets)
//
// Most rows of many need no search: by codes of 8 bits just those of the upper layers are inserted so, and on layer 0 all get their
// candidates at once from leaves, groups of rows that lie near each other (graph/leaf_linker.hpp). A search waits for the memory of
// each row that it meets, and compares it alone; a leaf lies in a cache, and is compared with itself by products of blocks.
//
// Invariants
//   - During 1 and 2 no list that a search can reach is written: a batch's rows write only lists of their own.
//   - During 3 each target's list has one writer, and its new links come sorted by source.
//   - So nothing depends on the order in which threads run.
//   - At the end every vertex can be reached from the entry on layer 0 (`mend`), and is numbered breadth first.
//   - Step 1 may walk by other codes than those by which the candidates that it finds are ranked and pruned (`walk_by`): shorter
//     ones, which need not order what is near, only find it.
//   - Distances while inserting may be rougher than those that searches will use: then `recode` goes between, and the
//     vertices that the rough distances could not place are looked for with the true ones (`confirm`).
//   - Rows come numbered with the upper layers' first (graph/layers.hpp): when a row of layer l is inserted, every row
//     in the graph stands on layer l or above, so one search on layer 0 finds the candidates for all its layers.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <tonari/codec/flat.hpp>
#include <tonari/core/aligned.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/progress.hpp>
#include <tonari/graph/beam_search.hpp>
#include <tonari/graph/frontier.hpp>
#include <tonari/graph/layers.hpp>
#include <tonari/graph/leaf_linker.hpp>
#include <tonari/graph/prune.hpp>
#include <tonari/graph/reorder.hpp>

namespace tonari {

struct GraphParams {
    std::size_t links = 16;  ///< M: at most so many links a vertex on each layer, and 2M on layer 0
    std::size_t ef_construction = 200;
    bool by_leaves = true;  ///< candidates may come from leaves, where that is faster
};

/// How far off a rough distance from a vertex may be that truly is `distance`.
using VertexError = std::function<float(RowId vertex, float distance)>;

template <class Codec>
class BatchBuilder {
public:
    /// `codes` are the rows in vertex order; `counts[l]` of them, the first, stand on layer l. At the end they are
    /// moved to their final numbers.
    BatchBuilder(const Codec& codec, std::byte* codes, std::vector<std::size_t> counts, GraphParams params,
                 Threads threads, ProgressFunction progress)
        : codec_(&codec),
          codes_(codes),
          walk_codec_(&codec),
          walk_codes_(codes),
          counts_(std::move(counts)),
          params_(params),
          threads_(threads),
          progress_(std::move(progress)) {}

    struct Built {
        Layers layers;
        std::vector<RowId> new_number;  ///< where vertex i went
    };

    Result<Built> build() {
        if (Status inserted = insert_all(); !inserted) return inserted;
        return finish();
    }

    /// The same in steps. At first, where searches for candidates are to go by other codes of the vertices while these are inserted,
    /// those codes, which live until `recode`;
    void walk_by(const Codec& codec, const std::byte* codes) noexcept {
        walk_codec_ = &codec;
        walk_codes_ = codes;
    }
    /// then every vertex is inserted;
    Status insert_all() {
        if (Status room = allocate(); !room) return room;
        const std::size_t inserted = insert_from(1, goes_by_leaves() ? counts_[1] : vertices());
        if (inserted == vertices()) return {};
        const auto linked = link_by_leaves(inserted);
        if (!linked) return linked.error();
        if (!*linked) insert_from(inserted, vertices());
        return {};
    }
    /// then, if they were inserted by rough distances, the true ones take over: the vertices' codes by which they
    /// will be searched. The old ones are not looked at again.
    void recode(const Codec& codec, std::byte* codes) {
        codec_ = &codec;
        codes_ = codes;
        walk_by(codec, codes);
        for (auto& worker : workers_) worker = std::make_unique<Worker>(*this);
    }
    /// A vertex whose links differ in distance by no more than the rough distances' error lies where those were blind
    /// (far off from everything, or in a dense cloud). It is searched for, and linked to from where the search ends.
    /// `error` is the standard deviation.
    void confirm(const VertexError& error, const ProgressFunction& progress) {
        constexpr std::size_t slice = 65536;  // progress is told between two of them
        std::vector<RowId> from(vertices(), no_row);
        for (std::size_t start = 0; start < vertices(); start += slice) {
            const std::size_t count = std::min(slice, vertices() - start);
            parallel_for(threads_for(count), count, 64, [&](std::size_t first, std::size_t last, unsigned worker) {
                for (std::size_t i = start + first; i < start + last; ++i) {
                    const auto vertex = static_cast<RowId>(i);
                    if (is_blind(vertex, error, workers_[worker]->first)) {
                        from[i] = where_a_search_ends(vertex, workers_[worker]->first);
                    }
                }
            });
            if (progress) progress(start + count, vertices());
        }
        for (std::size_t i = 0; i < vertices(); ++i) {
            if (from[i] != no_row) lead_to(static_cast<RowId>(i), from[i]);
        }
    }
    /// and at the end everything is made reachable and gets its final number.
    Built finish() {
        mend();
        return renumber();
    }

private:
    /// A link turned round: `target` hears of `source`.
    struct Edge {
        RowId target;
        RowId source;
        float distance;
    };
    /// Where a vertex looks for its neighbours. Its distances are from that vertex.
    struct Seat {
        explicit Seat(const BatchBuilder& builder)
            : scorer(builder.codec_->scorer()),
              walk_scorer(builder.walk_codec_->scorer()),
              query(builder.codec_->query_size()),
              walk_query(builder.walk_codec_->query_size()) {
            const std::size_t degree = 2 * builder.params_.links;
            visited.reserve(builder.vertices());
            frontier.reset(std::max(builder.params_.ef_construction, degree));
            candidates.reserve(std::max(builder.params_.ef_construction, degree + largest_batch));
        }
        using Expander = SplitExpander<typename Codec::Scorer>;

        typename Codec::Scorer scorer;
        typename Codec::Scorer walk_scorer;
        VisitedSet visited;
        PoolFrontier frontier;
        Expansion expansion;
        std::optional<Expander> expander;
        std::optional<BeamSearch<Expander, PoolFrontier>> walk;
        std::vector<std::byte> query;
        std::vector<std::byte> walk_query;
        std::vector<Candidate> candidates;
    };
    /// Of a thread. Vertices that are inserted look for their neighbours two by two: while one compares, what the other has asked memory
    /// for comes. (As in index/walk_batch.hpp.)
    struct Worker {
        /// The only place that allocates.
        explicit Worker(const BatchBuilder& builder)
            : first(builder), second(builder), prune(PackedRows<Codec>(*builder.codec_, builder.codes_)) {}
        Seat first;
        Seat second;
        Pruner<PackedRows<Codec>> prune;
        std::array<RowId, max_batch> links;
    };

    [[nodiscard]] std::size_t vertices() const noexcept { return counts_[0]; }
    [[nodiscard]] std::size_t degree(std::size_t layer) const noexcept {
        return layer == 0 ? 2 * params_.links : params_.links;
    }
    [[nodiscard]] RowId* list(std::size_t layer, RowId vertex) noexcept {
        return buffers_[layer].template as<RowId>().data() + std::size_t{vertex} * degree(layer);
    }
    [[nodiscard]] const std::byte* code(RowId vertex) const noexcept {
        return codes_ + std::size_t{vertex} * codec_->code_size();
    }
    [[nodiscard]] const std::byte* walk_code(RowId vertex) const noexcept {
        return walk_codes_ + std::size_t{vertex} * walk_codec_->code_size();
    }
    /// Distances are from this vertex from now on.
    void stand_at(RowId vertex, Seat& seat) const noexcept {
        seat.scorer.set_query(codec_->as_query(code(vertex), seat.query.data()));
        seat.walk_scorer.set_query(walk_codec_->as_query(walk_code(vertex), seat.walk_query.data()));
    }

    /// Inserts batches until so many vertices are in the graph, or some more: how many.
    std::size_t insert_from(std::size_t first, std::size_t enough) {
        while (first < enough) {
            const std::size_t last = std::min(vertices(), first + batch_size(first));
            insert(first, last);
            first = last;
            if (progress_) progress_(first, vertices());
        }
        return first;
    }
    /// Rows of one batch do not see each other: a batch is a small part of the graph it is added to. (With a 32nd,
    /// sift-128 had a quarter of a point less recall at ef 10, about what one build differs from another.)
    static std::size_t batch_size(std::size_t inserted) noexcept {
        constexpr std::size_t part = 128;
        return std::clamp<std::size_t>(inserted / part, 1, largest_batch);
    }

    /// The first batches are small: waking threads for a row or two, on a busy machine, takes longer than the rows do.
    /// (With 16 rows a thread, two threads had nothing to share before row 4,096.)
    [[nodiscard]] Threads threads_for(std::size_t rows) const noexcept {
        constexpr std::size_t rows_per_thread = 4;
        Threads threads = threads_;
        threads.count = static_cast<unsigned>(std::clamp<std::size_t>(rows / rows_per_thread, 1, workers_.size()));
        return threads;
    }

    Status allocate() {
        for (std::size_t layer = 0; layer < counts_.size(); ++layer) {
            auto buffer = AlignedBuffer::allocate(counts_[layer] * degree(layer) * sizeof(RowId));
            if (!buffer) return std::move(buffer).error();
            std::memset(buffer->data(), 0xff, buffer->size());  // no_row everywhere
            buffers_.push_back(*std::move(buffer));
            tables_.emplace_back(Bytes({}, buffers_.back().span()), degree(layer));
        }
        const unsigned workers = resolve_threads(threads_);
        for (unsigned i = 0; i < workers; ++i) workers_.push_back(std::make_unique<Worker>(*this));
        return {};
    }

    void insert(std::size_t first, std::size_t last) {
        edges_.resize(counts_.size());
        for (std::size_t layer = 0; layer < counts_.size(); ++layer) {
            const std::size_t here = std::min(last, counts_[layer]);
            edges_[layer].assign(here > first ? (here - first) * degree(layer) : 0, Edge{no_row, 0, 0});
        }
        // Two rows at a time: a batch ends when its last piece does, and a row takes far longer than handing it out.
        parallel_for(threads_for(last - first), last - first, 2,
                     [&](std::size_t from, std::size_t to, unsigned worker) {
                         for (std::size_t i = from; i < to; i += 2) {
                             link_out(static_cast<RowId>(first + i), std::min<std::size_t>(to - i, 2), first, i,
                                      *workers_[worker]);
                         }
                     });
        for (std::size_t layer = 0; layer < counts_.size() && !edges_[layer].empty(); ++layer) link_back(layer);
    }

    /// Steps 1 and 2 for one row or two, the second of which is the next. `inserted` rows are in the graph; `slot` is the first one's place
    /// in the batch.
    void link_out(RowId vertex, std::size_t count, std::size_t inserted, std::size_t slot, Worker& worker) noexcept {
        start_search(vertex, inserted, worker.first);
        if (count == 2) {
            start_search(vertex + 1, inserted, worker.second);
            walk_in_turn(*worker.first.walk, *worker.second.walk);
        }
        end_search(worker.first);
        keep_links(vertex, slot, worker.first, worker);
        if (count < 2) return;
        end_search(worker.second);
        keep_links(vertex + 1, slot + 1, worker.second, worker);
    }
    /// Until one of them is over.
    template <class Walk>
    static void walk_in_turn(Walk& one, Walk& other) noexcept {
        while (one.begin_step()) {
            const bool goes_on = other.begin_step();
            one.end_step();
            if (!goes_on) return;
            other.end_step();
        }
    }
    void start_search(RowId vertex, std::size_t inserted, Seat& seat) noexcept {
        stand_at(vertex, seat);
        start_search(inserted, height_of(vertex), params_.ef_construction, seat);
    }
    /// Layers that the vertex stands on.
    [[nodiscard]] std::size_t height_of(RowId vertex) const noexcept {
        std::size_t height = 0;
        while (height < counts_.size() && vertex < counts_[height]) ++height;
        return height;
    }
    /// Links of the candidates that were found. They are kept until the list is full, as in faiss; with the paper's M, of the 2M that layer 0
    /// has room for, recall@10 at ef 10 was half a point less, at about as many distances for equal recall.
    void keep_links(RowId vertex, std::size_t slot, const Seat& seat, Worker& worker) noexcept {
        for (std::size_t layer = 0; layer < height_of(vertex); ++layer) {
            const std::size_t kept = worker.prune(seat.candidates, degree(layer), worker.links.data());
            std::copy_n(worker.links.data(), kept, list(layer, vertex));
            Edge* edge = edges_[layer].data() + slot * degree(layer);
            std::size_t next = 0;  // links come in the order of the candidates
            for (std::size_t i = 0; i < kept; ++i) {
                while (seat.candidates[next].row != worker.links[i]) ++next;
                *edge++ = {worker.links[i], vertex, seat.candidates[next].distance};
            }
        }
    }

    /// The `ef` rows nearest to where the seat stands among the first `inserted`, reached by way of the layers from
    /// `lowest` up.
    void find_candidates(std::size_t inserted, std::size_t lowest, std::size_t ef, Seat& seat) noexcept {
        start_search(inserted, lowest, ef, seat);
        end_search(seat);
    }
    void start_search(std::size_t inserted, std::size_t lowest, std::size_t ef, Seat& seat) noexcept {
        const std::byte* entry = walk_code(0);
        const std::size_t size = walk_codec_->code_size();
        Candidate best{0, 0};
        seat.walk_scorer.distances({&entry, 1}, &best.distance);
        std::uint32_t distances = 0;
        for (std::size_t layer = counts_.size(); layer-- > std::max<std::size_t>(lowest, 1);) {
            best = descend(tables_[layer], walk_codes_, size, counts_[layer], seat.walk_scorer, seat.expansion, best,
                           distances);
        }
        seat.visited.clear();
        seat.visited.insert(best.row);
        seat.frontier.reset(ef);
        seat.expander.emplace(tables_[0], walk_codes_, size, inserted, seat.walk_scorer, seat.visited);
        seat.walk.emplace(*seat.expander, seat.frontier, seat.expansion);
        seat.walk->start(best.row, best.distance);
    }
    void end_search(Seat& seat) noexcept {
        while (seat.walk->step()) {
        }
        seat.candidates.clear();
        for (const OrderedKey key : seat.frontier.answers()) seat.candidates.push_back(candidate_of(key));
        if (walk_codes_ != codes_) rank(PackedRows<Codec>(*codec_, codes_), seat.scorer, seat.candidates);
    }
    /// Step 3 on one layer.
    void link_back(std::size_t layer) {
        std::vector<Edge>& edges = edges_[layer];
        std::erase_if(edges, [](const Edge& edge) { return edge.target == no_row; });
        std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) {
            return a.target != b.target ? a.target < b.target : a.source < b.source;
        });
        groups_.clear();
        for (std::size_t i = 0; i < edges.size(); ++i) {
            if (i == 0 || edges[i].target != edges[i - 1].target) groups_.push_back(i);
        }
        groups_.push_back(edges.size());
        parallel_for(threads_for(groups_.size() - 1), groups_.size() - 1, 2,
                     [&](std::size_t from, std::size_t to, unsigned worker) {
                         for (std::size_t i = from; i < to; ++i) {
                             take_in(layer, std::span(edges).subspan(groups_[i], groups_[i + 1] - groups_[i]),
                                     *workers_[worker]);
                         }
                     });
    }

    /// Whether most vertices are linked by leaves, if these serve. By shorter codes than those that rank candidates, leaves found less than
    /// searches on 300,000 rows of 768 dimensions.
    [[nodiscard]] bool goes_by_leaves() const noexcept {
        if constexpr (requires { codec_->erased(); }) {
            return params_.by_leaves && walk_codes_ == codes_ && counts_.size() > 1 && counts_[1] <= vertices() / 4 &&
                   LeafLinker::suits(codec_->erased(), vertices(), params_.ef_construction);
        } else {
            return false;
        }
    }
    /// Steps 1 to 3 on layer 0 for all vertices at once, of which the first `inserted` have links already. False, and nothing is changed, if
    /// leaves do not serve.
    Result<bool> link_by_leaves(std::size_t inserted) {
        if constexpr (requires { codec_->erased(); }) {
            const Flat<AnyMetric> codec = codec_->erased();
            LeafLinker linker(codec, codes_, buffers_[0].template as<RowId>().first(vertices() * degree(0)), degree(0),
                              params_.ef_construction, threads_);
            const double by_search = static_cast<double>(inserted) / static_cast<double>(vertices());
            return linker.link(inserted, progress_between(progress_, vertices(), by_search, 1));
        } else {
            return false;
        }
    }

    /// Adds `edges`, all to one target, to its list.
    void take_in(std::size_t layer, std::span<const Edge> edges, Worker& worker) noexcept {
        const RowId target = edges.front().target;
        RowId* links = list(layer, target);
        const std::size_t room = degree(layer);
        const auto used = static_cast<std::size_t>(std::find(links, links + room, no_row) - links);
        if (used + edges.size() <= room) {
            for (std::size_t i = 0; i < edges.size(); ++i) links[used + i] = edges[i].source;
            return;
        }
        std::array<const std::byte*, max_batch> codes;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        std::array<float, max_batch> distances;         // NOLINT(cppcoreguidelines-pro-type-member-init)
        for (std::size_t i = 0; i < used; ++i) {
            codes[i] = code(links[i]);
            simd::prefetch(codes[i], codec_->code_size(), 12);
        }
        worker.first.scorer.set_query(codec_->as_query(code(target), worker.first.query.data()));
        worker.first.scorer.distances({codes.data(), used}, distances.data());
        worker.first.candidates.clear();
        for (std::size_t i = 0; i < used; ++i) worker.first.candidates.push_back({distances[i], links[i]});
        for (const Edge& edge : edges) worker.first.candidates.push_back({edge.distance, edge.source});
        std::sort(worker.first.candidates.begin(), worker.first.candidates.end(),
                  [](const Candidate& a, const Candidate& b) { return nearer(a, b); });
        const std::size_t kept = worker.prune(worker.first.candidates, room, worker.links.data());
        std::copy_n(worker.links.data(), kept, links);
        std::fill(links + kept, links + room, no_row);
    }

    /// Do the farther half of the vertex's links lie within the error of one another?
    bool is_blind(RowId vertex, const VertexError& error, Seat& seat) noexcept {
        constexpr float deviations = 4;
        const RowId* links = list(0, vertex);
        std::array<const std::byte*, max_batch> codes;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        std::array<float, max_batch> distances;         // NOLINT(cppcoreguidelines-pro-type-member-init)
        std::size_t count = 0;
        for (; count < degree(0) && links[count] != no_row; ++count) codes[count] = code(links[count]);
        if (count == 0) return false;
        stand_at(vertex, seat);
        seat.scorer.distances({codes.data(), count}, distances.data());
        std::sort(distances.begin(), distances.begin() + static_cast<std::ptrdiff_t>(count));
        return distances[count - 1] - distances[count / 2] <= deviations * error(vertex, distances[count - 1]);
    }

    /// `no_row` if a search for the vertex finds it.
    RowId where_a_search_ends(RowId vertex, Seat& seat) noexcept {
        find_candidates(vertices(), 1, degree(0), seat);
        for (const Candidate& candidate : seat.candidates) {
            if (candidate.row == vertex) return no_row;
        }
        for (const Candidate& candidate : seat.candidates) {
            if (list(0, candidate.row)[degree(0) - 1] == no_row) return candidate.row;
        }
        return seat.candidates.front().row;
    }

    /// Makes every vertex reachable from the entry on layer 0. Pruning drops a row's last incoming link now and then
    /// (a few in a million, more where many rows coincide).
    void mend() {
        std::vector<RowId> queue{0};
        std::vector<bool> reached(vertices(), false);
        reached[0] = true;
        const auto spread = [&] {  // marks what the queue leads to
            while (!queue.empty()) {
                const RowId* links = list(0, queue.back());
                queue.pop_back();
                for (std::size_t i = 0; i < degree(0) && links[i] != no_row; ++i) {
                    if (reached[links[i]]) continue;
                    reached[links[i]] = true;
                    queue.push_back(links[i]);
                }
            }
        };
        spread();
        for (std::size_t i = 1; i < vertices(); ++i) {
            const auto vertex = static_cast<RowId>(i);
            if (reached[vertex]) continue;
            lead_to(vertex, near_and_reached(vertex, reached));
            reached[vertex] = true;
            queue.push_back(vertex);
            spread();
        }
    }

    /// A reached vertex near `vertex`, with room for one more link if there is such.
    RowId near_and_reached(RowId vertex, const std::vector<bool>& reached) noexcept {
        Seat& seat = workers_[0]->first;
        stand_at(vertex, seat);
        find_candidates(vertices(), 1, params_.ef_construction, seat);
        RowId nearest = no_row;
        for (const Candidate& candidate : seat.candidates) {
            if (candidate.row == vertex || !reached[candidate.row]) continue;
            if (list(0, candidate.row)[degree(0) - 1] == no_row) return candidate.row;
            if (nearest == no_row) nearest = candidate.row;
        }
        return nearest == no_row ? 0 : nearest;
    }

    /// Links `from` to `vertex`. A full list gives up its last link, which `vertex` takes over: nothing gets lost.
    void lead_to(RowId vertex, RowId from) noexcept {
        RowId* links = list(0, from);
        if (std::find(links, links + degree(0), vertex) != links + degree(0)) return;
        RowId* free = std::find(links, links + degree(0), no_row);
        if (free != links + degree(0)) {
            *free = vertex;
            return;
        }
        const RowId displaced = std::exchange(links[degree(0) - 1], vertex);
        RowId* own = list(0, vertex);
        if (std::find(own, own + degree(0), displaced) != own + degree(0)) return;
        RowId* place = std::find(own, own + degree(0), no_row);
        *(place != own + degree(0) ? place : place - 1) = displaced;
    }

    Built renumber() {
        workers_.clear();
        Built built{{}, breadth_first_numbers(tables_[0], counts_)};
        renumber_rows(codes_, codec_->code_size(), built.new_number, threads_);
        std::vector<LinkTable> tables;
        for (std::size_t layer = 0; layer < counts_.size(); ++layer) {
            const std::span<const RowId> here = std::span(built.new_number).first(counts_[layer]);
            renumber_links(buffers_[layer].template as<RowId>(), built.new_number);
            renumber_rows(buffers_[layer].data(), degree(layer) * sizeof(RowId), here, threads_);
            tables.emplace_back(std::move(buffers_[layer]).freeze(), degree(layer));
        }
        built.layers = Layers(std::move(tables), counts_);
        return built;
    }

    static constexpr std::size_t largest_batch = 8192;

    const Codec* codec_;
    std::byte* codes_;
    const Codec* walk_codec_;
    const std::byte* walk_codes_;
    std::vector<std::size_t> counts_;
    GraphParams params_;
    Threads threads_;
    ProgressFunction progress_;
    std::vector<AlignedBuffer> buffers_;
    std::vector<LinkTable> tables_;  // views of the buffers while they are written
    std::vector<std::unique_ptr<Worker>> workers_;
    std::vector<std::vector<Edge>> edges_;  // by layer
    std::vector<std::size_t> groups_;
};

}  // namespace tonari
