// A search without a k: neighbours come batch by batch, for as long as the caller asks. For those who filter, join or
// rerank with what only they know, and cannot say beforehand how many neighbours that will take.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/index/search_options.hpp>

namespace tonari {

class IndexModel;
class CursorModel;

/// How a cursor searches. Every field is honoured or refused.
struct CursorOptions {
    /// Graphs: candidates kept ahead of what is answered; more finds more and takes longer. Flat ignores it: it is exact.
    std::size_t ef = 64;
    /// IVF: lists looked at before the first answer, and as many more whenever those are used up. Others ignore it.
    std::size_t nprobe = 16;
    const RowFilter* filter = nullptr;  ///< from `prepare` of the same index; must outlive the cursor
    /// Drop rows that are found only after a farther one was answered, so that distances never fall from one batch to the
    /// next. They are counted in `late()` either way.
    bool strict = false;
};

/// One query's neighbours, nearest first, a batch at a time. The first batch of n is what `search` answers for k = n, as long
/// as n is not above `ef`; over a refined graph, whose finer rows it walks by and not their codes, what `search` answers over
/// a graph of those rows. Asked to the end, it gives every id that may be answered exactly once (unless `strict` dropped it).
///
/// It keeps the index alive, and of a growing index the moment at which it was made: rows added since do not come, rows
/// removed since do, and no memory of removed rows is used again while it lives. It holds what it has found, some 16 bytes a
/// row that it met, and as much again for each row of its largest batch. Not for use by two threads at once.
class TONARI_API Cursor {
public:
    Cursor(std::shared_ptr<const IndexModel> index, std::unique_ptr<CursorModel> model) noexcept;
    Cursor(Cursor&&) noexcept;
    Cursor& operator=(Cursor&&) noexcept;
    ~Cursor();

    /// The next `n` neighbours, ordered by (distance, id), valid until the next call; fewer only at the end, or where the
    /// deadline passed: `complete` is false then, and the next call goes on; rows that are answered then may be farther than others
    /// that come later (with `strict`, none is answered). Graphs: as a search of k = n costs, less what
    /// earlier batches found already. Errors: n = 0, out_of_memory (nothing is lost: ask again).
    Result<Nearest> next(std::size_t n, const Deadline& deadline = {}) &;
    /// No neighbour is left. (Of a growing index it may take one more call, which answers none, to know.)
    [[nodiscard]] bool done() const noexcept;
    /// Ids found only after a farther one was answered: how far the order of batches can be trusted.
    [[nodiscard]] std::size_t late() const noexcept;

private:
    std::shared_ptr<const IndexModel> index_;
    std::unique_ptr<CursorModel> model_;  // looks into the index
    std::vector<Neighbor> answer_;
};

}  // namespace tonari
