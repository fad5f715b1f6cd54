// A disk in memory whose power can be cut.
//
// What was written and not synced may be on the disk or not, in any order, and torn at a sector; names that were
// made, renamed or removed may be there or not until their folder is synced. `recover` draws one of the states that
// the promises of fsync and rename still allow; tests draw many. Every call that changes something is one step, and
// a fault can be set for any step.
#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <tonari/core/aligned.hpp>
#include <tonari/core/random.hpp>
#include <tonari/io/file_system.hpp>

namespace tonari::test {

enum class Fault {
    none,
    power_cut,  ///< the step happens in part or not at all; nothing works afterwards
    disk_full,  ///< a write puts half of its bytes; later writes fail, too
    io_error,   ///< the step fails without effect; later ones work
};

/// For one thread.
class SimulatedDisk final : public FileSystem {
public:
    using Content = std::vector<std::byte>;

    /// The step that fails, counted from now.
    void set_fault(Fault fault, std::size_t step) {
        fault_ = fault;
        fault_step_ = steps_ + step;
    }
    [[nodiscard]] std::size_t steps() const { return steps_; }
    /// Sync calls that say "done" and do nothing: shows that the tests would notice.
    void lie_about_sync() { lying_ = true; }

    /// After the power is back: one of the states that the disk may be in.
    void recover(std::uint64_t seed) {
        Random random(seed);
        for (auto& [number, node] : nodes_) node.lose_some(random);
        // A file system with a journal keeps a prefix of the names' changes; POSIX promises not even that.
        const bool journal = random.below(2) == 0;
        const auto kept = static_cast<std::size_t>(random.below(changes_.size() + 1));
        names_ = synced_names_;
        for (std::size_t i = 0; i < changes_.size(); ++i) {
            if (journal ? i < kept : random.below(2) == 0) changes_[i].apply(names_);
        }
        synced_names_ = names_;
        changes_.clear();
        locked_.clear();
        dead_ = full_ = false;
        fault_ = Fault::none;
    }

    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& [name, node] : names_) all.push_back(name);
        return all;
    }
    [[nodiscard]] Content content(const std::string& path) const {
        const auto found = names_.find(path);
        return found == names_.end() ? Content{} : nodes_.at(found->second).now;
    }
    /// A file that has always been there.
    void put(const std::string& path, Content content) {
        const std::size_t node = next_node_++;
        nodes_[node] = {content, std::move(content), {}};
        names_[path] = synced_names_[path] = node;
    }

    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
    Result<Bytes> map(const std::string& path) override {
        if (dead_) return off();
        const auto found = names_.find(path);
        if (found == names_.end()) return missing(path);
        const Content& content = nodes_[found->second].now;
        Result<AlignedBuffer> buffer = AlignedBuffer::allocate(content.size());
        if (!buffer) return std::move(buffer).error();
        std::copy(content.begin(), content.end(), buffer->data());
        return std::move(*buffer).freeze();
    }
    Result<bool> exists(const std::string& path) override {
        if (dead_) return off();
        return names_.contains(path);
    }
    Result<std::vector<std::string>> list_folder(const std::string& path) override {
        if (dead_) return off();
        std::vector<std::string> result;
        for (const std::string& name : names()) {
            if (folder_of(name) == folder_of(path)) result.emplace_back(name_of(name));
        }
        return result;
    }
    Status rename(const std::string& from, const std::string& to) override {
        if (Status s = step(); !s) return s;
        const auto found = names_.find(from);
        if (found == names_.end()) return missing(from);
        change({from, to, found->second});
        return {};
    }
    Status remove(const std::string& path) override {
        if (Status s = step(); !s) return s;
        const auto found = names_.find(path);
        if (found == names_.end()) return missing(path);
        change({path, "", found->second});
        return {};
    }
    Status sync_folder(const std::string&) override {
        if (Status s = step(); !s) return s;
        if (lying_) return {};
        synced_names_ = names_;  // one folder is enough for these tests
        changes_.clear();
        return {};
    }
    Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
        if (dead_) return off();
        if (!locked_.insert(path).second) return Error{ErrorCode::busy, "'" + path + "' is locked"};
        return std::unique_ptr<FileLock>(new Lock(*this, path));
    }

private:
    static constexpr std::size_t sector = 512;

    struct Write {
        std::uint64_t offset;
        Content bytes;
    };
    struct Node {
        Content now;     ///< what readers see
        Content synced;  ///< what the disk surely has
        std::vector<Write> since;

        static void apply(Content& content, std::uint64_t offset, std::span<const std::byte> bytes) {
            if (bytes.empty()) return;
            content.resize(std::max<std::size_t>(content.size(), static_cast<std::size_t>(offset) + bytes.size()));
            std::memcpy(content.data() + offset, bytes.data(), bytes.size());
        }
        void lose_some(Random& random) {
            now = synced;
            for (const Write& write : since) {
                const std::uint64_t fate = random.below(4);  // whole, nothing, a torn start, or single sectors
                if (fate == 0) apply(now, write.offset, write.bytes);
                if (fate == 2)
                    apply(now, write.offset,
                          std::span(write.bytes).first(static_cast<std::size_t>(random.below(write.bytes.size() + 1))));
                for (std::size_t at = 0; fate == 3 && at < write.bytes.size(); at += sector) {
                    if (random.below(2) == 0) continue;
                    apply(now, write.offset + at,
                          std::span(write.bytes).subspan(at, std::min(sector, write.bytes.size() - at)));
                }
            }
            synced = now;
            since.clear();
        }
    };
    /// `from` loses its name; `to`, unless empty, becomes the name of `node`. A new file has no `from`.
    struct Change {
        std::string from;
        std::string to;
        std::size_t node;
        void apply(std::map<std::string, std::size_t>& names) const {
            if (!from.empty()) names.erase(from);
            if (!to.empty()) names[to] = node;
        }
    };
    class Lock final : public FileLock {
    public:
        Lock(SimulatedDisk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
        ~Lock() override { disk_.locked_.erase(path_); }

    private:
        SimulatedDisk& disk_;
        std::string path_;
    };
    class Open;

    static Error off() { return {ErrorCode::io, "the power is off"}; }
    static Error missing(const std::string& path) { return {ErrorCode::not_found, "'" + path + "' is not there"}; }

    /// One step: ok, or the fault that was set for it.
    Status step() {
        if (dead_) return off();
        const std::size_t now = steps_++;
        if (fault_ == Fault::none || now != fault_step_) return {};
        if (fault_ == Fault::power_cut) {
            dead_ = true;
            return off();
        }
        if (fault_ == Fault::disk_full) full_ = true;
        return Error{ErrorCode::io, fault_ == Fault::disk_full ? "disk full" : "disk error"};
    }
    void change(Change c) {
        c.apply(names_);
        changes_.push_back(std::move(c));
    }
    Status write(std::size_t number, std::uint64_t offset, std::span<const std::byte> bytes) {
        if (full_) return Error{ErrorCode::io, "disk full"};
        const Status s = step();
        if (!s && !dead_ && !full_) return s;
        if (!s) bytes = bytes.first(bytes.size() / 2);  // what went through before the fault
        Node& node = nodes_[number];
        Node::apply(node.now, offset, bytes);
        node.since.push_back({offset, Content(bytes.begin(), bytes.end())});
        return s;
    }

    std::map<std::size_t, Node> nodes_;
    std::map<std::string, std::size_t> names_;
    std::map<std::string, std::size_t> synced_names_;
    std::vector<Change> changes_;
    std::set<std::string> locked_;
    std::size_t next_node_ = 1;
    std::size_t steps_ = 0;
    std::size_t fault_step_ = 0;
    Fault fault_ = Fault::none;
    bool dead_ = false;
    bool full_ = false;
    bool lying_ = false;
};

class SimulatedDisk::Open final : public File {
public:
    Open(SimulatedDisk& disk, std::size_t node) : disk_(disk), node_(node) {}
    Result<std::uint64_t> size() const override {
        if (disk_.dead_) return off();
        return std::uint64_t{content().size()};
    }
    Status pread(std::uint64_t offset, std::span<std::byte> into) const override {
        if (disk_.dead_) return off();
        if (offset > content().size() || into.size() > content().size() - offset)
            return Error{ErrorCode::corrupt, "file ends before"};
        std::copy_n(content().begin() + static_cast<std::ptrdiff_t>(offset), into.size(), into.begin());
        return {};
    }
    Status pwrite(std::uint64_t offset, std::span<const std::byte> bytes) override {
        return disk_.write(node_, offset, bytes);
    }
    Status append(std::span<const std::byte> bytes) override { return disk_.write(node_, content().size(), bytes); }
    Status truncate(std::uint64_t) override { return Error{ErrorCode::unsupported, "this disk cuts no files"}; }
    Status sync() override {
        if (Status s = disk_.step(); !s) return s;
        if (disk_.lying_) return {};
        Node& node = disk_.nodes_[node_];
        node.synced = node.now;
        node.since.clear();
        return {};
    }

private:
    [[nodiscard]] const Content& content() const { return disk_.nodes_.at(node_).now; }
    SimulatedDisk& disk_;
    std::size_t node_;
};

inline Result<std::unique_ptr<File>> SimulatedDisk::open(const std::string& path, OpenMode mode) {
    if (dead_) return off();
    const auto found = names_.find(path);
    if (mode != OpenMode::create) {
        if (found == names_.end()) return missing(path);
        return std::unique_ptr<File>(new Open(*this, found->second));
    }
    if (found != names_.end()) return Error{ErrorCode::already_exists, "'" + path + "' exists"};
    if (Status s = step(); !s) return s;
    const std::size_t node = next_node_++;
    nodes_[node] = {};
    change({"", path, node});
    return std::unique_ptr<File>(new Open(*this, node));
}

}  // namespace tonari::test
