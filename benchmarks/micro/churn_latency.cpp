// How long a search takes while another core changes the index: one searcher, one writer, each on a core of its own,
// beside the same searches while the writer rests.
//
//     bench_churn_latency [--base FILE --query FILE] [--rows N] [--dim D] [--metric l2|ip|cosine] [--m M]
//                         [--ef-construction N] [--ef N] [--k N] [--rounds N] [--seconds S]
//                         [--search-core C] [--write-core C] [--json]
//
// Files as io/vecs.hpp reads them, 8-bit values as float32; without any, rows are generated. The writer takes 100
// random rows out, one call each, and puts them back in the same way, again and again. Windows of rest and of writing
// take turns; a figure is the median of its windows, the ratio that of the ratios of neighbouring windows. A busy
// neighbour core takes bandwidth, cache and clock from a search even if they share nothing: this is in the ratio.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <numeric>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#endif

#include <tonari/index/grow.hpp>
#include <tonari/io/vecs.hpp>
#include <tonari/tune/generate.hpp>

using namespace tonari;

namespace {

/// Words behind the names they belong to, as the command gave them.
class Arguments {
public:
    Arguments(int count, char** words) {
        for (int i = 1; i < count; ++i) {
            const std::string name = words[i];
            if (name == "--json") {
                given_[name] = "yes";
            } else if (known(name) && i + 1 < count) {
                given_[name] = words[++i];
            } else {
                throw std::runtime_error(name + ": see the first lines of benchmarks/micro/churn_latency.cpp");
            }
        }
    }
    [[nodiscard]] bool has(const std::string& name) const { return given_.contains(name); }
    [[nodiscard]] std::string text(const std::string& name, const std::string& otherwise) const {
        const auto found = given_.find(name);
        return found == given_.end() ? otherwise : found->second;
    }
    [[nodiscard]] std::size_t number(const std::string& name, std::size_t otherwise) const {
        return has(name) ? std::stoul(text(name, "")) : otherwise;
    }

private:
    static bool known(const std::string& name) {
        static const std::vector<std::string> names = {
            "--base", "--query", "--rows",   "--dim",     "--metric",      "--m",         "--ef-construction",
            "--ef",   "--k",     "--rounds", "--seconds", "--search-core", "--write-core"};
        return std::ranges::find(names, name) != names.end();
    }
    std::map<std::string, std::string> given_;
};

/// float32 rows that own their memory.
struct Rows {
    std::vector<float> values;
    Dim dim = 0;

    [[nodiscard]] std::size_t count() const { return values.size() / dim; }
    [[nodiscard]] MatrixView view() const { return {values.data(), count(), dim}; }
};

template <class T>
void append(MatrixView from, std::vector<float>& to) {
    for (std::size_t i = 0; i < from.rows(); ++i) {
        const T* row = reinterpret_cast<const T*>(from.row_data(i));
        std::transform(row, row + from.dim(), std::back_inserter(to),
                       [](T value) { return static_cast<float>(value); });
    }
}

Rows as_floats(MatrixView from) {
    Rows rows;
    rows.dim = from.dim();
    rows.values.reserve(from.rows() * from.dim());
    switch (from.element()) {
        case Element::float32: append<float>(from, rows.values); break;
        case Element::uint8: append<std::uint8_t>(from, rows.values); break;
        case Element::int8: append<std::int8_t>(from, rows.values); break;
        default: throw std::runtime_error("expected rows of float32, uint8 or int8");
    }
    return rows;
}

MetricKind metric_named(const std::string& name) {
    if (name == "l2") return MetricKind::l2;
    if (name == "ip") return MetricKind::inner_product;
    if (name == "cosine") return MetricKind::cosine;
    throw std::runtime_error("--metric " + name + ": expected l2, ip or cosine");
}

/// Keeps the calling thread on one core, where the system can.
void pin([[maybe_unused]] const Arguments& arguments, [[maybe_unused]] const std::string& name) {
#ifdef __linux__
    if (!arguments.has(name)) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(arguments.number(name, 0), &set);
    if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set) != 0)
        throw std::runtime_error(name + " " + arguments.text(name, "") + ": no such core, or not allowed");
#endif
}

/// A thread that removes and adds rows while it is told to, and sleeps otherwise.
class Writer {
public:
    Writer(GrowingIndex index, const Rows& rows, const Arguments& arguments)
        : index_(std::move(index)), rows_(rows), thread_([this, &arguments] { run(arguments); }) {}
    ~Writer() {
        order(State::ended);
        thread_.join();
    }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    void write() { order(State::writing); }
    /// Returns when the writer rests.
    void rest() {
        order(State::resting);
        while (busy_.load()) std::this_thread::yield();
    }
    [[nodiscard]] std::size_t changes() const { return changes_.load(); }
    /// What ended the thread before its time, or nothing.
    [[nodiscard]] std::string failure() const { return failed_.load() ? failure_ : std::string(); }

private:
    enum class State : int { resting, writing, ended };

    void order(State state) {
        state_.store(state);
        state_.notify_all();
    }
    void run(const Arguments& arguments) {
        try {
            pin(arguments, "--write-core");
            std::vector<Id> ids(rows_.count());
            std::iota(ids.begin(), ids.end(), Id{0});
            std::mt19937_64 random(1);
            while (state_.load() != State::ended) {
                state_.wait(State::resting);
                busy_.store(
                    true);  // before the look at the order: who sees "not busy" after "rest" has no change to come
                if (state_.load() == State::writing) change(ids, random);
                busy_.store(false);
            }
        } catch (const std::exception& error) {
            failure_ = error.what();
            failed_.store(true);
            busy_.store(false);
        }
    }
    /// All rows are there before and after.
    void change(std::vector<Id>& ids, std::mt19937_64& random) {
        const std::size_t count = std::min<std::size_t>(100, ids.size() / 2);
        for (std::size_t i = 0; i < count; ++i) std::swap(ids[i], ids[i + random() % (ids.size() - i)]);
        for (std::size_t i = 0; i < count; ++i) {
            index_.remove(std::span(ids).subspan(i, 1)).value();
            ++changes_;
        }
        for (std::size_t i = 0; i < count; ++i) {
            index_.add(rows_.view().slice(static_cast<std::size_t>(ids[i]), 1), std::span(ids).subspan(i, 1)).value();
            ++changes_;
        }
    }

    GrowingIndex index_;
    const Rows& rows_;
    std::atomic<State> state_ = State::resting;
    std::atomic<bool> busy_ = false;
    std::atomic<bool> failed_ = false;
    std::atomic<std::size_t> changes_ = 0;
    std::string failure_;
    std::thread thread_;  // last: it uses the rest
};

struct Window {
    double p50 = 0, p99 = 0;  ///< microseconds
    double seconds = 0;
    std::size_t queries = 0;
};

/// One query after another for `seconds`, each timed.
Window search(Searcher& searcher, const Rows& queries, const SearchOptions& options, double seconds) {
    std::vector<double> taken;
    taken.reserve(1 << 20);
    const auto start = std::chrono::steady_clock::now();
    auto now = start;
    for (std::size_t i = 0; std::chrono::duration<double>(now - start).count() < seconds; ++i) {
        const auto before = std::chrono::steady_clock::now();
        const auto answer = searcher(queries.view().row(i % queries.count()), options);
        now = std::chrono::steady_clock::now();
        if (answer.value().size() < options.k) throw std::runtime_error("a search found fewer than k rows");
        taken.push_back(std::chrono::duration<double, std::micro>(now - before).count());
    }
    std::ranges::sort(taken);
    const auto at = [&](double share) {
        return taken[static_cast<std::size_t>(share * static_cast<double>(taken.size() - 1))];
    };
    return {at(0.5), at(0.99), std::chrono::duration<double>(now - start).count(), taken.size()};
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

void run(const Arguments& arguments) {
    Rows base, queries;
    const std::size_t wanted = arguments.number("--rows", arguments.has("--base") ? SIZE_MAX : 100'000);
    if (arguments.has("--base")) {
        base = as_floats(read_matrix(arguments.text("--base", ""), {.max_rows = wanted}).value().view());
        queries = as_floats(read_matrix(arguments.text("--query", "")).value().view());
    } else {
        const auto dim = static_cast<Dim>(arguments.number("--dim", 128));
        const auto made = tune::generate({.rows = wanted, .dim = dim}).value();
        base = as_floats(made.base());
        queries = as_floats(made.query());
    }
    const SearchOptions options = {.k = arguments.number("--k", 10), .ef = arguments.number("--ef", 64)};
    BuildOptions building;
    building.ef_construction = arguments.number("--ef-construction", 200);
    building.threads.count = 2;
    std::fprintf(stderr, "building %zu x %u\n", base.count(), static_cast<unsigned>(base.dim));
    const std::string spec = "HNSW" + std::to_string(arguments.number("--m", 16));
    GrowingIndex index = grow(spec, metric_named(arguments.text("--metric", "l2")), base.view(), {}, building).value();

    const double seconds = std::stod(arguments.text("--seconds", "2"));
    const std::size_t rounds = std::max<std::size_t>(1, arguments.number("--rounds", 5));
    Writer writer(index, base, arguments);
    pin(arguments, "--search-core");
    Searcher searcher = index.searcher();
    search(searcher, queries, options, seconds / 2);  // warm, not counted
    std::vector<double> idle50, idle99, busy50, busy99, ratio;
    double wrote = 0;
    std::size_t asked = 0;
    for (std::size_t i = 0; i < rounds; ++i) {
        const Window idle = search(searcher, queries, options, seconds);
        writer.write();
        const Window busy = search(searcher, queries, options, seconds);
        writer.rest();
        if (!writer.failure().empty()) throw std::runtime_error("the writer: " + writer.failure());
        std::fprintf(stderr, "round %zu of %zu: p99 %.1f us idle, %.1f us beside the writer\n", i + 1, rounds, idle.p99,
                     busy.p99);
        idle50.push_back(idle.p50);
        idle99.push_back(idle.p99);
        busy50.push_back(busy.p50);
        busy99.push_back(busy.p99);
        ratio.push_back(busy.p99 / idle.p99);
        wrote += busy.seconds;
        asked += busy.queries;
    }
    const double rate = static_cast<double>(writer.changes()) / wrote;
    std::printf(
        arguments.has("--json")
            ? "{\"idle_p50_us\": %.3f, \"idle_p99_us\": %.3f, \"writing_p50_us\": %.3f, \"writing_p99_us\": %.3f, "
              "\"p99_ratio\": %.4f, \"changes_per_s\": %.1f, \"queries\": %zu}\n"
            : "idle p50 %.1f us, p99 %.1f us; beside a writer p50 %.1f us, p99 %.1f us; p99 x %.2f; %.0f removes "
              "and adds a second, %zu queries\n",
        median(idle50), median(idle99), median(busy50), median(busy99), median(ratio), rate, asked);
}

}  // namespace

int main(int count, char** words) {
    try {
        run(Arguments(count, words));
        return EXIT_SUCCESS;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench_churn_latency: %s\n", error.what());
        return EXIT_FAILURE;
    }
}
