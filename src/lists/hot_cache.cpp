// Counting, and the change of one list a search.
#include <tonari/lists/hot_cache.hpp>

#include <algorithm>
#include <new>
#include <string>
#include <utility>

namespace tonari {
namespace {

/// A list takes another's place if it is so many times as hot: two that are asked for alike are not to take turns.
constexpr double hotter = 1.25;
/// Of how many that are kept the coldest is looked for.
constexpr std::size_t tried = 8;
/// Counts are halved each time that, on average, every list was asked for so often.
constexpr std::uint64_t asks_before_aging = 8;

}  // namespace

Result<std::shared_ptr<HotCache>> HotCache::create(const Bytes& mapped, std::vector<std::uint64_t> begins,
                                                   std::size_t budget, KeptPages::By preferred) try {
    if (budget < KeptPages::page_bytes()) {
        return Error{ErrorCode::invalid_argument, "a cache of lists: expected at least a page, " +
                                                      std::to_string(KeptPages::page_bytes()) + " bytes, got " +
                                                      std::to_string(budget)};
    }
    auto pages = KeptPages::of(mapped, preferred);
    if (!pages) return std::move(pages).error();
    const std::size_t head = reinterpret_cast<std::uintptr_t>(mapped.data()) % KeptPages::page_bytes();
    return std::shared_ptr<HotCache>(new HotCache(*std::move(pages), head, std::move(begins), budget));
} catch (const std::bad_alloc&) {
    return Error{ErrorCode::out_of_memory, "no memory to count how often each list is asked for"};
}

HotCache::HotCache(KeptPages pages, std::size_t head, std::vector<std::uint64_t> begins, std::size_t budget)
    : pages_(std::move(pages)),
      head_(head),
      begins_(std::move(begins)),
      budget_pages_(budget / KeptPages::page_bytes()),
      asked_(lists()),
      kept_(lists()),
      next_aging_(asks_before_aging * lists()),
      locked_(pages_.by() == KeptPages::By::lock) {
    hot_.reserve(lists());
}

HotCache::ListNo HotCache::list_of(std::uint64_t begin) const noexcept {
    const auto behind = std::upper_bound(begins_.begin(), begins_.end() - 1, begin);
    return static_cast<ListNo>(std::max<std::ptrdiff_t>(behind - begins_.begin(), 1) - 1);
}
double HotCache::heat(ListNo list) const noexcept {
    return asked_[list].load(std::memory_order_relaxed) / static_cast<double>(page_count(list));
}
std::size_t HotCache::page_of(std::uint64_t byte) const noexcept {
    return static_cast<std::size_t>((head_ + byte) / KeptPages::page_bytes());
}
std::size_t HotCache::page_count(ListNo list) const noexcept {
    const std::uint64_t begin = begins_[list];
    const std::uint64_t end = begins_[list + std::size_t{1}];
    return begin == end ? 0 : page_of(end - 1) - page_of(begin) + 1;
}

bool HotCache::ask(std::uint64_t begin, std::size_t bytes) noexcept {
    const ListNo list = list_of(begin);
    const std::uint32_t asked = asked_[list].fetch_add(1, std::memory_order_relaxed) + 1;
    if (kept_[list].load(std::memory_order_relaxed)) {
        hits_.fetch_add(1, std::memory_order_relaxed);
        return true;
    }
    misses_.fetch_add(1, std::memory_order_relaxed);
    bytes_read_.fetch_add(bytes, std::memory_order_relaxed);
    const ListNo before = missed_.load(std::memory_order_relaxed);
    if (before == none || asked > asked_[before].load(std::memory_order_relaxed)) {
        missed_.store(list, std::memory_order_relaxed);
    }
    return false;
}

void HotCache::tend() noexcept {
    if (missed_.load(std::memory_order_relaxed) == none) return;
    const std::unique_lock changing(changing_, std::try_to_lock);
    if (!changing) return;
    const ListNo list = missed_.exchange(none, std::memory_order_relaxed);
    if (list != none) consider(list);
    if (hits_.load(std::memory_order_relaxed) + misses_.load(std::memory_order_relaxed) >= next_aging_) age();
}

void HotCache::consider(ListNo list) noexcept {
    const std::size_t wanted = page_count(list);
    if (refused_.load(std::memory_order_relaxed) || kept_[list].load(std::memory_order_relaxed) || wanted == 0 ||
        wanted > budget_pages_)
        return;
    while (kept_pages_.load(std::memory_order_relaxed) + wanted > budget_pages_) {
        const std::size_t place = coldest_of_some();
        if (heat(list) <= hotter * heat(hot_[place])) return;
        let_go(place);
        evictions_.fetch_add(1, std::memory_order_relaxed);
    }
    if (!pages_.keep(begins_[list], begins_[list + std::size_t{1}])) {
        refused_.store(true, std::memory_order_relaxed);
        return;
    }
    locked_.store(pages_.by() == KeptPages::By::lock, std::memory_order_relaxed);
    hot_.push_back(list);
    kept_pages_.fetch_add(wanted, std::memory_order_relaxed);
    kept_lists_.store(hot_.size(), std::memory_order_relaxed);
    kept_[list].store(true, std::memory_order_relaxed);
}

std::size_t HotCache::coldest_of_some() noexcept {
    std::size_t coldest = random_.below(hot_.size());
    for (std::size_t i = 1; i < tried; ++i) {
        const std::size_t place = random_.below(hot_.size());
        if (heat(hot_[place]) < heat(hot_[coldest])) coldest = place;
    }
    return coldest;
}

void HotCache::let_go(std::size_t place) noexcept {
    const ListNo list = hot_[place];
    hot_[place] = hot_.back();
    hot_.pop_back();
    kept_[list].store(false, std::memory_order_relaxed);
    kept_pages_.fetch_sub(page_count(list), std::memory_order_relaxed);
    kept_lists_.store(hot_.size(), std::memory_order_relaxed);

    // The first and the last page may hold the end of another list that is kept, or several short ones.
    const std::size_t page = KeptPages::page_bytes();
    std::uint64_t begin = begins_[list];
    std::uint64_t end = begins_[list + std::size_t{1}];
    const auto kept_in = [&](ListNo other, std::size_t in) {
        return kept_[other].load(std::memory_order_relaxed) && page_count(other) > 0 && page_of(begins_[other]) <= in &&
               page_of(begins_[other + std::size_t{1}] - 1) >= in;
    };
    const std::size_t first = page_of(begin);
    for (ListNo other = list; other-- > 0 && page_of(begins_[other + std::size_t{1}]) >= first;) {
        if (!kept_in(other, first)) continue;
        begin = (first + 1) * page - head_;
        break;
    }
    const std::size_t last = page_of(end - 1);
    for (ListNo other = list + 1; other < lists() && page_of(begins_[other]) <= last; ++other) {
        if (!kept_in(other, last)) continue;
        end = last == 0 ? 0 : last * page - head_;
        break;
    }
    if (begin < end) pages_.let_go(static_cast<std::size_t>(begin), static_cast<std::size_t>(end));
}

void HotCache::age() noexcept {
    for (auto& count : asked_) count.store(count.load(std::memory_order_relaxed) / 2, std::memory_order_relaxed);
    next_aging_ += asks_before_aging * lists();
}

HotCacheStats HotCache::stats() const noexcept {
    return {.hits = hits_.load(std::memory_order_relaxed),
            .misses = misses_.load(std::memory_order_relaxed),
            .bytes_read = bytes_read_.load(std::memory_order_relaxed),
            .evictions = evictions_.load(std::memory_order_relaxed),
            .lists = kept_lists_.load(std::memory_order_relaxed),
            .bytes = kept_pages_.load(std::memory_order_relaxed) * KeptPages::page_bytes(),
            .budget = budget_pages_ * KeptPages::page_bytes(),
            .locked = locked_.load(std::memory_order_relaxed),
            .refused = refused_.load(std::memory_order_relaxed)};
}

}  // namespace tonari
