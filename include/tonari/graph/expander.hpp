// One layout of a graph, as the walk sees it.
#pragma once

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

template <class E>
concept Expander = requires(E e, RowId vertex, float bound, Expansion& out) {
    { E::bounded } -> std::convertible_to<bool>;  // as the scorer is
    {
        e.expand(vertex, bound, out)
    } noexcept -> std::same_as<std::optional<float>>;  // exact distance, if the row has one
    { e.prefetch(vertex) } noexcept;
};

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
        const RowId* links = links_->at(vertex);
        std::size_t fresh = 0;
        for (std::size_t i = 0; i < links_->degree(); ++i) {
            const RowId row = links[i];
            if (RowId{row - first_} >= vertices_) break;
            if (!visited_->insert(row)) continue;
            const std::byte* code = codes_ + std::size_t{row} * code_size_;
            simd::prefetch(code, code_size_, prefetched_lines);
            out.rows[fresh] = row;
            batch_[fresh++] = code;
        }
        out.survivors.clear();
        out.scored = fresh;
        if (fresh != 0) scorer_->gather({batch_.data(), fresh}, bound, out.survivors);
        return std::nullopt;  // its distance was exact when it was found
    }
    void prefetch(RowId vertex) noexcept { simd::prefetch(links_->at(vertex), links_->degree() * sizeof(RowId)); }

private:
    // Beyond this the hardware's stream prefetcher has caught on; more requests only queue up.
    static constexpr std::size_t prefetched_lines = 12;

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
