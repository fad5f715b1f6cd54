// The cache of lists: what it says is kept is read from copies, which a change of the file below does not reach.
#include <tonari/lists/hot_cache.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <numeric>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <tonari/core/random.hpp>
#include <tonari/io/mapped_file.hpp>

#include "support/catch.hpp"
#include "unit/io/temp_folder.hpp"

#if defined(__linux__)

namespace {

using namespace tonari;

const std::size_t page = KeptPages::page_bytes();

/// A mapped file of lists, every byte 'a' until `write`.
struct ListFile {
    test::TempFolder folder;
    std::string path = folder.path("lists");
    std::vector<std::uint64_t> begins{0};
    Bytes mapped;

    explicit ListFile(const std::vector<std::size_t>& sizes) {
        for (const std::size_t size : sizes) begins.push_back(begins.back() + size);
        write('a');
        mapped = map_file(path).value();
    }
    void write(char letter) const {
        const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        REQUIRE(file >= 0);
        const std::vector<char> letters(begins.back(), letter);
        CHECK(::pwrite(file, letters.data(), letters.size(), 0) == static_cast<ssize_t>(letters.size()));
        ::close(file);
    }
    [[nodiscard]] std::size_t lists() const { return begins.size() - 1; }
    [[nodiscard]] std::size_t size(std::size_t list) const { return begins[list + 1] - begins[list]; }
    [[nodiscard]] bool all(std::size_t first, std::size_t last, char letter) const {
        const auto* const bytes = reinterpret_cast<const char*>(mapped.data());
        return std::all_of(bytes + first, bytes + last, [&](char c) { return c == letter; });
    }
    [[nodiscard]] std::shared_ptr<HotCache> cache(std::size_t budget) const {
        return HotCache::create(mapped, begins, budget, KeptPages::By::copy).value();
    }
};

void ask(const ListFile& file, HotCache& cache, std::size_t list) {
    cache.ask(file.begins[list], file.size(list));
    cache.tend();
}

}  // namespace

TEST_CASE("hot cache: what is asked for is kept while there is room, and counted") {
    const ListFile file({3 * page, 2 * page, page, 10 * page});
    const auto cache = file.cache(6 * page);
    CHECK_FALSE(cache->ask(file.begins[0], 100));
    cache->tend();
    CHECK(cache->ask(file.begins[0] + page, 50));  // any row of it
    CHECK_FALSE(cache->ask(file.begins[1], 10));
    cache->tend();
    CHECK_FALSE(cache->ask(file.begins[3], 7));  // larger than the budget: never kept
    cache->tend();
    CHECK_FALSE(cache->ask(file.begins[3], 7));
    cache->tend();
    const HotCacheStats stats = cache->stats();
    CHECK(stats.hits == 1);
    CHECK(stats.misses == 4);
    CHECK(stats.bytes_read == 124);
    CHECK(stats.lists == 2);
    CHECK(stats.bytes == 5 * page);
    CHECK(stats.budget == 6 * page);
    CHECK(stats.evictions == 0);
    CHECK_FALSE(stats.locked);
    CHECK_FALSE(stats.refused);
    const auto nothing = HotCache::create(file.mapped, file.begins, page - 1);
    REQUIRE_FALSE(nothing.ok());
    CHECK(nothing.error().code == ErrorCode::invalid_argument);
    CHECK(nothing.error().message.find("at least a page") != std::string::npos);
}

TEST_CASE("hot cache: one that is asked for more often takes the place of one that is not") {
    const ListFile file(std::vector<std::size_t>(50, 4 * page));
    const auto cache = file.cache(20 * page);  // five of them
    for (std::size_t list = 0; list < 5; ++list) ask(file, *cache, list);
    for (int round = 0; round < 20; ++round) {
        for (std::size_t list = 10; list < 15; ++list) ask(file, *cache, list);
    }
    for (std::size_t list = 10; list < 15; ++list) CHECK(cache->ask(file.begins[list], 1));
    CHECK(cache->stats().evictions >= 5);
    const std::uint64_t before = cache->stats().evictions;
    for (std::size_t list = 0; list < 50; ++list) ask(file, *cache, list);  // one who looks at everything
    for (std::size_t list = 10; list < 15; ++list) CHECK(cache->ask(file.begins[list], 1));
    CHECK(cache->stats().evictions == before);
}

TEST_CASE("hot cache: what was asked for long ago makes room") {
    const ListFile file(std::vector<std::size_t>(8, page));
    const auto cache = file.cache(2 * page);
    for (int round = 0; round < 500; ++round) ask(file, *cache, 0), ask(file, *cache, 1);
    int rounds = 0;
    while (!cache->ask(file.begins[5], 1) && rounds < 500) ask(file, *cache, 5), ++rounds;
    CHECK(rounds < 500);
}

TEST_CASE("hot cache: skewed questions are mostly answered from memory") {
    const ListFile file(std::vector<std::size_t>(400, 2 * page));
    const auto cache = file.cache(80 * page);  // a tenth of the lists
    std::vector<double> weights(400);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = 1 / static_cast<double>(i + 1);
    const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
    const double tenth = std::accumulate(weights.begin(), weights.begin() + 40, 0.0) / all;  // all that could be had
    Random random(7);
    std::size_t hits = 0;
    const auto draw = [&] {
        double left = unit(random()) * all;
        std::size_t rank = 0;
        while (rank + 1 < weights.size() && (left -= weights[rank]) > 0) ++rank;
        return rank * 7 % 400;  // hot lists lie apart
    };
    for (int i = 0; i < 20'000; ++i) {
        const std::size_t list = draw();
        hits += cache->ask(file.begins[list], 1) && i >= 10'000 ? 1 : 0;
        cache->tend();
        REQUIRE(cache->stats().bytes <= 80 * page);
    }
    CHECK(static_cast<double>(hits) / 10'000 > 0.9 * tenth);
}

TEST_CASE("hot cache: lists of any size share pages, and let go only of their own") {
    Random random(11);
    for (int round = 0; round < 20; ++round) {
        std::vector<std::size_t> sizes(60);
        for (std::size_t& size : sizes) {
            const std::size_t most[] = {1, 64, page, 5 * page};
            size = random.below(4) == 0 ? 0 : random.below(most[random.below(4)] + 1);
        }
        const ListFile file(sizes);
        if (file.begins.back() == 0) continue;
        const auto cache = file.cache((1 + random.below(40)) * page);
        for (int i = 0; i < 600; ++i) {
            const std::size_t list = std::min(random.below(60), random.below(60));
            if (file.size(list) > 0) ask(file, *cache, list);
            REQUIRE(cache->stats().bytes <= cache->stats().budget);
        }
        file.write('b');
        std::vector<bool> kept_page(file.begins.back() / page + 1);
        for (std::size_t list = 0; list < file.lists(); ++list) {
            if (file.size(list) == 0 || !cache->ask(file.begins[list], 1)) continue;
            CHECK(file.all(file.begins[list], file.begins[list + 1], 'a'));
            for (std::size_t p = file.begins[list] / page; p <= (file.begins[list + 1] - 1) / page; ++p) {
                kept_page[p] = true;
            }
        }
        for (std::size_t p = 0; p < kept_page.size(); ++p) {
            const std::size_t end = std::min<std::size_t>((p + 1) * page, file.begins.back());
            if (!kept_page[p] && p * page < end) CHECK(file.all(p * page, end, 'b'));
        }
    }
}

TEST_CASE("hot cache: many ask while lists come and go", "[concurrency]") {
    const ListFile file(std::vector<std::size_t>(64, 3 * page / 2));
    const auto cache = file.cache(24 * page);
    std::atomic<std::size_t> wrong{0};
    const auto search = [&](std::uint64_t seed) {
        Random random(seed);
        for (int i = 0; i < 3'000; ++i) {
            const std::size_t list = random.below(64) * random.below(64) / 64 + static_cast<std::size_t>(i) / 200;
            cache->ask(file.begins[list % 64], 1);
            wrong += file.all(file.begins[list % 64], file.begins[list % 64 + 1], 'a') ? 0 : 1;
            cache->tend();
        }
    };
    std::vector<std::thread> threads;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) threads.emplace_back(search, seed);
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    const HotCacheStats stats = cache->stats();
    CHECK(stats.hits + stats.misses == 12'000);
    CHECK(stats.evictions > 0);
    CHECK(stats.bytes <= stats.budget);
}

#endif
