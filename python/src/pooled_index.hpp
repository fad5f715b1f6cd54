// Python's Index: the library's, and the searchers that single queries borrow.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <tonari/index/index.hpp>

namespace tonari::python {

/// A query after query from Python would otherwise allocate and clear scratch for the whole index each time, which on
/// a million rows costs about as much as the search. There are as many searchers as threads ever searched at once.
class PooledIndex {
public:
    explicit PooledIndex(Index index) : index_(std::move(index)) {}

    [[nodiscard]] const Index& index() const noexcept { return index_; }

    /// Calls `use(searcher)` with one that nobody else uses meanwhile.
    template <class Use>
    auto with_searcher(Use&& use) const {
        std::unique_ptr<Searcher> searcher = borrow();
        auto answer = use(*searcher);
        give_back(std::move(searcher));
        return answer;
    }

private:
    std::unique_ptr<Searcher> borrow() const {
        const std::lock_guard lock(mutex_);
        if (idle_.empty()) return std::make_unique<Searcher>(index_.searcher());
        std::unique_ptr<Searcher> searcher = std::move(idle_.back());
        idle_.pop_back();
        return searcher;
    }
    void give_back(std::unique_ptr<Searcher> searcher) const {
        const std::lock_guard lock(mutex_);
        idle_.push_back(std::move(searcher));
    }

    Index index_;
    mutable std::mutex mutex_;
    mutable std::vector<std::unique_ptr<Searcher>> idle_;
};

}  // namespace tonari::python
