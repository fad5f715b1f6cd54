// The one way to use several threads. Two bodies stand in src/core (OpenMP, std::thread); a caller with
// threads of its own passes an `Executor` instead.
#pragma once

#include <cstddef>
#include <functional>

#include <tonari/core/export.hpp>

namespace tonari {

/// The caller's own threads. `run(count, task)` calls `task(0) ... task(count - 1)`, in any order and on any
/// threads, and returns when all have returned.
class Executor {
public:
    Executor() = default;
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;
    virtual ~Executor() = default;
    virtual void run(std::size_t count, const std::function<void(std::size_t)>& task) = 0;
};

/// How many threads a call may use, and whose.
struct Threads {
    unsigned count = 1;            ///< 0: as many as the machine (or the container's CPU quota) has
    Executor* executor = nullptr;  ///< not owned; when set, its threads are used
};

/// No call uses more: a slip of the pen in `count` should not make scratch for a million threads.
inline constexpr unsigned max_threads = 4096;

/// The threads that `threads.count` stands for, 1 to `max_threads`.
TONARI_API unsigned resolve_threads(const Threads& threads) noexcept;

/// Calls `body(first, last, worker)` over [0, count) in pieces of `grain`; `worker` is below
/// `resolve_threads(threads)` and names scratch that no other piece uses at the same time. Pieces are handed
/// out as workers come free: which worker gets which piece is not fixed, so bodies write by index only.
/// With one thread everything runs on the calling thread. Bodies do not throw.
TONARI_API void parallel_for(const Threads& threads, std::size_t count, std::size_t grain,
                             const std::function<void(std::size_t first, std::size_t last, unsigned worker)>& body);

}  // namespace tonari
