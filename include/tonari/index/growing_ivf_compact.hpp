// Growing lists that have lost many rows, made as small as those that are left.
//
// Free places lie where rows were removed, all over the lists. First the emptiest blocks of each list give their rows to the
// others; then the blocks that lie behind as many as are in use give theirs to free ones before them; then the end of the
// memory is free, and is given back. A row moves as an update moves an id, from one moment to the next, so that searches and
// changes go on.
//
// Invariants (tests/unit/index/growing_ivf_test.cpp, tests/concurrency/growing_ivf_test.cpp)
//   - A row moves only while it is alive, within its list, and while the books are held: who updates or removes its id comes
//     before or after.
//   - However it ends, no block stays closed.
#pragma once

#include <functional>
#include <vector>

#include <tonari/index/growing_ivf.hpp>

namespace tonari {

/// While it lives, superfluous blocks take no more rows; then the free ones at the end are dropped, however it ended.
template <Codec C, SearchIndex Coarse, class Fine, class Reclaimer>
class GrowingIvf<C, Coarse, Fine, Reclaimer>::Closed {
public:
    explicit Closed(GrowingIvf& of) : index_(&of) {
        const std::lock_guard books(index_->books_);
        blocks = index_->lists_.superfluous();
        for (const Block block : blocks) index_->lists_.close(block);
    }
    Closed(const Closed&) = delete;
    Closed& operator=(const Closed&) = delete;
    ~Closed() {
        const std::lock_guard books(index_->books_);
        for (const Block block : blocks) index_->lists_.open(block);
        if (index_->lists_.drop_free_end()) {
            index_->places_.discard(index_->lists_.blocks() * GrowingLists::block_rows);
        }
    }

    std::vector<Block> blocks;

private:
    GrowingIvf* index_;
};

template <Codec C, SearchIndex Coarse, class Fine, class Reclaimer>
Result<bool> GrowingIvf<C, Coarse, Fine, Reclaimer>::compact(
    const std::function<void(std::size_t, std::size_t)>& progress) try {
    const auto mine = compacting_.begin();
    if (!mine) return mine.error();
    constexpr int most_rounds = 4;  // lists are packed, blocks move to the front; others change both meanwhile
    bool whole = tidy();
    for (int round = 0; round < most_rounds; ++round) {
        const Closed closed(*this);
        const std::size_t total = closed.blocks.size();
        for (std::size_t i = 0; i < total; ++i) {
            for (bool more = true; more;) {
                auto moved = move_rows(closed.blocks[i]);
                if (!moved) return std::move(moved).error();
                more = *moved;
            }
            if (progress) progress((i + 1) * GrowingLists::block_rows, total * GrowingLists::block_rows);
        }
        whole = tidy();
        if (!whole || total == 0) break;
    }
    const std::lock_guard books(books_);
    return whole && lists_.free_blocks() == 0 && lists_.superfluous().empty();
} catch (const std::bad_alloc&) {
    return no_memory();
}

template <Codec C, SearchIndex Coarse, class Fine, class Reclaimer>
Result<bool> GrowingIvf<C, Coarse, Fine, Reclaimer>::move_rows(Block block) {
    constexpr std::size_t at_once = 8;
    const std::lock_guard books(books_);
    if (!lists_.is_linked(block)) return false;  // it was the last row, or has come to another list since
    const std::size_t list = lists_.list_of(block);
    const Moment moment = epoch_.now() + 1;
    std::size_t moved = 0;
    Status reserved;
    for (std::size_t i = 0; i < GrowingLists::block_rows && moved < at_once; ++i) {
        const RowId from = GrowingLists::first_place(block) + static_cast<RowId>(i);
        if (!lists_.is_shown(from) || !places_.is_living(from)) continue;
        const RowId to = lists_.take_within(list, block);
        if (to == no_row) break;  // somebody was faster
        reserved = reserve_places();
        if (!reserved) {
            give_back(to);
            break;
        }
        places_.expect(to, places_.id(from));
        lists_.copy(from, to);
        bury(from, moment);
        settle(to, moment);
        ++moved;
    }
    if (moved > 0) turn(moment);
    help(2 * at_once);
    if (!reserved) return std::move(reserved).error();
    return moved == at_once;
}

}  // namespace tonari
