// What every index is, whatever its structure and codec.
#pragma once

#include <concepts>
#include <cstdint>

#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>
#include <tonari/index/id_map.hpp>
#include <tonari/index/search_options.hpp>
#include <tonari/index/search_scratch.hpp>
#include <tonari/io/section_reader.hpp>

namespace tonari {

/// The values stand in files: never renumber.
enum class IndexKind : std::uint8_t { flat = 1, hnsw = 2, ivf = 3, refined = 4, transformed = 5, ivf_hnsw = 6 };

/// `reserve` is the door: it checks the options and sizes the scratch. `search` and `range_search` then allocate
/// nothing; their answer stands in `scratch.neighbors`, ordered by (distance, id), until the next call.
template <class I>
concept SearchIndex = std::movable<I> && Stored<I> &&
                      requires(const I i, RowView query, const SearchOptions& options, const RangeOptions& range,
                               SearchScratch& scratch) {
                          { I::kind } -> std::convertible_to<IndexKind>;
                          { i.size() } noexcept -> std::same_as<std::size_t>;
                          { i.dim() } noexcept -> std::same_as<Dim>;
                          { i.ids() } noexcept -> std::same_as<const IdMap&>;
                          { i.reserve(options, scratch) } -> std::same_as<Status>;
                          { i.search(query, options, scratch) } noexcept -> std::same_as<Outcome>;
                          { i.reserve(range, scratch) } -> std::same_as<Status>;
                          { i.range_search(query, range, scratch) } noexcept -> std::same_as<Outcome>;
                      };

/// An index that answers many queries faster together than one by one, where `has_batch` says so of so many of them. `search_batch`
/// answers true, or false where they are to go one by one after all.
template <class I>
concept BatchIndex = SearchIndex<I> && requires(const I i, std::size_t count, MatrixView queries,
                                                const SearchOptions& options, Answers& out) {
    { i.has_batch(count, options) } noexcept -> std::same_as<bool>;
    { i.search_batch(queries, options, out) } -> std::same_as<Result<bool>>;
};

}  // namespace tonari
