// parallel_for: every index once, workers apart, whoever's threads they are. Both bodies pass the same tests; the
// build with TONARI_OPENMP=OFF runs them on std::thread.
#include <tonari/core/parallel.hpp>

#include <atomic>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

#include <tonari/core/random.hpp>

#include "support/catch.hpp"

using namespace tonari;

namespace {

class OwnThreads final : public Executor {
public:
    void run(std::size_t count, const std::function<void(std::size_t)>& task) override {
        ++calls;
        std::vector<std::thread> threads;
        for (std::size_t i = count; i-- > 0;) threads.emplace_back([&task, i] { task(i); });  // in another order
        for (std::thread& t : threads) t.join();
    }
    int calls = 0;
};

class Serial final : public Executor {
public:
    void run(std::size_t count, const std::function<void(std::size_t)>& task) override {
        for (std::size_t i = 0; i < count; ++i) task(i);
    }
};

void check_covers(const Threads& threads, std::size_t count, std::size_t grain) {
    CAPTURE(threads.count, count, grain);
    std::vector<std::atomic<int>> seen(count);
    const unsigned workers = resolve_threads(threads);
    std::vector<std::atomic<int>> busy(workers);
    std::atomic<bool> fine{true};
    parallel_for(threads, count, grain, [&](std::size_t first, std::size_t last, unsigned worker) {
        if (worker >= workers || first >= last || last > count || last - first > std::max<std::size_t>(grain, 1)) {
            fine = false;
            return;
        }
        if (busy[worker]++ != 0) fine = false;  // no other piece has this worker's scratch
        for (std::size_t i = first; i < last; ++i) ++seen[i];
        --busy[worker];
    });
    CHECK(fine.load());
    CHECK(std::all_of(seen.begin(), seen.end(), [](const std::atomic<int>& n) { return n == 1; }));
}

}  // namespace

TEST_CASE("every index is visited once") {
    OwnThreads own;
    Serial serial;
    Random random(17);
    for (Executor* executor : std::initializer_list<Executor*>{nullptr, &own, &serial}) {
        for (const unsigned count : {0U, 1U, 2U, 3U, 8U}) {
            for (const std::size_t n : {0UL, 1UL, 2UL, 7UL, 1000UL}) {
                for (const std::size_t grain : {0UL, 1UL, 3UL, 1000UL, std::numeric_limits<std::size_t>::max()})
                    check_covers({count, executor}, n, grain);
            }
            check_covers({count, executor}, static_cast<std::size_t>(random.below(5000)),
                         static_cast<std::size_t>(random.below(100)));
        }
    }
}

TEST_CASE("one thread means the calling thread, in order, even with an executor") {
    OwnThreads own;
    for (Executor* executor : std::initializer_list<Executor*>{nullptr, &own}) {
        std::size_t next = 0;
        const std::thread::id caller = std::this_thread::get_id();
        parallel_for({1, executor}, 100, 7, [&](std::size_t first, std::size_t last, unsigned worker) {
            CHECK(std::this_thread::get_id() == caller);
            CHECK(worker == 0);
            CHECK(first == next);
            next = last;
        });
        CHECK(next == 100);
    }
    CHECK(own.calls == 0);
}

TEST_CASE("the caller's executor is the one that works") {
    OwnThreads own;
    std::atomic<std::size_t> sum{0};
    parallel_for({4, &own}, 1000, 10, [&](std::size_t first, std::size_t last, unsigned) {
        for (std::size_t i = first; i < last; ++i) sum += i;
    });
    CHECK(own.calls == 1);
    CHECK(sum == 499'500);
}

TEST_CASE("a loop inside a loop works") {
    std::atomic<std::size_t> sum{0};
    parallel_for({2}, 8, 1, [&](std::size_t, std::size_t, unsigned) {
        parallel_for({2}, 100, 9, [&](std::size_t first, std::size_t last, unsigned) { sum += last - first; });
    });
    CHECK(sum == 800);
}

TEST_CASE("threads are as many as were asked for, or as there are") {
    CHECK(resolve_threads({1}) == 1);
    CHECK(resolve_threads({7}) == 7);
    CHECK(resolve_threads({0}) >= 1);
    CHECK(resolve_threads({0}) <= std::max(1U, std::thread::hardware_concurrency()));
    CHECK(resolve_threads({max_threads}) == max_threads);
    CHECK(resolve_threads({std::numeric_limits<unsigned>::max()}) == max_threads);  // scratch is made for each
    check_covers({1000}, 3, 1);                                                     // not more threads than pieces
}
