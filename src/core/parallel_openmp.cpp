// parallel_for on OpenMP: the only file with a pragma of it. Its threads live on between calls, which is what a
// builder with many short loops wants. The twin is parallel_threads.cpp; the build takes one of the two.
#include <omp.h>

#include "parallel_loop.hpp"

namespace tonari {

void parallel_for(const Threads& threads, std::size_t count, std::size_t grain,
                  const std::function<void(std::size_t first, std::size_t last, unsigned worker)>& body) {
    const parallel_detail::Pieces pieces(count, grain);
    const unsigned workers = parallel_detail::workers(threads, pieces);
    if (parallel_detail::run_without_own_threads(threads, pieces, workers, body)) return;

    const std::size_t size = pieces.size();
#pragma omp parallel for schedule(dynamic) num_threads(static_cast<int>(workers))
    for (std::size_t piece = 0; piece < size; ++piece) {
        body(pieces.first(piece), pieces.last(piece), static_cast<unsigned>(omp_get_thread_num()));
    }
}

}  // namespace tonari
