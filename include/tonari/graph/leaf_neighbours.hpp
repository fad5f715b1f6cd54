// The nearest rows that each row meets in its leaves (graph/leaves.hpp): candidates for the links of a graph.
//
// A row looks first at one of its leaves, and keeps `of_first` of the rows there. What another leaf has for it must be nearer than the
// last of those, and no more than `of_other` of them are kept. A leaf meets itself as a matrix, in register-blocked products or tiles
// (codec/query_panels.hpp).
//
// Invariants
//   - what is found does not depend on the order in which threads come to leaves: each row has places of its own for each leaf
//   - found rows are held for a slice of all rows at a time, so they take no more memory than was said
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <tonari/codec/flat.hpp>
#include <tonari/core/aligned.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/ordered_key.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/progress.hpp>
#include <tonari/core/result.hpp>
#include <tonari/graph/leaves.hpp>

namespace tonari {

class LeafNeighbours {
public:
    /// Rows kept from a leaf, at least 1; from the first no fewer than from others.
    struct Kept {
        std::size_t of_first = 64;
        std::size_t of_other = 16;
    };
    /// What is found at a time takes no more, unless that is too little for one row.
    static constexpr std::size_t most_bytes = std::size_t{256} << 20;

    /// Of `rows` codes one behind another, in the leaves that they were divided among. All outlive it. Errors: out_of_memory.
    TONARI_API static Result<LeafNeighbours> create(const Flat<AnyMetric>& codec, const std::byte* codes,
                                                    std::size_t rows, const Leaves& leaves, const Kept& kept,
                                                    const Threads& threads, std::size_t bytes = most_bytes);
    TONARI_API LeafNeighbours(LeafNeighbours&& other) noexcept;
    TONARI_API LeafNeighbours& operator=(LeafNeighbours&& other) noexcept;
    TONARI_API ~LeafNeighbours();

    /// Where a slice that begins with row `first` ends.
    [[nodiscard]] TONARI_API std::size_t slice_end(std::size_t first) const noexcept;
    /// Looks for those of the rows [first, last), a slice, in place of what was found before. `progress` is told leaves, each twice.
    /// Distances: for each row of the slice as many as its leaves have rows.
    TONARI_API void look(std::size_t first, std::size_t last, const Threads& threads, const ProgressFunction& progress);
    /// Those of a row of the slice, nearest first, each once, at most so many. To be asked once for each row, by any threads.
    [[nodiscard]] TONARI_API std::span<const OrderedKey> of(RowId row, std::size_t most) noexcept;

private:
    class Worker;

    LeafNeighbours(const Leaves& leaves, std::size_t rows, const Kept& kept, std::size_t bytes);
    void look_in(std::size_t leaf, std::size_t last, bool as_first, Worker& worker) noexcept;
    [[nodiscard]] std::size_t kept_of(std::size_t nth) const noexcept {
        return nth == 0 ? kept_.of_first : kept_.of_other;
    }
    /// Of a row of the slice, for the nth of its leaves.
    [[nodiscard]] OrderedKey* places(std::size_t row, std::size_t nth) noexcept {
        OrderedKey* const own = found_.as<OrderedKey>().data() + (begins_[row] - begins_[slice_]);
        return nth == 0 ? own : own + kept_.of_first + (nth - 1) * kept_.of_other;
    }

    const Leaves* leaves_;
    Kept kept_;
    std::size_t places_at_a_time_;
    std::vector<std::size_t> begins_;   // by row: places before its own
    std::vector<std::uint8_t> nth_;     // by member: which of its row's leaves this is
    std::vector<std::size_t> members_;  // by leaf: members before its own
    std::size_t slice_ = 0;             // its first row
    std::vector<float> limits_;  // by row of the slice: what rows in other leaves than the first must be nearer than
    AlignedBuffer found_;        // places of a slice
    std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace tonari
