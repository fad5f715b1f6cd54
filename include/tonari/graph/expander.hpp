// One layout of a graph, as the walk sees it.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <optional>

#include <tonari/codec/scorer.hpp>
#include <tonari/core/visited.hpp>
#include <tonari/graph/link_table.hpp>
#include <tonari/simd/prefetch.hpp>

namespace tonari {

/// What an expansion found: rows not seen before whose distance may be below the bound.
struct Expansion {
    Survivors survivors;
    std::array<RowId, max_batch> rows;  ///< `rows[survivors.index[i]]` survived
    std::size_t scored = 0;             ///< rows whose distance was computed

    Expansion() noexcept {}  // NOLINT(modernize-use-equals-default): left uninitialised like Survivors
};

/// One that can be asked for half an expansion at a time has `look(vertex, out)`, too, which asks memory for what the vertex leads to, and
/// `compare(bound, out)`, which goes on from there as `expand` does.
template <class E>
concept Expander = requires(E e, RowId vertex, float bound, Expansion& out) {
    { E::bounded } -> std::convertible_to<bool>;  // as the scorer is
    {
        e.expand(vertex, bound, out)
    } noexcept -> std::same_as<std::optional<float>>;  // exact distance, if the row has one
    { e.prefetch(vertex) } noexcept;
};

/// Of a code, beyond this the hardware's stream prefetcher has caught on; more requests only queue up.
inline constexpr std::size_t prefetched_lines = 12;

/// The vertices that links may lead to.
struct VertexRange {
    RowId first;
    std::size_t count;
};

/// Of the links of a vertex those that a walk meets for the first time go to `rows`, and `ask(place, row)` asks memory for the code of each,
/// of `code_size` bytes. `link(i)` is one of `degree`; one out of `range` ends them. How many are new.
///
/// Links are first looked through, without a branch on who is new, and then codes are asked for: short ones of all links, but of
/// long ones, which keep memory busy for long, those of a few links at a time.
template <class Link, class Ask>
std::size_t meet(std::size_t degree, std::size_t code_size, const Link& link, VertexRange range, VisitedSet& visited,
                 RowId* rows, const Ask& ask) noexcept {
    constexpr std::size_t short_code = 4 * cache_line;
    constexpr std::size_t few = 8;
    const std::size_t group = code_size <= short_code ? degree : few;
    std::size_t fresh = 0;
    for (std::size_t i = 0; i < degree;) {
        const std::size_t asked = fresh;
        for (const std::size_t end = std::min(degree, i + group); i < end; ++i) {
            const RowId row = link(i);
            if (RowId{row - range.first} >= range.count) {
                degree = i;
                break;
            }
            rows[fresh] = row;
            fresh += static_cast<std::size_t>(visited.insert(row));
        }
        for (std::size_t place = asked; place < fresh; ++place) ask(place, rows[place]);
    }
    return fresh;
}

/// Links and codes in two arrays. A link that names no vertex (`no_row`, or a lie in a file) ends its list, so a
/// walk over an unverified file stays inside the file.
template <class S>
class SplitExpander {
public:
    static constexpr bool bounded = S::bounded;

    SplitExpander(const LinkTable& links, const std::byte* codes, std::size_t code_size, std::size_t vertices,
                  S& scorer, VisitedSet& visited) noexcept
        : links_(&links),
          codes_(codes),
          code_size_(code_size),
          vertices_(vertices),
          scorer_(&scorer),
          visited_(&visited) {}

    /// From here on the vertices are the rows [first, last).
    void stay_within(RowId first, RowId last) noexcept {
        first_ = first;
        vertices_ = last - first;
    }
    std::optional<float> expand(RowId vertex, float bound, Expansion& out) noexcept {
        look(vertex, out);
        return compare(bound, out);
    }
    void look(RowId vertex, Expansion& out) noexcept {
        const RowId* const links = links_->at(vertex);
        const auto link = [&](std::size_t i) { return links[i]; };
        out.scored = meet(links_->degree(), code_size_, link, {first_, vertices_}, *visited_, out.rows.data(),
                          [&](std::size_t place, RowId row) {
                              batch_[place] = codes_ + std::size_t{row} * code_size_;
                              simd::prefetch(batch_[place], code_size_, prefetched_lines);
                          });
    }
    std::optional<float> compare(float bound, Expansion& out) noexcept {
        out.survivors.clear();
        if (out.scored != 0) scorer_->gather({batch_.data(), out.scored}, bound, out.survivors);
        return std::nullopt;  // its distance was exact when it was found
    }
    void prefetch(RowId vertex) noexcept { simd::prefetch(links_->at(vertex), links_->degree() * sizeof(RowId)); }

private:
    const LinkTable* links_;
    const std::byte* codes_;
    std::size_t code_size_;
    std::size_t vertices_;
    RowId first_ = 0;
    S* scorer_;
    VisitedSet* visited_;
    std::array<const std::byte*, max_batch> batch_;
};

}  // namespace tonari
