// Inverted lists whose codes come and go while they are scanned. A list is a chain of blocks, each of which holds 32 codes
// one behind another, so that a block is one scan, and blocks that follow each other are one scan together.
//
//     list:    | first block | last block | first with room |
//     block:   | shown | taken | next | previous | next and previous with room | list | stamp |     and, elsewhere, 32 codes,
//              and, elsewhere again, the finer codes of the same rows, if there are any
//     place:   32 * block + its number in the block: what a row is known by
//
// How a place lives
//     take     of its list's blocks, or of a new one: it is the caller's, who writes the code
//     show     from here on scans compare it
//     hide     scans that begin do not; those that have begun may still compare it
//     give     back, when those are gone: the next row of the list takes it
//
// Invariants, each with its test (tests/unit/lists/growing_lists_test.cpp, tests/concurrency/growing_ivf_test.cpp)
//   - A code is written while its place is not shown, and not hidden, in anybody's view: who meets it in `shown` sees it whole.
//   - A block without a taken place leaves its chain. It still leads on who stands on it, and belongs to a list again only
//     when a moment has passed that every reader is beyond.
//   - Of free blocks the lowest is taken first, so that the end of the memory becomes free and can be given back.
//   - Nothing fails but `take`, which then changes nothing.
// What readers call takes no lock; everything else is for one caller at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include <tonari/core/chunks.hpp>
#include <tonari/core/epoch.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/types.hpp>

namespace tonari {

class TONARI_API GrowingLists {
public:
    using Block = std::uint32_t;
    static constexpr Block no_block = ~Block{0};
    /// Half a block a list is not used on average; fewer rows make short scans where blocks do not follow each other.
    static constexpr std::size_t block_rows = 32;

    /// So many empty lists, of codes of so many bytes; `fine_size` bytes are what finer ones beside them take. Throws bad_alloc.
    GrowingLists(std::size_t lists, std::size_t code_size, std::size_t fine_size = 0);
    GrowingLists(const GrowingLists&) = delete;
    GrowingLists& operator=(const GrowingLists&) = delete;
    ~GrowingLists() = default;

    [[nodiscard]] std::size_t lists() const noexcept { return lists_.size(); }
    [[nodiscard]] std::size_t code_size() const noexcept { return code_size_; }
    [[nodiscard]] std::size_t fine_size() const noexcept { return fine_size_; }

    // --- Reading, while others change it.

    [[nodiscard]] Block first(std::size_t list) const noexcept {
        return lists_[list].first.load(std::memory_order_acquire);
    }
    [[nodiscard]] Block next(Block block) const noexcept { return at(block).next.load(std::memory_order_acquire); }
    /// Bit i: place i of the block is in the list.
    [[nodiscard]] std::uint32_t shown(Block block) const noexcept {
        return at(block).shown.load(std::memory_order_acquire);
    }
    [[nodiscard]] static RowId first_place(Block block) noexcept { return block * RowId{block_rows}; }
    [[nodiscard]] static Block block_of(RowId place) noexcept { return place / RowId{block_rows}; }
    [[nodiscard]] const std::byte* code(RowId place) const noexcept { return room(place); }
    [[nodiscard]] const std::byte* fine(RowId place) const noexcept { return fine_room(place); }

    // --- Changing.

    /// A place of the list. Errors: out_of_memory, out_of_range.
    Result<RowId> take(std::size_t list);
    /// The same without a block that lies at `below` or behind it, unless the list has it already: `no_row` if there is none.
    RowId take_within(std::size_t list, Block below) noexcept;
    /// Where the code of a place that is not shown is written.
    [[nodiscard]] std::byte* room(RowId place) const noexcept {
        return codes_.at(block_of(place)) + place % block_rows * code_size_;
    }
    [[nodiscard]] std::byte* fine_room(RowId place) const noexcept {
        return fine_.at(block_of(place)) + place % block_rows * fine_size_;
    }
    /// What place `from` holds, to `to`, which is not shown.
    void copy(RowId from, RowId to) const noexcept;
    void show(RowId place) noexcept;
    void hide(RowId place) noexcept;
    /// No reader compares the place any more, or ever did. True if it was the last of its block, which then has left its list
    /// and waits until `reclaim` is told that every reader looks at `stamp` or later.
    bool give_back(RowId place, Moment stamp) noexcept;
    /// Frees the blocks that wait for readers of before `oldest`.
    void reclaim(Moment oldest) noexcept;

    // --- How it is.

    [[nodiscard]] std::size_t blocks() const noexcept { return blocks_; }  ///< all, free ones among them
    [[nodiscard]] std::size_t free_blocks() const noexcept { return free_.size(); }
    [[nodiscard]] std::size_t waiting_blocks() const noexcept { return waiting_; }
    [[nodiscard]] std::size_t taken(Block block) const noexcept;  ///< places of it
    [[nodiscard]] bool is_linked(Block block) const noexcept { return at(block).linked; }
    [[nodiscard]] std::size_t list_of(Block block) const noexcept { return at(block).list; }
    /// Bytes of the codes, and of what is known of blocks and lists.
    [[nodiscard]] std::size_t code_bytes() const noexcept { return blocks_ * codes_.stride(); }
    [[nodiscard]] std::size_t fine_bytes() const noexcept { return blocks_ * fine_.stride(); }
    [[nodiscard]] std::size_t book_bytes() const noexcept {
        return blocks_ * records_.stride() + lists_.size() * sizeof(List);
    }
    [[nodiscard]] bool is_shown(RowId place) const noexcept {
        return (at(block_of(place)).shown.load(std::memory_order_relaxed) >> place % block_rows & 1) != 0;
    }

    // --- Fewer blocks (index/growing_ivf_compact.hpp).

    /// Blocks that the lists' rows need not have: of each list the emptiest ones, whose rows fit into the others' free
    /// places; and if there are none, those that lie behind as many blocks as are in use. Throws bad_alloc.
    [[nodiscard]] std::vector<Block> superfluous() const;
    /// No place of a closed block is taken, until it is opened or has left its list.
    void close(Block block) noexcept;
    void open(Block block) noexcept;
    /// Forgets the free blocks at the end and gives their memory back to the system. True if there were any.
    bool drop_free_end() noexcept;

private:
    struct List {
        std::atomic<Block> first{no_block};
        Block last = no_block;
        Block open = no_block;
    };
    struct Record {
        std::atomic<std::uint32_t> shown{0};
        std::atomic<Block> next{no_block};
        std::uint32_t taken = 0;
        Block previous = no_block;
        Block next_open = no_block;  // of a block that waits: the next of those
        Block previous_open = no_block;
        std::uint32_t list = 0;
        bool linked = false;
        bool closed = false;
        Moment stamp = 0;
    };

    [[nodiscard]] Record& at(Block block) const noexcept { return *records_.as<Record>(block); }
    RowId take_from(Block block) noexcept;
    void link(Block block, std::size_t list) noexcept;
    void unlink(Block block) noexcept;
    void add_open(Block block) noexcept;
    void remove_open(Block block) noexcept;
    Block pop_free() noexcept;
    Status extend();

    std::size_t code_size_;
    std::size_t fine_size_;
    std::vector<List> lists_;
    Chunks records_;
    Chunks codes_;
    Chunks fine_;
    std::size_t blocks_ = 0;
    std::size_t constructed_ = 0;  // records that were ever in use: they stay, for readers that come late
    std::vector<Block> free_;      // a heap, the lowest on top
    Block first_waiting_ = no_block;
    Block last_waiting_ = no_block;
    std::size_t waiting_ = 0;
};

}  // namespace tonari
