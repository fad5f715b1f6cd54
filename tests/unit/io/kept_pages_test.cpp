// Pages that stay: which bytes a reader sees tells whether it reads the file or a copy, once the file has been changed below it.
#include <tonari/io/kept_pages.hpp>

#include <atomic>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

#if defined(__linux__)
#include <linux/capability.h>
#include <sys/syscall.h>
#endif

#include <tonari/io/mapped_file.hpp>

#include "support/catch.hpp"
#include "unit/io/temp_folder.hpp"

#if defined(__linux__)

namespace {

using namespace tonari;
using By = KeptPages::By;

const std::size_t page = KeptPages::page_bytes();

/// A mapped file of `pages` pages that are full of one letter.
struct LetterFile {
    test::TempFolder folder;
    std::string path = folder.path("letters");
    std::size_t size;
    Bytes mapped;

    LetterFile(std::size_t pages, char letter) : size(pages * page) {
        write(letter);
        mapped = map_file(path).value();
    }
    /// In place, as nobody should: the map shows it, copies do not.
    void write(char letter) const {
        const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        REQUIRE(file >= 0);
        const std::vector<char> letters(size, letter);
        CHECK(::pwrite(file, letters.data(), size, 0) == static_cast<ssize_t>(size));
        ::close(file);
    }
    [[nodiscard]] std::string first_of_each_page() const {
        std::string letters;
        for (std::size_t at = 0; at < size; at += page) {
            letters += static_cast<char>(*static_cast<const volatile std::byte*>(mapped.data() + at));
        }
        return letters;
    }
};

/// What the system counts as locked for this process, in KiB.
std::size_t locked_kib() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmLck:")) return std::stoul(line.substr(6));
    }
    return 0;
}

/// Whether this process may lock a page at all; the sanitizers' libraries answer for the system, and lock nothing.
bool locking_works() {
    std::vector<std::byte> some(2 * page);
    const std::size_t before = locked_kib();
    if (::mlock(some.data(), some.size()) != 0) return false;
    const bool counted = locked_kib() > before;
    ::munlock(some.data(), some.size());
    return counted;
}

}  // namespace

TEST_CASE("kept pages: copies stand in the place of pages, and go") {
    const LetterFile file(6, 'a');
    KeptPages kept = KeptPages::of(file.mapped, By::copy).value();
    CHECK(kept.by() == By::copy);
    REQUIRE(kept.keep(page + 7, 3 * page + 1));  // parts of the pages 1 to 3
    CHECK(file.first_of_each_page() == "aaaaaa");
    file.write('b');
    CHECK(file.first_of_each_page() == "baaabb");
    kept.let_go(2 * page, 3 * page);
    CHECK(file.first_of_each_page() == "bababb");
    REQUIRE(kept.keep(0, file.size));  // again, over copies and pages
    file.write('c');
    CHECK(file.first_of_each_page() == "bababb");
    kept.let_go(0, file.size);
    CHECK(file.first_of_each_page() == "cccccc");
}

TEST_CASE("kept pages: a part of a file") {
    const LetterFile file(4, 'a');
    KeptPages kept = KeptPages::of(file.mapped.slice(page + 64, 2 * page), By::copy).value();
    REQUIRE(kept.keep(0, 1));
    file.write('b');
    CHECK(file.first_of_each_page() == "babb");
    REQUIRE(kept.keep(page, page + 1));
    file.write('c');
    CHECK(file.first_of_each_page() == "cabc");
}

TEST_CASE("kept pages: locked ones are counted by the system") {
    if (!locking_works()) TONARI_SKIP("this process may lock no memory");
    const LetterFile file(64, 'a');
    KeptPages kept = KeptPages::of(file.mapped).value();
    REQUIRE(kept.by() == By::lock);
    const std::size_t before = locked_kib();
    REQUIRE(kept.keep(0, 16 * page));
    CHECK(locked_kib() == before + 16 * page / 1024);
    kept.let_go(4 * page, 16 * page);
    CHECK(locked_kib() == before + 4 * page / 1024);
    file.write('b');
    CHECK(file.first_of_each_page() == std::string(64, 'b'));  // the file's own pages
}

TEST_CASE("kept pages: where nothing may be locked, they are copied") {
    if (!locking_works()) TONARI_SKIP("this process may lock no memory");
    const LetterFile file(4, 'a');
    rlimit limits = {};
    REQUIRE(::getrlimit(RLIMIT_MEMLOCK, &limits) == 0);
    const rlimit nothing{0, limits.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_MEMLOCK, &nothing) == 0);
    By by = By::lock;
    std::string read;
    std::thread unprivileged([&] {  // root may lock whatever the limit: this thread gives that right up
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct rights[2] = {};
        ::syscall(SYS_capset, &header, rights);
        auto kept = KeptPages::of(file.mapped);
        if (!kept || !kept->keep(page, 2 * page)) return;
        by = kept->by();
        file.write('b');
        read = file.first_of_each_page();
    });
    unprivileged.join();
    REQUIRE(::setrlimit(RLIMIT_MEMLOCK, &limits) == 0);
    CHECK(by == By::copy);
    CHECK(read == "babb");
}

TEST_CASE("kept pages: who reads meanwhile sees the same bytes", "[concurrency]") {
    const LetterFile file(16, 'a');
    for (const By by : {By::lock, By::copy}) {
        KeptPages kept = KeptPages::of(file.mapped, by).value();
        std::atomic<bool> done{false};
        std::atomic<std::size_t> wrong{0};
        std::atomic<std::size_t> rounds{0};
        std::thread reader([&] {
            while (!done) {
                wrong += file.first_of_each_page() != std::string(16, 'a') ? 1 : 0;
                ++rounds;
            }
        });
        for (std::size_t round = 0; round < 2'000 || rounds < 200; ++round) {
            const std::size_t first = round % 13 * page;
            REQUIRE(kept.keep(first, first + 3 * page));
            kept.let_go(first, first + (1 + round % 3) * page);
        }
        done = true;
        reader.join();
        CHECK(wrong == 0);
    }
}

#endif
