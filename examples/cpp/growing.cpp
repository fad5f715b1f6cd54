// Rows come, go and change while others search: no lock to take, no capacity to declare.
#include <atomic>
#include <cstdio>
#include <random>
#include <thread>
#include <vector>

#include <tonari/tonari.hpp>

int main() {
    constexpr std::size_t count = 4'000;
    constexpr tonari::Dim dim = 32;
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::vector<float> values(count * dim);
    for (float& value : values) value = normal(random);
    const tonari::MatrixView rows(values.data(), count, dim);

    tonari::GrowingIndex index = tonari::grow("HNSW16", tonari::Cosine{}, tonari::Element::float32, dim).value();
    index.add(rows.slice(0, count / 2)).value();  // ids 0, 1, 2, ...

    std::atomic<bool> done{false};
    std::atomic<std::size_t> answers{0};
    std::thread reader([&] {
        tonari::Searcher search = index.searcher();  // one per thread
        for (std::size_t q = 0; !done; q = (q + 1) % count) answers += search(rows.row(q), {.k = 10}).value().size();
    });
    std::thread writer([&] {  // a new row with its own id, an old one out, one that changes
        for (std::size_t i = count / 2; i < count; ++i) {
            const auto id = static_cast<tonari::Id>(i);
            index.add(rows.row(i), id).value();
            index.remove(id - static_cast<tonari::Id>(count / 2)).value();
            index.update(rows.row(i - 1), id).value();
        }
    });
    writer.join();
    done = true;
    reader.join();

    const tonari::GrowingHealth health = index.health().value();
    std::printf("%zu rows, %zu unreachable; %zu answers meanwhile\n", index.size(), health.unreachable, answers.load());
    const tonari::Index frozen = index.freeze().value();  // immutable, faster, written as one file
    tonari::write_segment("books.tnr", frozen).value();
    const bool whole = index.size() == count / 2 && frozen.size() == index.size() && health.unreachable == 0;
    return whole ? 0 : 1;
}
