// Tools that are dear to make and are needed by one caller at a time: borrowed, and given back for the next.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace tonari {

/// Any thread may borrow at any time; there are as many as were ever out at once.
template <class T>
class IdlePool {
public:
    class Borrowed {
    public:
        Borrowed(IdlePool& pool, std::unique_ptr<T> tool) noexcept : pool_(&pool), tool_(std::move(tool)) {}
        Borrowed(const Borrowed&) = delete;
        Borrowed& operator=(const Borrowed&) = delete;
        ~Borrowed() {
            const std::lock_guard lock(pool_->lock_);
            pool_->idle_.push_back(std::move(tool_));
        }
        T& operator*() const noexcept { return *tool_; }

    private:
        IdlePool* pool_;
        std::unique_ptr<T> tool_;
    };

    /// An idle one, or a new one from `make() -> std::unique_ptr<T>`. Throws what that throws, and bad_alloc.
    template <class Make>
    [[nodiscard]] Borrowed borrow(Make&& make) {
        if (auto idle = take()) return {*this, std::move(idle)};
        std::unique_ptr<T> tool = make();
        const std::lock_guard lock(lock_);
        idle_.reserve(++all_);  // so that giving back never fails
        return {*this, std::move(tool)};
    }

private:
    std::unique_ptr<T> take() noexcept {
        const std::lock_guard lock(lock_);
        if (idle_.empty()) return nullptr;
        std::unique_ptr<T> tool = std::move(idle_.back());
        idle_.pop_back();
        return tool;
    }

    std::mutex lock_;
    std::vector<std::unique_ptr<T>> idle_;
    std::size_t all_ = 0;
};

}  // namespace tonari
