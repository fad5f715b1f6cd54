// Writing: the order of steps is the invariant that stands in the header.
#include <tonari/io/atomic_file.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>
#include <vector>

#if defined(_WIN32)
#include <process.h>
#else
#include <unistd.h>
#endif

#include "text.hpp"

namespace tonari {
namespace {

constexpr std::size_t buffer_size = std::size_t{1} << 20;

long process_number() noexcept {
#if defined(_WIN32)
    return _getpid();
#else
    return static_cast<long>(::getpid());
#endif
}

/// "<name>.tmp-<digits>-<digits>": what a writer of `name` leaves behind when the power goes.
bool is_leftover(std::string_view file, std::string_view name) noexcept {
    constexpr std::string_view mark = ".tmp-";
    if (!file.starts_with(name) || !file.substr(name.size()).starts_with(mark)) return false;
    const std::string_view numbers = file.substr(name.size() + mark.size());
    const std::size_t dash = numbers.find('-');
    const auto digits = [](std::string_view s) {
        return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
    };
    return dash != std::string_view::npos && digits(numbers.substr(0, dash)) && digits(numbers.substr(dash + 1));
}

/// Only under the lock of `path`: then no living writer has a temporary.
void remove_leftovers(FileSystem& files, const std::string& path) {
    const Result<std::vector<std::string>> names = files.list_folder(path);
    if (!names) return;  // tidying up is no reason to fail
    const std::string beside = path.substr(0, path.size() - name_of(path).size());
    for (const std::string& name : *names) {
        if (is_leftover(name, name_of(path))) (void)files.remove(beside + name).ok();
    }
}

}  // namespace

class AtomicFile::State {
public:
    State(std::string path, bool replace, FileSystem& files, std::unique_ptr<FileLock> lock)
        : path_(std::move(path)), replace_(replace), files_(files), lock_(std::move(lock)) {
        buffer_.reserve(buffer_size);
    }

    ~State() {
        file_.reset();
        if (!temporary_.empty()) (void)files_.remove(temporary_).ok();  // what failed before is the error to report
    }

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Status create_temporary() {
        static std::atomic<unsigned> next{0};  // names only: two writers of one process must not share one
        for (int attempt = 0;; ++attempt) {
            std::string name = say(path_, ".tmp-", process_number(), '-', next.fetch_add(1, std::memory_order_relaxed));
            Result<std::unique_ptr<File>> file = files_.open(name, OpenMode::create);
            if (file) {
                temporary_ = std::move(name);
                file_ = *std::move(file);
                return {};
            }
            if (file.error().code != ErrorCode::already_exists || attempt == 100) return std::move(file).error();
        }
    }

    Status append(std::span<const std::byte> bytes) {
        if (Status s = writable(); !s) return s;
        size_ += bytes.size();
        if (buffer_.size() + bytes.size() > buffer_size) {
            if (Status s = flush(); !s) return s;
        }
        if (bytes.size() >= buffer_size) return keep(file_->append(bytes));
        buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
        return {};
    }

    Status overwrite(std::uint64_t offset, std::span<const std::byte> bytes) {
        if (Status s = writable(); !s) return s;
        if (offset > size_ || bytes.size() > size_ - offset) {
            return keep(Error{ErrorCode::invalid_argument,
                              say("overwriting ", bytes.size(), " bytes at ", offset, " of ", size_)});
        }
        if (Status s = flush(); !s) return s;
        return keep(file_->pwrite(offset, bytes));
    }

    Status commit() {
        if (Status s = writable(); !s) return s;
        if (Status s = flush(); !s) return s;
        if (Status s = keep(file_->sync()); !s) return s;
        file_.reset();
        if (!replace_) {
            if (Status s = keep(check_free(path_, files_)); !s) return s;
        }
        if (Status s = keep(files_.rename(temporary_, path_)); !s) return s;
        temporary_.clear();
        const Status synced = files_.sync_folder(path_);
        lock_.reset();
        return synced;
    }

    static Status check_free(const std::string& path, FileSystem& files) {
        const Result<bool> taken = files.exists(path);
        if (!taken) return taken.error();
        if (!*taken) return {};
        return Error{ErrorCode::already_exists, say("'", path, "' exists: remove it, or allow replacing it")};
    }

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

private:
    [[nodiscard]] Status writable() const {
        if (!failed_.ok()) return failed_;
        if (!file_) return Error{ErrorCode::invalid_argument, say("'", path_, "' is committed already")};
        return {};
    }

    /// The first failure is the file's: what comes after it would only hide it.
    Status keep(Status status) {
        if (!status.ok() && failed_.ok()) failed_ = status;
        return status;
    }

    Status flush() {
        if (buffer_.empty()) return {};
        Status s = keep(file_->append(buffer_));
        buffer_.clear();
        return s;
    }

    std::string path_;
    bool replace_;
    FileSystem& files_;
    std::unique_ptr<FileLock> lock_;
    std::string temporary_;  // empty: none on the disk
    std::unique_ptr<File> file_;
    std::vector<std::byte> buffer_;
    std::uint64_t size_ = 0;
    Status failed_;
};

Result<AtomicFile> AtomicFile::create(const std::string& asked, bool replace, FileSystem& files) {
    if (name_of(asked).empty()) return Error{ErrorCode::invalid_argument, say("'", asked, "' is no file name")};
    const Result<std::string> file = files.follow_links(asked);
    if (!file) return file.error();
    const std::string& path = *file;
    Result<std::unique_ptr<FileLock>> lock = files.lock(path);
    if (!lock) return std::move(lock).error();
    // Asked now, so that nobody works for an hour to hear it at the end. A link that leads nowhere is there, too.
    if (!replace) {
        if (Status s = State::check_free(asked, files); !s) return s;
    }
    if (const auto old = files.open(path, OpenMode::read); !old && old.error().code == ErrorCode::invalid_argument) {
        return old.error();  // a folder, a device
    }
    remove_leftovers(files, path);
    auto state = std::make_unique<State>(path, replace, files, *std::move(lock));
    if (Status s = state->create_temporary(); !s) return s;
    return AtomicFile(std::move(state));
}

AtomicFile::AtomicFile(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
AtomicFile::AtomicFile(AtomicFile&&) noexcept = default;
AtomicFile& AtomicFile::operator=(AtomicFile&&) noexcept = default;
AtomicFile::~AtomicFile() = default;

Status AtomicFile::append(std::span<const std::byte> bytes) { return state_->append(bytes); }
Status AtomicFile::overwrite(std::uint64_t offset, std::span<const std::byte> bytes) {
    return state_->overwrite(offset, bytes);
}
Status AtomicFile::commit() { return state_->commit(); }
std::uint64_t AtomicFile::size() const noexcept { return state_->size(); }

Status write_file(const std::string& path, std::span<const std::byte> bytes, FileSystem& files) {
    Result<AtomicFile> file = AtomicFile::create(path, true, files);
    if (!file) return file.status();
    if (Status s = file->append(bytes); !s) return s;
    return file->commit();
}

}  // namespace tonari
