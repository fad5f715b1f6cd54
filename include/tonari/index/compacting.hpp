// Who makes a growing index smaller: one caller at a time, and not from its own progress.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

#include <tonari/core/result.hpp>

namespace tonari {

class Compacting {
public:
    /// Lasts as long as it lives.
    class Turn {
    public:
        Turn(Turn&& other) noexcept : who_(std::exchange(other.who_, nullptr)), alone_(std::move(other.alone_)) {}
        Turn& operator=(Turn&&) = delete;
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        ~Turn() {
            if (who_ != nullptr) who_->store({});
        }

    private:
        friend class Compacting;
        explicit Turn(Compacting& of) : who_(&of.who_), alone_(of.one_) { who_->store(std::this_thread::get_id()); }

        std::atomic<std::thread::id>* who_;
        std::unique_lock<std::mutex> alone_;  // goes last
    };

    /// Waits for others. Errors: busy, for a thread that has its turn.
    Result<Turn> begin() {
        if (who_.load() == std::this_thread::get_id()) {
            return Error{ErrorCode::busy,
                         "expected compact to be called from outside, got a call from its own progress"};
        }
        return Turn(*this);
    }

private:
    std::mutex one_;
    std::atomic<std::thread::id> who_{};
};

}  // namespace tonari
