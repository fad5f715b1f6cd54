// The centroids of inverted lists: what they are trained on, and as what they are stored and compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <tonari/codec/flat.hpp>
#include <tonari/core/aligned.hpp>
#include <tonari/core/export.hpp>
#include <tonari/index/build_options.hpp>

namespace tonari {

/// Of the spec word "IVF<lists>".
inline constexpr std::size_t max_lists = std::size_t{1} << 24;

struct IvfParams {
    std::size_t lists = 0;
    std::size_t coarse_links = 0;  ///< M of a graph over the centroids; 0: Flat
    bool spilled = false;  ///< each row stands in a second list, too (lists/second_list.hpp); of 2 lists or more
};

/// Centroids as float32, or as bits where rows are bits.
struct TrainedLists {
    AlignedBuffer values;
    std::size_t lists = 0;
    Dim dim = 0;
    Element element = Element::float32;
    std::vector<float>
        prices{};  ///< what counts against each when rows are assigned (`KMeansOptions::balance`); or none

    [[nodiscard]] MatrixView view() const noexcept { return {values.data(), lists, dim, element}; }
};

/// k-means over a sample of the rows (train/kmeans.hpp), whatever the metric: the mean is what a list is about. Under cosine and
/// inner product the centroids have length 1, as in faiss, so that none attracts rows by its length; bits are averaged and
/// rounded. Errors: invalid_argument where there are fewer rows than lists; unsupported where lists are to be balanced whose rows
/// are bits, or compared by l1 or a user's metric; out_of_memory.
TONARI_API Result<TrainedLists> train_lists(MatrixView rows, MetricKind metric, std::size_t lists,
                                            const BuildOptions& options);

/// The list of each row, where comparing all centroids by blocked products gives it (train/assign.hpp): true. False where the
/// metric or the element has none of those, and the coarse index is to be asked row by row. Any number of threads gives the
/// same lists.
TONARI_API Result<bool> assign_by_products(MatrixView rows, MetricKind metric, const TrainedLists& centroids,
                                           std::span<RowId> list_of, const Threads& threads,
                                           const ProgressFunction& progress);

/// How the centroids of such rows are compared.
template <class OfRows>
auto coarse_codec(const OfRows& codec) {
    using M = std::remove_cvref_t<decltype(codec.metric())>;
    const Element element = codec.element() == Element::bits ? Element::bits : Element::float32;
    return Flat<M>::create(element, codec.dim(), codec.metric());
}

/// ef of a search for `count` lists where the centroids are a graph: a list that is missed costs more than a few distances.
constexpr std::size_t coarse_width(std::size_t count) noexcept { return count < 32 ? 64 : 2 * count; }

}  // namespace tonari
