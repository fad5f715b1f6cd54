// Which row stands where in inverted lists: from rows and centroids, before anything is encoded.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <tonari/index/build_options.hpp>
#include <tonari/index/coarse_lists.hpp>
#include <tonari/index/concepts.hpp>
#include <tonari/index/stored_rows.hpp>
#include <tonari/index/train_lists.hpp>
#include <tonari/lists/partition.hpp>
#include <tonari/lists/spill.hpp>

namespace tonari {

template <SearchIndex Coarse>
struct ArrangedLists {
    CoarseLists<Coarse> coarse;
    Partition partition;
    std::vector<RowId> list_of;  ///< by row as given
    std::vector<RowId> order;    ///< by row of the index, which one it is; within a list in the order of ids
    Spill spill;
    std::vector<RowId> twice;  ///< by place, which row as given stands there; empty where none is spilled

    /// By place, which row as given stands there.
    [[nodiscard]] std::span<const RowId> places() const noexcept { return spill.empty() ? order : twice; }
    [[nodiscard]] std::size_t list_at(std::size_t place) const noexcept {
        return spill.empty() ? list_of[order[place]] : spill.list_at(place, partition);
    }

    /// `of_rows` is their codec, or what is known before there is one. Throws bad_alloc.
    template <class OfRows>
    static Result<ArrangedLists> arrange(const OfRows& of_rows, MatrixView rows, std::span<const Id> ids,
                                         const TrainedLists& centroids, const IvfParams& params,
                                         const BuildOptions& options) {
        BuildOptions silent = options;
        silent.progress = {};
        auto coarse = CoarseLists<Coarse>::build(of_rows, centroids, params, silent);
        if (!coarse) return std::move(coarse).error();
        std::vector<RowId> list_of(rows.rows());
        const double once = params.spilled ? 0.4 : 1;  // when rows have their first lists: a guess
        if (Status s = coarse->assign(rows, centroids, list_of, options.threads,
                                      progress_between(options.progress, rows.rows(), 0, once));
            !s) {
            return s;
        }
        std::vector<std::size_t> sizes(params.lists);
        for (const RowId list : list_of) ++sizes[list];
        auto partition = Partition::create(sizes);
        if (!partition) return std::move(partition).error();
        std::vector<RowId> order(rows.rows());
        std::vector<std::size_t> next(params.lists);
        for (std::size_t list = 0; list < next.size(); ++list) next[list] = partition->rows_of(list).first;
        for (const RowId row : by_id(rows.rows(), ids)) order[next[list_of[row]]++] = row;
        ArrangedLists lists{*std::move(coarse), *std::move(partition), std::move(list_of), std::move(order), {}, {}};
        if (params.spilled) {
            if (Status s = lists.add_second(rows, ids, centroids, options.threads,
                                            progress_between(options.progress, rows.rows(), once, 1));
                !s) {
                return s;
            }
        }
        return lists;
    }

private:
    /// Every row in a second list.
    Status add_second(MatrixView rows, std::span<const Id> ids, const TrainedLists& centroids, const Threads& threads,
                      const ProgressFunction& progress) {
        std::vector<RowId> second_as_given(rows.rows());
        if (Status s = coarse.assign_again(rows, centroids, list_of, second_as_given, threads, progress); !s) return s;
        std::vector<RowId> second(rows.rows());
        std::vector<RowId> number(rows.rows());  // in the index, by row as given
        for (std::size_t row = 0; row < second.size(); ++row) {
            second[row] = second_as_given[order[row]];
            number[order[row]] = static_cast<RowId>(row);
        }
        std::vector<RowId> in_order = by_id(rows.rows(), ids);
        for (RowId& row : in_order) row = number[row];
        auto spilled = Spill::create(partition, second, in_order);
        if (!spilled) return std::move(spilled).error();
        spill = *std::move(spilled);
        twice.reserve(2 * rows.rows());
        for (std::size_t list = 0; list < partition.lists(); ++list) {
            const auto [first, last] = partition.rows_of(list);
            for (std::size_t row = first; row < last; ++row) twice.push_back(order[row]);
            for (const RowId row : spill.spilled_in(list)) twice.push_back(order[row]);
        }
        return {};
    }
};

}  // namespace tonari
