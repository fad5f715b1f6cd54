// Groups of rows that lie near each other, a few hundred to a group, each row in several: among those it meets nearly all that are
// near it, and within a group all distances come from products of blocks (PiPNN: Rubel, Wen, Dhulipala and others 2026,
// "PiPNN: Ultra-Scalable Graph-Based Nearest Neighbor Indexing", arXiv 2602.21247, whose leaves and fan-out these are).
//
// Some rows are leaders. Every row follows the leaders that are nearest to it, and those that follow one are divided among
// leaders of their own, until a group is small enough:
//
//     all rows -> up to 256 leaders, each row behind the `first` nearest
//              -> leaders of each group, each row behind the `second` nearest
//              -> and so on, behind the nearest one
//
// Invariants
//   - every row is in a leaf, and no leaf has more than `most_rows`
//   - rows of a leaf ascend, none comes twice
//   - the same leaves for any number of threads
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <tonari/codec/flat.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/progress.hpp>
#include <tonari/core/result.hpp>

namespace tonari {

/// Leaders that a row follows, of all and then within a group.
struct FanOut {
    std::size_t first = 6;
    std::size_t second = 2;
};

class Leaves {
public:
    static constexpr std::size_t most_rows = 1024;

    /// Of `rows` codes one behind another, in an order that has nothing to do with where they lie: leaders are picked by place. `codec`
    /// suits panels (codec/query_panels.hpp). About rows x 256 distances, and for each
    /// of the `first` groups that a row is in as many as that has leaders, at most 256. Errors: out_of_memory.
    TONARI_API static Result<Leaves> divide(const Flat<AnyMetric>& codec, const std::byte* codes, std::size_t rows,
                                            const FanOut& fan_out, const Threads& threads);

    [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
    [[nodiscard]] std::span<const RowId> operator[](std::size_t leaf) const noexcept {
        const std::size_t first = leaf == 0 ? 0 : ends_[leaf - 1];
        return std::span(members_).subspan(first, ends_[leaf] - first);
    }
    /// Of all leaves together.
    [[nodiscard]] std::span<const RowId> members() const noexcept { return members_; }

private:
    std::vector<RowId> members_;
    std::vector<std::size_t> ends_;
};

}  // namespace tonari
