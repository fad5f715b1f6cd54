// Cells with a graph each: rows grouped by their lists, and every group built by itself.
#pragma once

#include <algorithm>
#include <cstring>
#include <new>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <tonari/core/aligned.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/progress.hpp>
#include <tonari/graph/cell_layers.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/hnsw_index.hpp>
#include <tonari/lists/partition.hpp>

namespace tonari {

template <Codec C>
class Cells {
public:
    struct Built {
        Partition partition;
        CellLayers layers;
        Bytes codes;               ///< by place
        std::vector<RowId> order;  ///< by place, which distinct row stands there
    };

    /// `distinct` are the rows to be put into cells, `list_of` says for every row into which of `lists`. Throws bad_alloc.
    static Result<Built> build(const C& codec, MatrixView rows, std::span<const RowId> distinct,
                               std::span<const RowId> list_of, std::size_t lists, std::size_t links,
                               const BuildOptions& options) {
        std::vector<std::size_t> sizes(lists);
        for (const RowId row : distinct) ++sizes[list_of[row]];
        auto partition = Partition::create(sizes);
        if (!partition) return std::move(partition).error();
        auto codes = AlignedBuffer::allocate(distinct.size() * codec.code_size());
        if (!codes) return std::move(codes).error();
        auto layers = CellLayersBuilder::create(*partition, links);
        if (!layers) return std::move(layers).error();
        Cells cells(codec, rows, distinct, *partition, links, options, *codes, *layers);
        cells.group(list_of);
        if (Status s = cells.build_all(); !s) return s;
        auto finished = std::move(*layers).finish();
        if (!finished) return std::move(finished).error();
        return Built{*std::move(partition), *std::move(finished), std::move(*codes).freeze(), std::move(cells.order_)};
    }

private:
    Cells(const C& codec, MatrixView rows, std::span<const RowId> distinct, const Partition& partition,
          std::size_t links, const BuildOptions& options, AlignedBuffer& codes, CellLayersBuilder& layers)
        : codec_(codec),
          rows_(rows),
          distinct_(distinct),
          partition_(partition),
          links_(links),
          options_(options),
          codes_(codes),
          layers_(layers),
          order_(distinct.size()) {}

    [[nodiscard]] std::size_t size_of(std::size_t cell) const noexcept {
        const auto [first, last] = partition_.rows_of(cell);
        return last - first;
    }

    void group(std::span<const RowId> list_of) {
        std::vector<std::size_t> next(partition_.lists());
        for (std::size_t cell = 0; cell < next.size(); ++cell) next[cell] = partition_.rows_of(cell).first;
        for (std::size_t i = 0; i < distinct_.size(); ++i) {
            order_[next[list_of[distinct_[i]]]++] = static_cast<RowId>(i);
        }
    }

    /// One thread a cell; but a cell that would keep one thread busy when all others are done has all of them. Either way gives the
    /// same graph.
    Status build_all() {
        const std::size_t workers = resolve_threads(options_.threads);
        std::vector<std::size_t> small;
        std::size_t done = 0;
        for (std::size_t cell = 0; cell < partition_.lists(); ++cell) {
            const std::size_t size = size_of(cell);
            if (workers == 1 || size * workers * 2 <= distinct_.size()) {
                if (size > 0) small.push_back(cell);
                continue;
            }
            BuildOptions alone = options_;
            alone.progress = progress_between(options_.progress, distinct_.size(), share(done), share(done + size));
            if (Status s = build_cell(cell, alone); !s) return s;
            done += size;
        }
        const std::size_t slice = std::max(small.size() / 64, 4 * workers);  // progress is told between two of them
        std::vector<Status> failures(small.size());
        for (std::size_t start = 0; start < small.size(); start += slice) {
            const std::size_t count = std::min(slice, small.size() - start);
            parallel_for(options_.threads, count, 1, [&](std::size_t first, std::size_t last, unsigned) {
                BuildOptions one = options_;
                one.threads = {1};
                one.progress = {};
                for (std::size_t i = start + first; i < start + last; ++i) failures[i] = build_or_fail(small[i], one);
            });
            for (std::size_t i = start; i < start + count; ++i) {
                if (!failures[i]) return failures[i];
                done += size_of(small[i]);
            }
            if (options_.progress) options_.progress(done, distinct_.size());
        }
        return {};
    }
    [[nodiscard]] double share(std::size_t done) const noexcept {
        return static_cast<double>(done) / static_cast<double>(distinct_.size());
    }

    /// Threads do not throw.
    Status build_or_fail(std::size_t cell, const BuildOptions& options) noexcept {
        try {
            return build_cell(cell, options);
        } catch (const std::bad_alloc&) {
            return Error{ErrorCode::out_of_memory, "no memory to build the graph of a cell"};
        }
    }
    Status build_cell(std::size_t cell, BuildOptions options) {
        const auto [first, last] = partition_.rows_of(cell);
        const std::size_t count = last - first;
        const std::size_t bytes = row_bytes(rows_.element(), rows_.dim());
        auto own = AlignedBuffer::allocate(count * bytes);
        if (!own) return std::move(own).error();
        for (std::size_t i = 0; i < count; ++i) {
            std::memcpy(own->data() + i * bytes, rows_.row_data(distinct_[order_[first + i]]), bytes);
        }
        options.ef_construction = std::min(options.ef_construction, count);  // more finds no more, but takes room
        auto graph = HnswIndex<C>::build(codec_, MatrixView(own->data(), count, rows_.dim(), rows_.element()), {},
                                         links_, options);
        if (!graph) return std::move(graph).error();
        std::memcpy(codes_.data() + first * codec_.code_size(), graph->rows().codes().data(),
                    count * codec_.code_size());
        std::vector<RowId> moved(count);
        for (std::size_t i = 0; i < count; ++i) moved[i] = order_[first + static_cast<std::size_t>(graph->ids().id(i))];
        std::copy(moved.begin(), moved.end(), order_.begin() + static_cast<std::ptrdiff_t>(first));
        layers_.put(cell, graph->layers());
        return {};
    }

    const C& codec_;
    MatrixView rows_;
    std::span<const RowId> distinct_;
    const Partition& partition_;
    std::size_t links_;
    const BuildOptions& options_;
    AlignedBuffer& codes_;
    CellLayersBuilder& layers_;
    std::vector<RowId> order_;
};

}  // namespace tonari
