// The lock is Boost.Interprocess's file_lock, which on POSIX is fcntl's. That one has three holes, closed here:
//   * it does not keep two writers of one process apart         -> a list of what this process holds;
//   * closing any descriptor of the file lets the lock go       -> nothing in this process opens a lock file that
//                                                                  the list knows, and ours stays open with the lock;
//   * a lock file that is removed and made anew is another file -> after locking, the name must still mean the file
//                                                                  that was opened first. Our open descriptor keeps its
//                                                                  inode number from being given to a new file.
// All steps run under one mutex. It is held for some system calls, never while waiting for another writer.
#include "local_lock.hpp"

#include <cerrno>
#include <fcntl.h>
#include <mutex>
#include <new>
#include <set>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/sync/file_lock.hpp>

#include "local_file.hpp"
#include "system_error.hpp"
#include "text.hpp"

namespace tonari {
namespace {

using Identity = std::pair<dev_t, ino_t>;

struct Held {
    std::mutex mutex;
    std::set<Identity> files;
};

Held& held() {
    static Held all;
    return all;
}

Error busy(const std::string& path, std::string_view who) {
    return {ErrorCode::busy, say("'", path, "' is being written by ", who, ": wait for it, or write to another path")};
}

bool identify(const std::string& path, Identity& out) noexcept {
    struct stat about = {};
    if (::stat(path.c_str(), &about) != 0) return false;
    out = {about.st_dev, about.st_ino};
    return true;
}

class LocalLock final : public FileLock {
public:
    LocalLock(std::string path, Identity identity, int descriptor, boost::interprocess::file_lock&& lock)
        : path_(std::move(path)), identity_(std::move(identity)), descriptor_(descriptor), lock_(std::move(lock)) {}
    ~LocalLock() override {
        const std::lock_guard guard(held().mutex);
        ::unlink(path_.c_str());  // while it is held: nobody else has locked this file, so nobody's is taken away
        lock_ = {};               // closes Boost's descriptor, and with it lets the lock go
        ::close(descriptor_);
        held().files.erase(identity_);
    }

private:
    std::string path_;
    Identity identity_;
    int descriptor_;
    boost::interprocess::file_lock lock_;
};

/// One try. Null when the file was removed from under us by the writer before: try again.
Result<std::unique_ptr<FileLock>> try_lock(const std::string& path, const std::string& lock_path) {
    Identity identity;
    if (identify(lock_path, identity) && held().files.contains(identity)) return busy(path, "this process");

    const int descriptor = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) {  // in words of what the caller asked for; the lock is our affair
        const int number = errno;
        Error error = system_error("write", path, number);
        if (number == ENOENT) error.message += "; expected its folder to be there, make it first";
        return error;
    }
    struct stat about = {};
    if (::fstat(descriptor, &about) != 0) {
        const int number = errno;
        ::close(descriptor);
        return system_error("create", lock_path, number);
    }
    identity = {about.st_dev, about.st_ino};
    try {
        boost::interprocess::file_lock lock(lock_path.c_str());
        const bool locked = lock.try_lock();
        Identity now;
        if (locked && identify(lock_path, now) && now == identity) {
            held().files.insert(identity);  // first: where it fails, a lock would take the mutex, which we hold, to go
            try {
                return std::unique_ptr<FileLock>(new LocalLock(lock_path, identity, descriptor, std::move(lock)));
            } catch (const std::bad_alloc&) {
                held().files.erase(identity);
                throw;
            }
        }
        ::close(descriptor);
        if (!locked) return busy(path, "another process");
        return std::unique_ptr<FileLock>();
    } catch (const boost::interprocess::interprocess_exception& e) {
        ::close(descriptor);
        if (e.get_native_error() == ENOENT) return std::unique_ptr<FileLock>();  // removed between the two opens
        return system_error("lock", lock_path, e.get_native_error());
    } catch (const std::bad_alloc&) {
        ::close(descriptor);
        throw;
    }
}

}  // namespace

Result<std::unique_ptr<FileLock>> lock_local_file(const std::string& path) {
    if (const Status s = check_path(path); !s) return s;
    const std::string lock_path = path + ".lock";
    const std::lock_guard guard(held().mutex);
    for (int attempt = 0; attempt < 100; ++attempt) {
        Result<std::unique_ptr<FileLock>> lock = try_lock(path, lock_path);
        if (!lock || *lock) return lock;
    }
    return busy(path, "many other processes");
}

}  // namespace tonari
