// A caller's own threads, as an application has them: started for each run, tasks taken in turn.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include <tonari/core/parallel.hpp>

namespace tonari::test {

class ThreadExecutor final : public Executor {
public:
    explicit ThreadExecutor(unsigned threads) : threads_(threads) {}
    void run(std::size_t count, const std::function<void(std::size_t)>& task) override {
        ++runs_;
        std::atomic<std::size_t> next{0};
        std::vector<std::thread> workers;
        for (unsigned i = 0; i < threads_; ++i) {
            workers.emplace_back([&] {
                for (std::size_t at = next++; at < count; at = next++) task(at);
            });
        }
        for (std::thread& worker : workers) worker.join();
    }
    /// How often it was used.
    [[nodiscard]] std::size_t runs() const { return runs_; }

private:
    unsigned threads_;
    std::atomic<std::size_t> runs_{0};
};

}  // namespace tonari::test
