// The real file system: what each call does, and what it says when it cannot.
#include <tonari/io/file_system.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <tonari/io/atomic_file.hpp>
#include <tonari/io/file_reader.hpp>
#include <tonari/io/file_writer.hpp>

#include "support/catch.hpp"
#include "unit/io/sample_file.hpp"
#include "unit/io/temp_folder.hpp"

namespace {

using namespace tonari;
using Catch::Matchers::Contains;

FileSystem& files() { return FileSystem::local(); }

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string text_of(const std::string& path) {
    const auto content = test::read_bytes(path);
    return {reinterpret_cast<const char*>(content.data()), content.size()};
}

/// What a child process answers.
template <class Body>
int in_another_process(Body body) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(body());
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("files are written, read and cut") {
    const test::TempFolder folder;
    const std::string path = folder.path("file");
    {
        const std::unique_ptr<File> file = files().open(path, OpenMode::create).value();
        REQUIRE(file->append(bytes("hello")).ok());
        REQUIRE(file->append(bytes(" world")).ok());
        REQUIRE(file->pwrite(0, bytes("J")).ok());
        REQUIRE(file->append(bytes("!")).ok());  // still behind the end
        CHECK(file->size().value() == 12);
        REQUIRE(file->truncate(11).ok());
        REQUIRE(file->append(bytes("?")).ok());
        REQUIRE(file->sync().ok());
    }
    CHECK(text_of(path) == "Jello world?");
    CHECK(files().open(path, OpenMode::create).error().code == ErrorCode::already_exists);

    const std::unique_ptr<File> file = files().open(path, OpenMode::read).value();
    std::array<std::byte, 5> word = {};
    std::array<std::byte, 1> mark = {};
    const std::array requests = {ReadRequest{6, word}, ReadRequest{11, mark}, ReadRequest{0, {}}};
    REQUIRE(file->read_many(requests).ok());
    CHECK(std::memcmp(word.data(), "world", 5) == 0);
    CHECK(mark[0] == std::byte{'?'});

    const Status behind = file->pread(10, word);
    REQUIRE_FALSE(behind.ok());
    CHECK(behind.error().code == ErrorCode::corrupt);
    CHECK_THAT(behind.error().message, Contains("ends at 12: expected 3 bytes more"));
    CHECK(file->pwrite(0, bytes("x")).error().code == ErrorCode::io);  // opened for reading
    CHECK(files().open(path, OpenMode::update).value()->append(bytes("x")).ok());
    CHECK(text_of(path) == "Jello world?x");
}

TEST_CASE("names: listing, renaming, removing") {
    const test::TempFolder folder;
    test::write_text(folder.path("a"), "1");
    test::write_text(folder.path("b"), "2");
    std::vector<std::string> names = files().list_folder(folder.path("whatever")).value();
    std::sort(names.begin(), names.end());
    CHECK(names == std::vector<std::string>{"a", "b"});
    REQUIRE(files().rename(folder.path("a"), folder.path("b")).ok());
    REQUIRE(files().sync_folder(folder.path("b")).ok());
    CHECK_FALSE(files().exists(folder.path("a")).value());
    CHECK(text_of(folder.path("b")) == "1");
    REQUIRE(files().remove(folder.path("b")).ok());
    CHECK(folder.names().empty());

    CHECK(files().remove(folder.path("b")).error().code == ErrorCode::not_found);
    CHECK(files().rename(folder.path("b"), folder.path("c")).error().code == ErrorCode::not_found);
    CHECK(files().list_folder(folder.path("no/file")).status().error().code == ErrorCode::not_found);
    CHECK_FALSE(files().exists(folder.path("no/file")).value());
    CHECK(folder_of("a/b.tnr") == "a");
    CHECK(folder_of("b.tnr") == ".");
    CHECK(folder_of("/b.tnr") == "/");
    CHECK(name_of("a/b.tnr") == "b.tnr");
    CHECK(name_of("b.tnr") == "b.tnr");
    CHECK(name_of("a/").empty());
}

TEST_CASE("what is no plain file is refused, and nothing waits for it") {
    const test::TempFolder folder;
    const std::string pipe = folder.path("pipe");
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    for (const std::string& path : {pipe, folder.path(""), std::string("/dev/zero")}) {
        CAPTURE(path);
        CHECK(files().open(path, OpenMode::read).status().error().code == ErrorCode::invalid_argument);
        CHECK(files().map(path).status().error().code == ErrorCode::invalid_argument);
        CHECK_FALSE(FileReader::open(path, Residency::load).ok());
    }
    CHECK(files().open(folder.path("none"), OpenMode::read).status().error().code == ErrorCode::not_found);
    CHECK(files().map(folder.path("none")).status().error().code == ErrorCode::not_found);
    CHECK_THAT(files().map(folder.path("none")).status().error().message, Contains(folder.path("none")));
    // Writers hear of it before they have written a terabyte.
    CHECK(FileWriter::create(pipe).status().error().code == ErrorCode::invalid_argument);
    CHECK(FileWriter::create(folder.path("")).status().error().code == ErrorCode::invalid_argument);
    CHECK(FileWriter::create(folder.path("no/file")).status().error().code == ErrorCode::not_found);
    CHECK(folder.names() == std::vector<std::string>{"pipe"});
}

TEST_CASE("a path with a NUL in it is not the file that the system would take it for") {
    const test::TempFolder folder;
    const std::string path = folder.path("file");
    REQUIRE(write_file(path, bytes("old")).ok());
    const std::string longer = path + std::string("\0.new", 5);
    CHECK(write_file(longer, bytes("new")).error().code == ErrorCode::invalid_argument);
    CHECK(files().open(longer, OpenMode::read).status().error().code == ErrorCode::invalid_argument);
    CHECK(files().map(longer).status().error().code == ErrorCode::invalid_argument);
    CHECK_THAT(files().map(longer).status().error().message, Contains("NUL"));
    CHECK(text_of(path) == "old");
    CHECK(folder.names() == std::vector<std::string>{"file"});
}

TEST_CASE("a second writer is refused, in this process and in another") {
    const test::TempFolder folder;
    const std::string path = folder.path("file.tnr");
    const auto try_lock = [&] {
        const auto lock = files().lock(path);
        return lock.ok() ? 0 : lock.error().code == ErrorCode::busy ? 1 : 2;
    };
    {
        auto held = files().lock(path).value();
        CHECK(files().lock(path).status().error().code == ErrorCode::busy);
        CHECK_THAT(files().lock(path).status().error().message, Contains(path) && Contains("this process"));
        CHECK(try_lock() == 1);
        CHECK(in_another_process(try_lock) == 1);
        // Opening and closing the guarded file, or being refused, does not let the lock go.
        test::write_text(path, "x");
        (void)files().open(path, OpenMode::read).ok();
        CHECK(in_another_process(try_lock) == 1);
        CHECK(files().lock(folder.path("other.tnr")).ok());
        int from_thread = -1;
        std::thread([&] { from_thread = try_lock(); }).join();
        CHECK(from_thread == 1);
    }
    CHECK(in_another_process(try_lock) == 0);
    CHECK(try_lock() == 0);
    CHECK(folder.names() == std::vector<std::string>{"file.tnr"});  // no litter
}

TEST_CASE("a lock of a dead process is free, whatever file it left") {
    const test::TempFolder folder;
    const std::string path = folder.path("file.tnr");
    CHECK(in_another_process([&] {
              auto* kept = new auto(files().lock(path).value());  // never let go: the process ends
              return kept->get() != nullptr ? 7 : 8;
          }) == 7);
    CHECK(std::filesystem::exists(path + ".lock"));
    CHECK(files().lock(path).ok());
    CHECK_FALSE(std::filesystem::exists(path + ".lock"));
}

TEST_CASE("many threads of many processes: one writer at a time") {
    const test::TempFolder folder;
    const std::string path = folder.path("file.tnr");
    const auto work = [&] {
        std::vector<std::thread> threads;
        std::atomic<int> wrong{0};
        for (int t = 0; t < 3; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < 200; ++i) {
                    const auto lock = files().lock(path);
                    if (!lock.ok()) {
                        if (lock.error().code != ErrorCode::busy) ++wrong;
                        continue;
                    }
                    // Only the holder may make this folder: mkdir is atomic.
                    if (::mkdir(folder.path("owner").c_str(), 0700) != 0) ++wrong;
                    if (::rmdir(folder.path("owner").c_str()) != 0) ++wrong;
                }
            });
        }
        for (std::thread& t : threads) t.join();
        return wrong.load();
    };
    std::vector<pid_t> children;
    for (int i = 0; i < 3; ++i) {
        const pid_t child = ::fork();
        if (child == 0) ::_exit(std::min(work(), 100));
        children.push_back(child);
    }
    for (const pid_t child : children) {
        int status = -1;
        ::waitpid(child, &status, 0);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 0);
    }
}

TEST_CASE("writers of one path: the second is busy, the first goes on") {
    const test::TempFolder folder;
    const std::string path = folder.path("file.tnr");
    FileWriter first = FileWriter::create(path).value();
    const auto second = FileWriter::create(path);
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().code == ErrorCode::busy);
    REQUIRE(first.sections().add_record("one", 1, std::uint32_t{1}).ok());
    REQUIRE(first.finish().ok());
    CHECK(folder.names() == std::vector<std::string>{"file.tnr"});

    CHECK(FileWriter::create(path, {.max_sections = 4, .replace = false}).status().error().code ==
          ErrorCode::already_exists);
    FileWriter third = FileWriter::create(path).value();
    const FileReader old = FileReader::open(path).value();
    REQUIRE(third.sections().add_record("one", 1, std::uint32_t{3}).ok());
    REQUIRE(third.finish().ok());
    CHECK(old.sections().record<std::uint32_t>("one").value() == 1);  // a reader keeps the file that it opened
    CHECK(FileReader::open(path).value().sections().record<std::uint32_t>("one").value() == 3);
}

TEST_CASE("a real write that fails half way leaves the old file and no litter") {
    const test::TempFolder folder;
    const std::string path = folder.path("file.tnr");
    test::write_text(path, "old");
    CHECK(in_another_process([&] {
              ::signal(SIGXFSZ, SIG_IGN);
              const rlimit at_most = {3 << 20,
                                      3 << 20};  // bytes of a file: the nearest to a full disk that needs no root
              if (::setrlimit(RLIMIT_FSIZE, &at_most) != 0) return 1;
              Result<FileWriter> writer = FileWriter::create(path);
              if (!writer) return 2;
              const Status added = writer->sections().add("rows", 1, std::vector<std::byte>(std::size_t{8} << 20));
              const Status finished = writer->finish();
              if (added.ok() || finished.ok()) return 3;
              return added.error().code == ErrorCode::io && finished.error().message == added.error().message ? 0 : 4;
          }) == 0);
    CHECK(text_of(path) == "old");
    CHECK(folder.names() == std::vector<std::string>{"file.tnr"});
}

TEST_CASE("a file in one call, whole or not at all") {
    const test::TempFolder folder;
    const std::string path = folder.path("note.json");
    REQUIRE(write_file(path, bytes("first")).ok());
    REQUIRE(write_file(path, bytes("second")).ok());
    CHECK(text_of(path) == "second");
    {
        AtomicFile file = AtomicFile::create(path).value();
        REQUIRE(file.append(bytes("third")).ok());
        CHECK(file.overwrite(3, bytes("xyz")).error().code == ErrorCode::invalid_argument);
        CHECK_FALSE(file.commit().ok());  // the first failure is the file's
    }
    CHECK(text_of(path) == "second");
    {
        AtomicFile file = AtomicFile::create(path).value();
        REQUIRE(file.append(bytes("third")).ok());
        REQUIRE(file.overwrite(0, bytes("T")).ok());
        REQUIRE(file.append(bytes("!")).ok());
        CHECK(file.size() == 6);
        REQUIRE(file.commit().ok());
        CHECK_FALSE(file.commit().ok());
        CHECK_FALSE(file.append(bytes("x")).ok());
    }
    CHECK(text_of(path) == "Third!");
    CHECK(folder.names() == std::vector<std::string>{"note.json"});
}

TEST_CASE("a write through a link reaches the file behind it, and the link stays") {
    namespace fs = std::filesystem;
    const test::TempFolder folder;
    fs::create_directories(folder.path("disk"));
    const std::string target = folder.path("disk/file.tnr");
    const std::string link = folder.path("link.tnr");
    fs::create_symlink("disk/file.tnr", link);
    fs::create_symlink(folder.path("link.tnr"), folder.path("second.tnr"));

    REQUIRE(write_file(link, bytes("first")).ok());  // nothing was there yet
    CHECK(text_of(target) == "first");
    REQUIRE(write_file(folder.path("second.tnr"), bytes("second")).ok());  // from link to link, whole paths or not
    CHECK(text_of(target) == "second");
    CHECK(fs::is_symlink(link));
    CHECK(fs::is_symlink(folder.path("second.tnr")));
    CHECK_FALSE(fs::is_symlink(target));
    {
        const AtomicFile writer = AtomicFile::create(link).value();
        CHECK(AtomicFile::create(target).status().error().code == ErrorCode::busy);  // one file, one writer
    }
    CHECK(text_of(target) == "second");
    std::size_t beside = 0;  // temporaries and locks are made beside the file, and are gone
    for (const auto& entry : fs::directory_iterator(folder.path("disk"))) beside += entry.exists() ? 1 : 0;
    CHECK(beside == 1);

    CHECK(AtomicFile::create(link, false).status().error().code == ErrorCode::already_exists);
    fs::remove(target);
    CHECK(AtomicFile::create(link, false).status().error().code == ErrorCode::already_exists);  // the link is there
}

TEST_CASE("links that lead to no file are refused, and stay") {
    namespace fs = std::filesystem;
    const test::TempFolder folder;
    fs::create_symlink("b", folder.path("a"));
    fs::create_symlink("a", folder.path("b"));
    const Status circle = write_file(folder.path("a"), bytes("x"));
    REQUIRE_FALSE(circle.ok());
    CHECK_THAT(circle.error().message, Contains("follow the link"));
    fs::create_symlink("no/such/folder/file", folder.path("nowhere"));
    CHECK(write_file(folder.path("nowhere"), bytes("x")).error().code == ErrorCode::not_found);
    fs::create_directory(folder.path("house"));
    fs::create_symlink("house", folder.path("door"));
    CHECK(write_file(folder.path("door"), bytes("x")).error().code == ErrorCode::invalid_argument);
    for (const char* name : {"a", "b", "nowhere", "door"}) CHECK(fs::is_symlink(folder.path(name)));
    const std::string longer(300, 'n');  // than a first guess at the length
    fs::create_directories(folder.path(longer.substr(0, 200)));
    const std::string far = longer.substr(0, 200) + "/" + longer.substr(0, 200);
    fs::create_symlink(far, folder.path("long"));
    REQUIRE(write_file(folder.path("long"), bytes("x")).ok());
    CHECK(text_of(folder.path(far)) == "x");
    std::string hidden = folder.path("long");
    hidden += '\0';
    CHECK(write_file(hidden + "x", bytes("y")).error().code == ErrorCode::invalid_argument);
    CHECK(text_of(folder.path(far)) == "x");
}
