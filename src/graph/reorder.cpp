// Breadth-first numbering and in-place permutation.
#include <tonari/graph/reorder.hpp>

#include <cstring>

#include <tonari/core/cache_line.hpp>

namespace tonari {
namespace {

/// The vertices in the order in which a breadth-first search from vertex 0 meets them.
std::vector<RowId> breadth_first(const LinkTable& links, std::size_t vertices) {
    std::vector<RowId> order;
    order.reserve(vertices);
    std::vector<bool> seen(vertices, false);
    order.push_back(0);
    seen[0] = true;
    for (std::size_t next = 0; next < order.size(); ++next) {
        const RowId* link = links.at(order[next]);
        for (std::size_t i = 0; i < links.degree() && link[i] != no_row; ++i) {
            if (seen[link[i]]) continue;
            seen[link[i]] = true;
            order.push_back(link[i]);
        }
    }
    return order;
}

/// Moves some columns of every row.
struct Mover {
    std::vector<bool> moved;
    std::vector<std::byte> carried;
    std::vector<std::byte> displaced;

    Mover(std::size_t rows, std::size_t columns) : moved(rows, false), carried(columns), displaced(columns) {}

    /// `columns` bytes from `rows` on and of every row behind; rows begin `row_bytes` apart.
    void operator()(std::byte* rows, std::size_t row_bytes, std::size_t columns, std::span<const RowId> new_number) {
        for (std::size_t first = 0; first < new_number.size(); ++first) {
            if (moved[first] || new_number[first] == first) continue;
            // Follow the cycle: carry each row to its place and pick up the one that lies there.
            std::memcpy(carried.data(), rows + first * row_bytes, columns);
            for (std::size_t at = first; !moved[at];) {
                const std::size_t to = new_number[at];
                std::byte* place = rows + to * row_bytes;
                std::memcpy(displaced.data(), place, columns);
                std::memcpy(place, carried.data(), columns);
                std::swap(carried, displaced);
                moved[at] = true;
                at = to;
            }
        }
    }
};

}  // namespace

std::vector<RowId> breadth_first_numbers(const LinkTable& links, std::span<const std::size_t> counts) {
    const std::vector<RowId> order = breadth_first(links, counts[0]);
    // A vertex's highest layer l means it lies in [counts[l + 1], counts[l]); each such range is numbered in the order met.
    std::vector<std::size_t> next(counts.size());
    for (std::size_t layer = 0; layer < counts.size(); ++layer) {
        next[layer] = layer + 1 < counts.size() ? counts[layer + 1] : 0;
    }
    std::vector<RowId> numbers(counts[0]);
    for (const RowId vertex : order) {
        std::size_t layer = 0;
        while (layer + 1 < counts.size() && vertex < counts[layer + 1]) ++layer;
        numbers[vertex] = static_cast<RowId>(next[layer]++);
    }
    return numbers;
}

void renumber_rows(std::byte* rows, std::size_t row_bytes, std::span<const RowId> new_number, const Threads& threads) {
    if (new_number.empty()) return;
    const std::size_t share = (row_bytes + resolve_threads(threads) - 1) / resolve_threads(threads);
    const std::size_t columns = whole_lines(share);
    std::vector<Mover> movers((row_bytes + columns - 1) / columns, Mover(new_number.size(), columns));
    parallel_for(threads, row_bytes, columns, [&](std::size_t first, std::size_t last, unsigned) {
        movers[first / columns](rows + first, row_bytes, last - first, new_number);
    });
}

void renumber_links(std::span<RowId> links, std::span<const RowId> new_number) {
    for (RowId& link : links) {
        if (link != no_row) link = new_number[link];
    }
}

}  // namespace tonari
