// From the growing graph to the frozen one and back.
//
// `freeze` cuts at one moment, while the index goes on living: the rows that were alive then, the links among them, mended
// where a link to a later row had taken a place. The vertices are numbered as a frozen graph's are, the upper layers' first and
// breadth first within. `thaw` takes the links of a frozen graph as they are; only rows that come later are looked for.
#pragma once

#include <algorithm>
#include <memory>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <tonari/graph/reachability.hpp>
#include <tonari/graph/reorder.hpp>
#include <tonari/index/growing_hnsw.hpp>

namespace tonari {

/// The rows of one moment. O(rows + links). Errors: not_found if there is no row, out_of_memory.
template <class C, class Reclaimer>
Result<HnswIndex<C>> freeze(const GrowingHnsw<C, Reclaimer>& index) try {
    const Epoch::Pin pin = index.pin();
    const GrowingGraph& graph = index.graph();
    const C& codec = index.codec();

    std::vector<RowId> vertices;
    for (std::size_t i = 0; i < graph.vertices(); ++i) {
        bool alive = false;
        index.entries().for_each(static_cast<RowId>(i), pin.moment(), [&](Id) { alive = true; });
        if (alive) vertices.push_back(static_cast<RowId>(i));
    }
    if (vertices.empty())
        return Error{ErrorCode::not_found, "expected at least one row to freeze, the index holds none"};
    std::stable_sort(vertices.begin(), vertices.end(),
                     [&](RowId a, RowId b) { return graph.height(a) > graph.height(b); });
    std::vector<RowId> number(graph.vertices(), no_row);
    for (std::size_t i = 0; i < vertices.size(); ++i) number[vertices[i]] = static_cast<RowId>(i);

    std::vector<std::size_t> counts{vertices.size()};
    for (std::size_t layer = 1; layer < graph.height(vertices.front()); ++layer) {
        const auto here = static_cast<std::size_t>(
            std::partition_point(vertices.begin(), vertices.end(), [&](RowId v) { return graph.height(v) > layer; }) -
            vertices.begin());
        if (here < 2) break;  // one vertex alone leads nowhere
        counts.push_back(here);
    }

    std::vector<AlignedBuffer> lists;
    std::array<RowId, max_batch> links;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    for (std::size_t layer = 0; layer < counts.size(); ++layer) {
        const std::size_t degree = graph.degree(layer);
        auto buffer = AlignedBuffer::allocate(counts[layer] * degree * sizeof(RowId));
        if (!buffer) return std::move(buffer).error();
        for (std::size_t i = 0; i < counts[layer]; ++i) {
            RowId* list = buffer->template as<RowId>().data() + i * degree;
            std::size_t kept = 0;
            const std::size_t count = graph.read(layer, vertices[i], links.data());
            for (std::size_t j = 0; j < count; ++j) {
                const RowId to = links[j] < number.size() ? number[links[j]] : no_row;
                if (to < counts[layer] && std::find(list, list + kept, to) == list + kept) list[kept++] = to;
            }
            std::fill(list + kept, list + degree, no_row);
        }
        lists.push_back(*std::move(buffer));
    }
    make_reachable(lists[0].template as<RowId>(), graph.degree(0));

    auto codes = AlignedBuffer::allocate(vertices.size() * codec.code_size());
    if (!codes) return std::move(codes).error();
    const LinkTable layer0(Bytes({}, lists[0].span()), graph.degree(0));
    const std::vector<RowId> place = breadth_first_numbers(layer0, counts);
    std::vector<RowId> vertex_at(vertices.size());
    for (std::size_t i = 0; i < vertices.size(); ++i) {
        vertex_at[place[i]] = vertices[i];
        std::memcpy(codes->data() + std::size_t{place[i]} * codec.code_size(), index.rows().code(vertices[i]),
                    codec.code_size());
    }
    std::vector<LinkTable> tables;
    for (std::size_t layer = 0; layer < counts.size(); ++layer) {
        const std::size_t degree = graph.degree(layer);
        renumber_links(lists[layer].template as<RowId>(), place);
        renumber_rows(lists[layer].data(), degree * sizeof(RowId), std::span(place).first(counts[layer]));
        tables.emplace_back(std::move(lists[layer]).freeze(), degree);
    }

    std::vector<Id> ids;
    std::vector<std::uint32_t> offsets;
    for (const RowId vertex : vertex_at) {
        offsets.push_back(static_cast<std::uint32_t>(ids.size()));
        index.entries().for_each(vertex, pin.moment(), [&](Id id) { ids.push_back(id); });
        std::sort(ids.begin() + offsets.back(), ids.end());
    }
    offsets.push_back(static_cast<std::uint32_t>(ids.size()));
    if (ids.size() == vertex_at.size()) offsets.clear();  // one each
    auto map = IdMap::create(ids, offsets);
    if (!map) return std::move(map).error();
    return HnswIndex<C>(StoredRows<C>(codec, std::move(*codes).freeze(), *std::move(map)),
                        Layers(std::move(tables), counts));
} catch (const std::bad_alloc&) {
    return Error{ErrorCode::out_of_memory, "no memory for a frozen copy of " + std::to_string(index.size()) + " rows"};
}

/// A growing index with the rows and links of a frozen one. O(rows + links). Errors: corrupt (a link that lies, in a file
/// that was not verified), out_of_memory.
template <class C>
Result<std::shared_ptr<GrowingHnsw<C>>> thaw(const HnswIndex<C>& frozen, const BuildOptions& options) try {
    auto index = std::make_shared<GrowingHnsw<C>>(frozen.codec(), frozen.links(), options);
    if (Status s = index->take_over(frozen); !s) return s;
    return index;
} catch (const std::bad_alloc&) {
    return Error{ErrorCode::out_of_memory,
                 "no memory for a growing copy of " + std::to_string(frozen.size()) + " rows"};
}

template <Codec C, class Reclaimer>
Status GrowingHnsw<C, Reclaimer>::take_over(const HnswIndex<C>& frozen) {
    const std::lock_guard books(books_);
    const Layers& layers = frozen.layers();
    const std::size_t vertices = layers.vertices();
    const Moment moment = epoch_.now() + 1;
    std::size_t height = layers.height();
    for (std::size_t i = 0; i < vertices; ++i) {
        while (height > 1 && i >= layers.count(height - 1)) --height;
        auto vertex = graph_.take(height);  // vertex i
        if (!vertex) return std::move(vertex).error();
        if (Status s = rows_.reserve(graph_.capacity()); !s) return s;
        rows_.set_code(*vertex, frozen.rows().code(*vertex));
        const auto [first, last] = frozen.ids().slots(*vertex);
        if (first == last)
            return Error{ErrorCode::corrupt, "expected an id for row " + std::to_string(i) + ", got none"};
        for (std::size_t slot = first; slot < last; ++slot) {
            const Id id = frozen.ids().id(slot);
            if (id < 0 || entries_.find(id) != no_row) {
                return Error{ErrorCode::corrupt,
                             "expected ids that are not negative, each once, got " + std::to_string(id)};
            }
            auto entry = entries_.take(id, frozen.size() - entries_.size());
            if (!entry) return std::move(entry).error();
            entries_.attach(*entry, *vertex);
            entries_.live(*entry, moment);
            next_id_.given(id);
        }
    }
    for (std::size_t layer = 0; layer < layers.height(); ++layer) {
        const LinkTable& table = layers.links(layer);
        if (table.degree() != graph_.degree(layer)) {
            return Error{ErrorCode::corrupt, "expected " + std::to_string(graph_.degree(layer)) +
                                                 " links a row on layer " + std::to_string(layer) + ", got " +
                                                 std::to_string(table.degree())};
        }
        for (std::size_t i = 0; i < layers.count(layer); ++i) {
            const RowId* links = table.at(static_cast<RowId>(i));
            for (std::size_t at = 0; at < table.degree() && links[at] != no_row; ++at) {
                if (links[at] >= layers.count(layer)) {
                    return Error{ErrorCode::corrupt, "expected a link to one of " +
                                                         std::to_string(layers.count(layer)) +
                                                         " rows, got one to row " + std::to_string(links[at])};
                }
                graph_.put(layer, static_cast<RowId>(i), at, links[at]);
            }
        }
    }
    if (vertices > 0) graph_.set_entry({0, layers.height()});
    tree_.plant();
    turn(moment);
    return {};
}

}  // namespace tonari
