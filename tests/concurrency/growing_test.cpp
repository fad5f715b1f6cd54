// The growing graph under four adders, two removers, four searchers and one who compacts. Every answer is held against what the ids had been
// while the question was asked, and a planted mistake must be seen.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <tonari/index/grow.hpp>
#include <tonari/index/growing_compact.hpp>

#include "support/catch.hpp"
#include "support/oracle.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr Dim dim = 16;
constexpr std::size_t ids = 1500;

/// Whole numbers, so that distances are exact: what an id has in its n-th version.
void fill(Id id, std::uint32_t version, std::span<float> row) {
    const std::uint64_t seed = hash(static_cast<std::uint64_t>(id) + 1, version);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(hash(seed, i) % 16);
}

/// Euclidean, as a metric of the user's: its own instantiation of everything, so that a planted mistake stays in here.
struct Squares {
    static constexpr MetricKind kind = MetricKind::user;
    static constexpr std::string_view name = "squares";
    [[nodiscard]] float distance(VectorView<float> a, VectorView<float> b) const noexcept {
        float sum = 0;
        for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
        return sum;
    }
    [[nodiscard]] float score(float distance) const noexcept { return distance; }
};

/// The planted mistake: places are free as soon as nobody links to them, whoever still looks.
class NobodyLooks : public Epoch {
public:
    [[nodiscard]] Moment oldest() const noexcept { return now(); }
};

/// Versions of one id: odd ones have a row, even ones do not. `begun` runs ahead of `done` while a change is under way.
struct History {
    std::mutex changing;
    std::atomic<std::uint32_t> begun{0};
    std::atomic<std::uint32_t> done{0};
};

template <class Codec, class Reclaimer>
class Torture {
public:
    using Growing = GrowingHnsw<Codec, Reclaimer>;

    explicit Torture(Codec codec) : index_(std::move(codec), 8, {.ef_construction = 40}), histories_(ids) {}

    /// The answers that were wrong. With `until_wrong` it may leave threads behind: the process is to end then.
    std::size_t run(std::chrono::milliseconds time, bool until_wrong) {
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < 4; ++i) threads.emplace_back([this, i] { add(i); });
        for (unsigned i = 0; i < 2; ++i) threads.emplace_back([this, i] { remove(i); });
        for (unsigned i = 0; i < 4; ++i) threads.emplace_back([this, i] { search(i); });
        threads.emplace_back([this] { compact(); });
        const auto end = Clock::now() + time;
        while (Clock::now() < end && (!until_wrong || wrong_ == 0)) std::this_thread::yield();
        if (until_wrong && wrong_ > 0) {  // what is broken may keep a thread busy for ever: nobody waits for it
            for (std::thread& thread : threads) thread.detach();
            return wrong_;
        }
        stop_ = true;
        for (std::thread& thread : threads) thread.join();
        return wrong_;
    }
    [[nodiscard]] std::size_t answers() const { return answers_; }
    [[nodiscard]] std::size_t changes() const { return changes_; }
    [[nodiscard]] std::size_t compactions() const { return compactions_; }

    /// At rest: what is wrong with the whole.
    std::size_t at_rest() {
        std::size_t wrong = index_.tidy() ? 0 : 1;
        std::size_t living = 0;
        for (std::size_t i = 0; i < ids; ++i) {
            const bool alive = histories_[i].done % 2 == 1;
            living += alive ? 1 : 0;
            wrong += index_.contains(static_cast<Id>(i)) == alive ? 0 : 1;
        }
        wrong += index_.size() == living ? 0 : 1;
        const auto health = index_.health().value();
        wrong += health.ids == living && health.waiting == 0 && health.unreachable == 0 ? 0 : 1;
        SearchScratch scratch;
        std::vector<float> row(dim);
        for (std::size_t i = 0; i < ids; ++i) {  // no row is lost: each finds itself
            if (histories_[i].done % 2 == 0) continue;
            fill(static_cast<Id>(i), histories_[i].done, row);
            GrowingSearch(index_, scratch).nearest(RowView(std::span<const float>(row)), {.k = 3, .ef = 100});
            bool found = false;
            for (const Neighbor& neighbor : scratch.neighbors) {
                found = found || (neighbor.id == static_cast<Id>(i) && neighbor.distance == 0);
            }
            wrong += found ? 0 : 1;
        }
        GrowingSearch(index_, scratch).nearest(RowView(std::span<const float>(row)), {.k = ids, .ef = ids});
        wrong += scratch.neighbors.size() == living && well_formed(scratch.neighbors) ? 0 : 1;
        return wrong;
    }

private:
    void add(unsigned thread) {
        Random random(100 + thread);
        std::vector<float> row(dim);
        while (!stop_) {
            const std::size_t at = random.below(ids);
            History& history = histories_[at];
            const std::lock_guard lock(history.changing);
            const std::uint32_t now = history.done;
            const std::uint32_t next = now % 2 == 0 ? now + 1 : now + 2;
            fill(static_cast<Id>(at), next, row);
            history.begun = next;
            const PutMode mode = now % 2 == 0           ? PutMode::add
                                 : random.below(2) == 0 ? PutMode::update
                                                        : PutMode::replace;
            wrong_ += index_.put(std::span<const float>(row), static_cast<Id>(at), mode).ok() ? 0 : 1;
            history.done = next;
            ++changes_;
            if (random.below(64) == 0) {  // refused, and nothing happens
                wrong_ += index_.put(std::span<const float>(row), static_cast<Id>(at), PutMode::add).ok() ? 1 : 0;
            }
        }
    }
    void remove(unsigned thread) {
        Random random(200 + thread);
        while (!stop_) {
            const std::size_t at = random.below(ids);
            History& history = histories_[at];
            const std::lock_guard lock(history.changing);
            if (history.done % 2 == 0) {
                wrong_ += index_.remove(static_cast<Id>(at)).ok() ? 1 : 0;
                continue;
            }
            history.begun = history.done + 1;
            wrong_ += index_.remove(static_cast<Id>(at)).ok() ? 0 : 1;
            history.done = history.begun.load();
            ++changes_;
        }
    }
    void compact() {
        constexpr std::size_t pause = 200;  // changes from one to the next
        for (std::size_t last = 0; !stop_;) {
            if (changes_ < last + pause) {
                std::this_thread::yield();
                continue;
            }
            wrong_ += index_.compact({}).ok() ? 0 : 1;
            last = changes_;
            ++compactions_;
        }
    }
    void search(unsigned thread) {
        Random random(300 + thread);
        SearchScratch scratch;
        std::vector<float> query(dim);
        std::vector<float> row(dim);
        std::vector<std::uint32_t> before(ids);
        while (!stop_) {
            fill(static_cast<Id>(random.below(ids)), static_cast<std::uint32_t>(random.below(50)), query);
            const bool all = random.below(16) == 0;
            const bool by_cursor = all && random.below(2) == 0;
            for (std::size_t i = 0; i < ids; ++i) before[i] = histories_[i].done;
            const SearchOptions options{.k = all ? 2 * ids : 10, .ef = all ? 2 * ids : 40};
            std::size_t wrong = 0;
            if (by_cursor) {
                drain(query, scratch.neighbors);
            } else {
                const Outcome outcome = GrowingSearch(index_, scratch).nearest(std::span<const float>(query), options);
                wrong += outcome.complete && well_formed(scratch.neighbors) ? 0 : 1;
            }
            std::vector<bool> answered(ids, false);
            for (const Neighbor& neighbor : scratch.neighbors) {
                const auto at = static_cast<std::size_t>(neighbor.id);
                wrong += answered[at] ? 1 : 0;
                answered[at] = true;
                const std::uint32_t after = histories_[at].begun;
                bool right = false;
                for (std::uint32_t version = before[at] | 1U; version <= after && !right; version += 2) {
                    fill(neighbor.id, version, row);
                    right = Squares{}.distance(query, row) == neighbor.distance;
                }
                wrong += right ? 0 : 1;
            }
            for (std::size_t i = 0; all && i < ids; ++i) {  // what was there all the time is answered, old or new
                const bool stayed = before[i] % 2 == 1 && (histories_[i].begun - before[i]) == 0;
                wrong += stayed && !answered[i] ? 1 : 0;
            }
            wrong_ += wrong;
            ++answers_;
        }
    }

    /// All that a cursor gives, in small batches, while the index changes.
    void drain(std::span<const float> query, std::vector<Neighbor>& all) {
        all.clear();
        std::vector<Neighbor> batch;
        for (CursorOf<GrowingSource<Growing>> cursor({.ef = 20}, index_, RowView(query), CursorOptions{.ef = 20});
             !cursor.done();) {
            wrong_ += cursor.next(10, {}, batch).complete ? 0 : 1;
            all.insert(all.end(), batch.begin(), batch.end());
        }
    }

    Growing index_;
    std::vector<History> histories_;
    std::atomic<bool> stop_{false};
    std::atomic<std::size_t> wrong_{0};
    std::atomic<std::size_t> answers_{0};
    std::atomic<std::size_t> changes_{0};
    std::atomic<std::size_t> compactions_{0};
};

std::chrono::milliseconds soak() {
    return std::getenv("TONARI_LONG") != nullptr ? std::chrono::seconds(60) : std::chrono::seconds(4);
}

}  // namespace

TEST_CASE("concurrency: a growing graph answers what its ids had, while they change", "[concurrency]") {
    Torture<Flat<AnyMetric>, Epoch> torture(Flat<AnyMetric>::create(Element::float32, dim, MetricKind::l2).value());
    CHECK(torture.run(soak(), false) == 0);
    CHECK(torture.answers() > 100);
    CHECK(torture.changes() > 100);
    CHECK(torture.compactions() > 0);
    CHECK(torture.at_rest() == 0);
}

TEST_CASE("concurrency: a place that is used again too early is seen", "[concurrency]") {
    const pid_t child = fork();  // walks into places that changed under them may end anywhere
    REQUIRE(child >= 0);
    if (child == 0) {
        for (const int signal : {SIGSEGV, SIGBUS, SIGABRT}) std::signal(signal, SIG_DFL);  // not the test program's
        alarm(120);  // nor need they end, where no answer was wrong before
        Torture<Flat<Squares>, NobodyLooks> torture(Flat<Squares>::create(Element::float32, dim).value());
        _exit(torture.run(std::chrono::seconds(60), true) > 0 ? 1 : 0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status != 0);  // a wrong answer, or a crash
}
