// Chains of blocks, their places, and which are free.
#include <tonari/lists/growing_lists.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <new>
#include <string>

namespace tonari {
namespace {

constexpr std::uint32_t all_places = ~std::uint32_t{0};
static_assert(GrowingLists::block_rows == 32, "a place is a bit of 32");

constexpr std::uint32_t bit_of(RowId place) noexcept {
    return std::uint32_t{1} << place % static_cast<RowId>(GrowingLists::block_rows);
}

}  // namespace

GrowingLists::GrowingLists(std::size_t lists, std::size_t code_size, std::size_t fine_size)
    : code_size_(code_size),
      fine_size_(fine_size),
      lists_(lists),
      records_(sizeof(Record)),
      codes_(block_rows * code_size),
      fine_(block_rows * fine_size) {}

void GrowingLists::copy(RowId from, RowId to) const noexcept {
    std::memcpy(room(to), code(from), code_size_);
    if (fine_size_ > 0) std::memcpy(fine_room(to), fine(from), fine_size_);
}

std::size_t GrowingLists::taken(Block block) const noexcept {
    return static_cast<std::size_t>(std::popcount(at(block).taken));
}

Result<RowId> GrowingLists::take(std::size_t list) {
    if (lists_[list].open == no_block) {
        if (free_.empty()) {
            if (Status s = extend(); !s) return s;
        }
        link(pop_free(), list);
    }
    return take_from(lists_[list].open);
}

RowId GrowingLists::take_within(std::size_t list, Block below) noexcept {
    if (lists_[list].open == no_block) {
        if (free_.empty() || free_.front() >= below) return no_row;
        link(pop_free(), list);
    }
    return take_from(lists_[list].open);
}

RowId GrowingLists::take_from(Block block) noexcept {
    Record& record = at(block);
    const auto place = static_cast<RowId>(std::countr_one(record.taken));
    record.taken |= bit_of(place);
    if (record.taken == all_places) remove_open(block);
    return first_place(block) + place;
}

void GrowingLists::show(RowId place) noexcept {
    at(block_of(place)).shown.fetch_or(bit_of(place), std::memory_order_release);
}
void GrowingLists::hide(RowId place) noexcept {
    at(block_of(place)).shown.fetch_and(~bit_of(place), std::memory_order_release);
}

bool GrowingLists::give_back(RowId place, Moment stamp) noexcept {
    const Block block = place / static_cast<RowId>(block_rows);
    Record& record = at(block);
    const bool was_full = record.taken == all_places;
    record.taken &= ~bit_of(place);
    if (record.taken != 0) {
        if (was_full && !record.closed) add_open(block);
        return false;
    }
    if (!was_full && !record.closed) remove_open(block);
    unlink(block);
    record.stamp = stamp;
    record.next_open = no_block;
    (first_waiting_ == no_block ? first_waiting_ : at(last_waiting_).next_open) = block;
    last_waiting_ = block;
    ++waiting_;
    return true;
}

void GrowingLists::reclaim(Moment oldest) noexcept {
    while (first_waiting_ != no_block && at(first_waiting_).stamp <= oldest) {
        const Block block = first_waiting_;
        first_waiting_ = at(block).next_open;
        --waiting_;
        free_.push_back(block);  // within its room
        std::push_heap(free_.begin(), free_.end(), std::greater<>());
    }
}

void GrowingLists::link(Block block, std::size_t list) noexcept {
    List& its = lists_[list];
    Record& record = at(block);
    record.taken = 0;
    record.list = static_cast<std::uint32_t>(list);
    record.linked = true;
    record.closed = false;
    record.previous = its.last;
    record.next.store(no_block, std::memory_order_relaxed);
    add_open(block);
    if (its.last == no_block) {
        its.first.store(block, std::memory_order_release);
    } else {
        at(its.last).next.store(block, std::memory_order_release);
    }
    its.last = block;
}

void GrowingLists::unlink(Block block) noexcept {
    Record& record = at(block);
    List& its = lists_[record.list];
    const Block next = record.next.load(std::memory_order_relaxed);  // stays: it leads on who stands here
    if (record.previous == no_block) {
        its.first.store(next, std::memory_order_release);
    } else {
        at(record.previous).next.store(next, std::memory_order_release);
    }
    (next == no_block ? its.last : at(next).previous) = record.previous;
    record.linked = false;
}

void GrowingLists::add_open(Block block) noexcept {
    List& its = lists_[at(block).list];
    at(block).previous_open = no_block;
    at(block).next_open = its.open;
    if (its.open != no_block) at(its.open).previous_open = block;
    its.open = block;
}

void GrowingLists::remove_open(Block block) noexcept {
    const Record& record = at(block);
    if (record.next_open != no_block) at(record.next_open).previous_open = record.previous_open;
    (record.previous_open == no_block ? lists_[record.list].open : at(record.previous_open).next_open) =
        record.next_open;
}

GrowingLists::Block GrowingLists::pop_free() noexcept {
    std::pop_heap(free_.begin(), free_.end(), std::greater<>());
    const Block block = free_.back();
    free_.pop_back();
    return block;
}

Status GrowingLists::extend() try {
    if ((blocks_ + 1) * block_rows > max_rows) {
        return Error{ErrorCode::out_of_range,
                     "expected at most " + std::to_string(max_rows) + " rows in one index; split them over several"};
    }
    if (Status s = records_.reserve(blocks_ + 1); !s) return s;
    if (Status s = codes_.reserve(blocks_ + 1); !s) return s;
    if (fine_size_ > 0) {
        if (Status s = fine_.reserve(blocks_ + 1); !s) return s;
    }
    if (free_.capacity() < blocks_ + 1) free_.reserve(2 * (blocks_ + 1));  // so that giving back never fails
    if (blocks_ == constructed_) new (records_.at(constructed_++)) Record;
    free_.push_back(static_cast<Block>(blocks_++));
    std::push_heap(free_.begin(), free_.end(), std::greater<>());
    return {};
} catch (const std::bad_alloc&) {
    return Error{ErrorCode::out_of_memory, "no memory for one more block of " + std::to_string(block_rows) + " rows"};
}

std::vector<GrowingLists::Block> GrowingLists::superfluous() const {
    std::vector<Block> blocks;
    std::vector<Block> of_list;
    for (const List& list : lists_) {
        of_list.clear();
        std::size_t rows = 0;
        for (Block block = list.first.load(std::memory_order_relaxed); block != no_block;
             block = at(block).next.load(std::memory_order_relaxed)) {
            of_list.push_back(block);
            rows += taken(block);
        }
        const std::size_t needed = (rows + block_rows - 1) / block_rows;
        if (needed == of_list.size()) continue;
        std::stable_sort(of_list.begin(), of_list.end(), [this](Block a, Block b) { return taken(a) < taken(b); });
        of_list.resize(of_list.size() - needed);
        blocks.insert(blocks.end(), of_list.begin(), of_list.end());
    }
    if (!blocks.empty()) return blocks;
    const std::size_t in_use = blocks_ - free_.size() - waiting_;
    for (std::size_t block = in_use; block < blocks_; ++block) {
        if (at(static_cast<Block>(block)).linked) blocks.push_back(static_cast<Block>(block));
    }
    return blocks;
}

void GrowingLists::close(Block block) noexcept {
    if (at(block).taken != all_places) remove_open(block);
    at(block).closed = true;
}
void GrowingLists::open(Block block) noexcept {
    if (!at(block).linked || !at(block).closed) return;
    at(block).closed = false;
    if (at(block).taken != all_places) add_open(block);
}

bool GrowingLists::drop_free_end() noexcept {
    const std::size_t before = blocks_;
    std::sort(free_.begin(), free_.end());  // a heap still
    while (!free_.empty() && free_.back() + 1 == blocks_) {
        free_.pop_back();
        --blocks_;
    }
    if (blocks_ < before) {
        codes_.discard(blocks_);
        fine_.discard(blocks_);
    }
    return blocks_ < before;
}

}  // namespace tonari
