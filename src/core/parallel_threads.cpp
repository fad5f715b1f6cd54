// parallel_for on std::thread, for builds without OpenMP and for ThreadSanitizer, which cannot see into libgomp.
// The twin is parallel_openmp.cpp; the build takes one of the two.
#include <system_error>
#include <thread>
#include <vector>

#include "parallel_loop.hpp"

namespace tonari {

void parallel_for(const Threads& threads, std::size_t count, std::size_t grain,
                  const std::function<void(std::size_t first, std::size_t last, unsigned worker)>& body) {
    const parallel_detail::Pieces pieces(count, grain);
    const unsigned workers = parallel_detail::workers(threads, pieces);
    if (parallel_detail::run_without_own_threads(threads, pieces, workers, body)) return;

    std::atomic<std::size_t> next{0};
    std::vector<std::thread> others;
    try {
        others.reserve(workers - 1);
        for (unsigned worker = 1; worker < workers; ++worker) {
            others.emplace_back([&, worker] { parallel_detail::drain(pieces, next, worker, body); });
        }
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
        // The system gives no more threads: those that run, and this one, do the work.
    }
    parallel_detail::drain(pieces, next, 0U, body);
    for (std::thread& other : others) other.join();
}

}  // namespace tonari
