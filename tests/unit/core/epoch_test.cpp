// Pins hold moments back; what is behind the oldest of them has no reader left.
#include <tonari/core/epoch.hpp>

#include <atomic>
#include <thread>
#include <vector>

#include "support/catch.hpp"

using namespace tonari;

TEST_CASE("epoch: the oldest pin holds the moment back, and lets it go", "[core]") {
    Epoch epoch;
    CHECK(epoch.oldest() == 0);
    epoch.advance(5);
    Epoch::Pin early = epoch.pin();
    CHECK(early.moment() == 5);
    epoch.advance(9);
    Epoch::Pin late = epoch.pin();
    CHECK(late.moment() == 9);
    CHECK(epoch.oldest() == 5);
    early.release();
    CHECK(epoch.oldest() == 9);
    late = Epoch::Pin();
    epoch.advance(12);
    CHECK(epoch.oldest() == 12);
}

TEST_CASE("epoch: a pin that moves is let go once", "[core]") {
    Epoch epoch;
    epoch.advance(1);
    Epoch::Pin first = epoch.pin();
    Epoch::Pin second = std::move(first);
    first.release();  // NOLINT(bugprone-use-after-move): holds nothing any more
    epoch.advance(2);
    CHECK(epoch.oldest() == 1);
    second.release();
    second.release();
    CHECK(epoch.oldest() == 2);
}

TEST_CASE("epoch: more pins than cells hold everything back, none waits", "[core]") {
    Epoch epoch;
    epoch.advance(7);
    std::vector<Epoch::Pin> pins;
    for (std::size_t i = 0; i < Epoch::cells + 3; ++i) pins.push_back(epoch.pin());
    epoch.advance(8);
    CHECK(epoch.oldest() == 0);
    for (const Epoch::Pin& pin : pins) CHECK(pin.moment() == 7);
    pins.resize(Epoch::cells);  // those without a cell came last
    CHECK(epoch.oldest() == 7);
    pins.clear();
    CHECK(epoch.oldest() == 8);
}

TEST_CASE("epoch: a value is not taken away under a reader", "[core]") {
    // One writer replaces a value and wipes the old one when `oldest` says that nobody can see it.
    constexpr std::uint64_t wiped = ~std::uint64_t{0};
    constexpr std::size_t changes = 20'000;
    Epoch epoch;
    std::vector<std::atomic<std::uint64_t>> values(changes + 1);
    std::atomic<std::size_t> current{0};
    std::atomic<bool> done{false};
    std::atomic<std::size_t> wrong{0};
    std::vector<std::thread> readers;
    for (int t = 0; t < 4; ++t) {
        readers.emplace_back([&] {
            while (!done) {
                const Epoch::Pin pin = epoch.pin();
                const std::size_t at = current.load();
                for (int i = 0; i < 50; ++i) wrong += values[at].load(std::memory_order_relaxed) == wiped ? 1U : 0U;
                wrong += at < pin.moment() ? 1 : 0;  // what it sees is not older than its moment
            }
        });
    }
    std::size_t next_wiped = 0;
    for (std::size_t i = 1; i <= changes; ++i) {
        current = i;       // value i - 1 cannot be reached any more
        epoch.advance(i);  // since moment i
        for (; next_wiped < i && next_wiped + 1 <= epoch.oldest(); ++next_wiped) values[next_wiped] = wiped;
    }
    done = true;
    for (std::thread& reader : readers) reader.join();
    CHECK(wrong == 0);
    CHECK(epoch.oldest() == changes);
}
