// A growing index under four adders, two removers, four searchers and one who compacts. Every answer is held against what the
// ids had been while the question was asked.
#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <span>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <tonari/core/epoch.hpp>
#include <tonari/core/random.hpp>
#include <tonari/index/cursor_model.hpp>
#include <tonari/index/put_mode.hpp>
#include <tonari/index/search_options.hpp>
#include <tonari/index/search_scratch.hpp>

#include "support/catch.hpp"
#include "support/oracle.hpp"

namespace tonari::test {

inline constexpr Dim dim = 16;
inline constexpr std::size_t ids = 1500;

/// Whole numbers, so that distances are exact: what an id has in its n-th version.
inline void fill(Id id, std::uint32_t version, std::span<float> row) {
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

/// `Kind` says which index: its type `Growing`, the `Source` of its cursors, and
///   search(index, scratch, query, k, all)   `all`: so that nothing that is there is left out.
template <class Kind>
class Torture {
public:
    using Growing = typename Kind::Growing;

    explicit Torture(std::unique_ptr<Growing> index) : made_(std::move(index)), index_(*made_), histories_(ids) {}

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
            Kind::search(index_, scratch, RowView(std::span<const float>(row)), 3, true);
            bool found = false;
            for (const Neighbor& neighbor : scratch.neighbors) {
                found = found || (neighbor.id == static_cast<Id>(i) && neighbor.distance == 0);
            }
            wrong += found ? 0 : 1;
        }
        Kind::search(index_, scratch, RowView(std::span<const float>(row)), ids, true);
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
            std::size_t wrong = 0;
            if (by_cursor) {
                drain(query, scratch.neighbors);
            } else {
                const RowView asked(std::span<const float>{query});
                const Outcome outcome = Kind::search(index_, scratch, asked, all ? 2 * ids : 10, all);
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
        for (CursorOf<typename Kind::Source> cursor({.ef = 20}, index_, RowView(query),
                                                    CursorOptions{.ef = 20, .nprobe = 3});
             !cursor.done();) {
            wrong_ += cursor.next(10, {}, batch).complete ? 0 : 1;
            all.insert(all.end(), batch.begin(), batch.end());
        }
    }

    std::unique_ptr<Growing> made_;
    Growing& index_;
    std::vector<History> histories_;
    std::atomic<bool> stop_{false};
    std::atomic<std::size_t> wrong_{0};
    std::atomic<std::size_t> answers_{0};
    std::atomic<std::size_t> changes_{0};
    std::atomic<std::size_t> compactions_{0};
};

inline std::chrono::milliseconds soak() {
    return std::getenv("TONARI_LONG") != nullptr ? std::chrono::seconds(60) : std::chrono::seconds(4);
}

/// What `torture` finds within a minute, in a process of its own: walks into places that changed under them may end anywhere.
/// True if an answer was wrong, or the process was.
template <class MakeTorture>
bool is_seen(const MakeTorture& make_torture) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        for (const int signal : {SIGSEGV, SIGBUS, SIGABRT}) std::signal(signal, SIG_DFL);  // not the test program's
        alarm(120);  // nor need they end, where no answer was wrong before
        auto torture = make_torture();
        _exit(torture->run(std::chrono::seconds(60), true) > 0 ? 1 : 0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return status != 0;
}

}  // namespace tonari::test
