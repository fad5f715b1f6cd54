#include <tonari/index/fused_hnsw.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <new>
#include <string>
#include <utility>

namespace tonari {
namespace {

using Rows = FusedHnsw::Rows;
using Graph = FusedHnsw::Graph;

/// Rotated rows, as many as some memory holds: of those whose numbers differ by a multiple of its places, the last.
class TurnedRows {
public:
    TurnedRows(std::size_t size, std::size_t rows)
        : size_(size),
          places_(std::clamp<std::size_t>(most_bytes / (size * sizeof(float)), 1, std::max<std::size_t>(rows, 1))),
          values_(places_ * size),
          held_(places_, no_row) {}
    /// Until the next call. `turn(out)` rotates the row, if it is not there.
    template <class Turn>
    const float* get(RowId row, Turn&& turn) noexcept {
        float* const out = values_.data() + row % places_ * size_;
        if (RowId& held = held_[row % places_]; held != row) {
            turn(out);
            held = row;
        }
        return out;
    }

private:
    static constexpr std::size_t most_bytes = std::size_t{64} << 20;

    std::size_t size_;
    std::size_t places_;
    std::vector<float> values_;
    std::vector<RowId> held_;
};

/// Makes records, one after another; one a thread.
class RecordWriter {
public:
    RecordWriter(const Graph& graph, const FastScan& codes, const Rows& rows, const FusedLayout& layout)
        : graph_(&graph),
          rows_(&rows),
          layout_(&layout),
          encoder_(codes.encoder()),
          turned_(codes.rotated_size(), graph.rows().rows()),
          scorer_(graph.codec().scorer()),
          query_(scratch_for_query(graph.codec().query_size())),
          origin_(graph.dim()),
          origin_turned_(codes.rotated_size()) {
        const std::size_t degree = graph.layers().links(0).degree();
        near_.reserve(FusedHnsw::looked_behind * degree);
        links_.reserve(layout.degree);
        found_.reserve(FusedHnsw::looked_behind * degree);
    }
    void write(RowId vertex, std::byte* record) noexcept {
        choose(vertex);
        const RowView row = graph_->rows().view().row(vertex);
        rows_->encode(row, {}, {record, rows_->code_size()});
        enter(row);
        std::copy_n(turned(vertex), origin_turned_.size(), origin_turned_.data());  // links may take its place
        for (std::size_t i = 0; i < links_.size(); ++i) {
            std::byte* const block = record + layout_->blocks_at + i / FusedLayout::block_rows * layout_->block_size;
            encoder_.put_turned(turned(links_[i]), origin_turned_.data(), block, i % FusedLayout::block_rows);
        }
        auto* const places = reinterpret_cast<RowId*>(record + layout_->links_at);
        std::copy(links_.begin(), links_.end(), places);
        std::fill(places + links_.size(), places + layout_->degree, no_row);
    }

private:
    /// The links of a vertex in `links_`: those of the graph, and behind them the nearest of the neighbours of the first of them,
    /// those last that stand much nearer to a link than to the vertex, from where a walk will see them anyway.
    void choose(RowId vertex) noexcept {
        const LinkTable& table = graph_->layers().links(0);
        const auto count_of = [&](RowId of) {
            const RowId* const links = table.at(of);
            return static_cast<std::size_t>(std::find(links, links + table.degree(), no_row) - links);
        };
        links_.assign(table.at(vertex), table.at(vertex) + count_of(vertex));
        const std::size_t room = layout_->degree - links_.size();
        if (room == 0) return;
        near_.clear();
        for (std::size_t i = 0; i < std::min(links_.size(), FusedHnsw::looked_behind); ++i) {
            near_.insert(near_.end(), table.at(links_[i]), table.at(links_[i]) + count_of(links_[i]));
        }
        std::sort(near_.begin(), near_.end());
        near_.erase(std::unique(near_.begin(), near_.end()), near_.end());
        std::erase_if(near_, [&](RowId row) {
            return row == vertex || std::find(links_.begin(), links_.end(), row) != links_.end();
        });
        scorer_.set_query(graph_->codec().as_query(graph_->rows().code(vertex), query_.query()));
        found_.clear();
        std::array<const std::byte*, 64> codes{};
        std::array<float, 64> distances{};
        for (std::size_t first = 0; first < near_.size(); first += codes.size()) {
            const std::size_t count = std::min(codes.size(), near_.size() - first);
            for (std::size_t i = 0; i < count; ++i) {
                codes[i] = graph_->rows().code(near_[first + i]);
                simd::prefetch(codes[i], graph_->codec().code_size(), 12);
            }
            scorer_.distances({codes.data(), count}, distances.data());
            for (std::size_t i = 0; i < count; ++i) found_.push_back(make_key(distances[i], near_[first + i]));
        }
        found_.resize(nearest_to_front(FusedHnsw::looked_at * room));
        std::size_t last = 0;  // so many of `found_` were turned away
        for (const OrderedKey key : found_) {
            if (links_.size() == layout_->degree) return;
            if (beside_a_link(key)) {
                found_[last++] = key;
            } else {
                links_.push_back(row_of(key));
            }
        }
        for (std::size_t i = 0; i < last && links_.size() < layout_->degree; ++i) links_.push_back(row_of(found_[i]));
    }
    /// Sorts so many of `found_`, or all; how many those are.
    std::size_t nearest_to_front(std::size_t count) noexcept {
        count = std::min(count, found_.size());
        std::partial_sort(found_.begin(), found_.begin() + static_cast<std::ptrdiff_t>(count), found_.end());
        return count;
    }
    /// Is a row much nearer to one of the links than to the vertex, as the key says that it is? The distance of L2 is a square, that
    /// of an inner product its negative.
    bool beside_a_link(OrderedKey key) noexcept {
        const float apart = distance_of(key);
        const float beside = apart > 0 ? FusedHnsw::beside * apart : apart / FusedHnsw::beside;
        scorer_.set_query(graph_->codec().as_query(graph_->rows().code(row_of(key)), query_.query()));
        constexpr std::size_t at_once = 8;  // one of the first mostly says yes
        std::array<const std::byte*, at_once> codes{};
        std::array<float, at_once> distances{};
        for (std::size_t first = 0; first < links_.size(); first += at_once) {
            const std::size_t count = std::min(at_once, links_.size() - first);
            for (std::size_t i = 0; i < count; ++i) codes[i] = graph_->rows().code(links_[first + i]);
            scorer_.distances({codes.data(), count}, distances.data());
            if (std::any_of(distances.begin(), distances.begin() + count, [&](float d) { return d < beside; }))
                return true;
        }
        return false;
    }
    /// Codes from now on are relative to this row, at length 1 under cosine.
    void enter(RowView row) noexcept {
        FastScan::relative(row, graph_->codec().metric_kind(), {}, origin_.data());
        encoder_.enter({.centroid = origin_.data()});
    }

    /// A row as codes see it: each stands beside many others, most of which have numbers near its own.
    const float* turned(RowId row) noexcept {
        return turned_.get(row, [&](float* out) { encoder_.turn(graph_->rows().view().row(row), out); });
    }

    const Graph* graph_;
    const Rows* rows_;
    const FusedLayout* layout_;
    FastScan::Encoder encoder_;
    TurnedRows turned_;
    Rows::Scorer scorer_;
    SearchScratch query_;
    std::vector<float> origin_;
    std::vector<float> origin_turned_;
    std::vector<RowId> links_;
    std::vector<RowId> near_;
    std::vector<OrderedKey> found_;
};

}  // namespace

Result<FusedHnsw> FusedHnsw::build(const Graph& built, FastScan codes, Rows rows, const Threads& threads,
                                   const ProgressFunction& progress) try {
    const Layers& layers = built.layers();
    const FusedLayout layout(rows.code_size(), codes.block_size(), layers.links(0).degree());
    auto records = AlignedBuffer::allocate(layers.vertices() * layout.stride);
    if (!records) return std::move(records).error();
    std::vector<RecordWriter> writers;  // out of a thread no exception finds its way
    writers.reserve(resolve_threads(threads));
    for (unsigned i = 0; i < resolve_threads(threads); ++i) writers.emplace_back(built, codes, rows, layout);
    constexpr std::size_t slice = 4096;  // vertices from one call of `progress` to the next
    for (std::size_t start = 0; start < layers.vertices(); start += slice) {
        const std::size_t count = std::min(slice, layers.vertices() - start);
        parallel_for(threads, count, 64, [&](std::size_t first, std::size_t last, unsigned worker) {
            for (std::size_t v = start + first; v < start + last; ++v) {
                writers[worker].write(static_cast<RowId>(v), records->data() + v * layout.stride);
            }
        });
        if (progress) progress(start + count, layers.vertices());
    }
    const Bytes bytes = std::move(*records).freeze();
    std::vector<LinkTable> tables{LinkTable(bytes, layout.degree, {layout.stride, layout.links_at})};
    std::vector<std::size_t> counts{layers.vertices()};
    for (std::size_t layer = 1; layer < layers.height(); ++layer) {
        tables.push_back(layers.links(layer));
        counts.push_back(layers.count(layer));
    }
    StoredRows<Rows> stored(std::move(rows), bytes, built.ids(), layout.stride);
    return FusedHnsw(std::move(codes), layout, Graph(std::move(stored), Layers(std::move(tables), std::move(counts))));
} catch (const std::bad_alloc&) {
    return Error{ErrorCode::out_of_memory, "no memory to make records of " + std::to_string(built.size()) + " rows"};
}

Spec FusedHnsw::spec() const {
    Spec spec;
    spec.kind = IndexKind::hnsw;
    spec.links = graph_.links();
    spec.codec = CodecKind::fast_scan;
    CodeSpec fine;
    if (codec().element() == Element::float16 || codec().element() == Element::bfloat16)
        fine.store_as = codec().element();
    spec.fine = fine;
    return spec;
}

std::vector<IndexPart> FusedHnsw::parts() const {
    const std::size_t rows = graph_.rows().rows();
    const std::size_t links = layout_.degree * sizeof(RowId);
    return {{"rows", rows * layout_.blocks_at},
            {"ids", ids().bytes()},
            {"codec", codes_.bytes()},
            {"codes", rows * (layout_.stride - layout_.blocks_at - links)},
            {"links", rows * links + layers().bytes() - records().size()}};
}

/// A walk in which a row may take several places would often end before it has k rows, where those are few, and leave rows out, where
/// all are asked for.
bool FusedHnsw::once_each(const SearchOptions& options) const noexcept {
    return options.ef < 2 * std::min(options.k, size()) || options.ef >= graph_.rows().rows();
}

/// In places: for as many rows as `ef` says, or some more estimates of them.
std::size_t FusedHnsw::walk_width(const SearchOptions& options) const noexcept {
    if (!once_each(options)) return options.ef + options.ef / 4;
    return std::clamp<std::size_t>(std::max(options.k, options.ef), 1, std::max<std::size_t>(graph_.rows().rows(), 1));
}

Status FusedHnsw::reserve(const SearchOptions& options, SearchScratch& scratch) const {
    if (options.filter != nullptr) return graph_.reserve(options, scratch);
    const std::size_t k = std::min(options.k, size());
    scratch.reserve_query(codec().query_size());
    scratch.reserve_fine_query(codes_.query_size());
    scratch.visited.reserve(graph_.rows().rows());
    scratch.met.reserve(graph_.rows().rows());
    scratch.estimates.reset(walk_width(options), k, scratch.visited, scratch.met, scratch.nearest);
    scratch.neighbors.reserve(k);
    return {};
}

/// One search without a filter (index/walk_batch.hpp).
class FusedHnsw::Walk {
public:
    using Index = FusedHnsw;

    Walk(const FusedHnsw& index, const SearchOptions& options, SearchScratch& scratch) noexcept
        : index_(&index),
          options_(&options),
          scratch_(&scratch),
          expander_(index.records(), index.layout_, index.graph_.rows().rows(), rows_, blocks_),
          search_(expander_, scratch.estimates, scratch.expansion) {}
    Walk(const Walk&) = delete;
    Walk& operator=(const Walk&) = delete;

    void start(RowView query) noexcept {
        rows_ = index_->graph_.rows().scorer(query, *scratch_);
        index_->codes_.prepare(query, scratch_->fine_query());
        blocks_ = index_->codes_.scorer();
        blocks_.set_query(scratch_->fine_query());
        blocks_.set_deviations(0);  // a walk goes by estimates
        scratch_->estimates.reset(index_->walk_width(*options_), most(), scratch_->visited, scratch_->met,
                                  scratch_->nearest);
        search_ = {expander_, scratch_->estimates, scratch_->expansion};
        entering_ = index_->graph_.enter(search_, index_->graph_.rows(), rows_, *scratch_);
        again_ = false;
        if (index_->once_each(*options_)) scratch_->estimates.once_each();
    }
    bool step() noexcept { return search_.step() || (starts_again() && search_.step()); }
    bool begin_step() noexcept { return search_.begin_step() || (starts_again() && search_.begin_step()); }
    void end_step() noexcept { search_.end_step(); }
    [[nodiscard]] std::uint32_t hops() const noexcept { return search_.hops(); }

    Outcome finish(bool complete) noexcept {
        index_->graph_.rows().answer(scratch_->nearest.sort(), most(), nullptr, scratch_->neighbors);
        Outcome outcome;
        outcome.complete = complete;
        outcome.hops = search_.hops();
        outcome.distances = entering_ + search_.distances();
        return outcome;
    }

private:
    [[nodiscard]] std::size_t most() const noexcept { return std::min(options_->k, index_->size()); }

    /// At its end, if it has fewer rows than are wanted: once more, and then a row takes one place.
    bool starts_again() noexcept {
        if (again_ || scratch_->nearest.size() >= std::min(most(), index_->graph_.rows().rows())) return false;
        again_ = true;
        scratch_->estimates.restart_once_each();
        search_.start(0, 0);  // every vertex can be reached from this one
        return true;
    }

    using RowScorer = Rows::Scorer;
    using BlockScorer = FastScan::Scorer;
    using Expander = FusedExpander<RowScorer, BlockScorer>;

    const FusedHnsw* index_;
    const SearchOptions* options_;
    SearchScratch* scratch_;
    RowScorer rows_{};
    BlockScorer blocks_{};
    Expander expander_;
    BeamSearch<Expander, EstimateFrontier> search_;
    std::uint32_t entering_ = 0;  // distances on the way to the lowest layer
    bool again_ = false;
};

Outcome FusedHnsw::search(RowView query, const SearchOptions& options, SearchScratch& scratch) const noexcept {
    if (options.filter != nullptr) return graph_.search(query, options, scratch);
    Walk walk(*this, options, scratch);
    return walk_alone(walk, query, options.deadline);
}

Result<bool> FusedHnsw::search_batch(MatrixView queries, const SearchOptions& options, Answers& out) const {
    if (!has_batch(queries.rows(), options)) return false;
    return WalkBatch<Walk>(*this, queries, options, out).run();
}

Status FusedHnsw::save(SectionWriter& writer) const {
    if (Status s = codes_.save(writer); !s) return s;
    SectionWriter rows = writer.within("rows");
    if (Status s = codec().save(rows); !s) return s;
    if (Status s = ids().save(writer); !s) return s;
    return layers().save(writer);
}

Result<FusedHnsw> FusedHnsw::open(const SectionReader& reader) {
    auto codes = FastScan::open(reader);
    if (!codes) return std::move(codes).error();
    auto rows = Rows::open(reader.within("rows"));
    if (!rows) return std::move(rows).error();
    if (codes->parts() > 0 || codes->dim() != rows->dim() || codes->metric_kind() != rows->metric_kind()) {
        return reader.corrupt("fast_scan", "expected codes of a bit a value of rows of " + std::to_string(rows->dim()) +
                                               " dimensions under their metric, got others");
    }
    auto ids = IdMap::open(reader);
    if (!ids) return std::move(ids).error();
    const auto degree = Layers::bottom_degree(reader);
    if (!degree) return std::move(degree).error();
    if (*degree % FusedLayout::block_rows != 0) {
        return reader.corrupt("layers", "expected a multiple of " + std::to_string(FusedLayout::block_rows) +
                                            " links a vertex, got " + std::to_string(*degree));
    }
    const FusedLayout layout(rows->code_size(), codes->block_size(), *degree);
    auto layers = Layers::open(reader, LinkPlace{layout.stride, layout.links_at});
    if (!layers) return std::move(layers).error();
    if (layers->vertices() != ids->rows()) {
        return reader.corrupt("layers", "expected " + std::to_string(ids->rows()) + " vertices, one per row, got " +
                                            std::to_string(layers->vertices()));
    }
    const Bytes records = layers->links(0).bytes();
    StoredRows<Rows> stored(*std::move(rows), records, *std::move(ids), layout.stride);
    return FusedHnsw(*std::move(codes), layout, Graph(std::move(stored), *std::move(layers)));
}

}  // namespace tonari
