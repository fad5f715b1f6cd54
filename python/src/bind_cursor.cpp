// Cursor.
#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <tonari/index/cursor.hpp>

#include "arguments.hpp"
#include "arrays.hpp"
#include "asking.hpp"
#include "bindings.hpp"
#include "errors.hpp"
#include "unlocked.hpp"

namespace tonari::python {

const char* const cursor_doc =
    R"(cursor(self, query, ef=64, filter=None, strict=False, *, nprobe=16, element=None)
--

One query's neighbours, nearest first, for as long as they are asked for: a Cursor.

For those who cannot say beforehand how many neighbours they will need: they filter, join or rank again by what only they
know. The first batch of n is what `search` answers for k = n, as long as n is not above ef; asked to the end, every id
comes once.

ef
    For graphs: candidates kept ahead of what is answered; more finds more and takes longer. Flat is exact without it.
nprobe
    For IVF: lists looked at before the first answer, and as many more whenever those are used up.
filter, element
    As in `search`.
strict
    Drop rows that are found only after a farther one was answered, so that distances never fall from batch to batch;
    `late` counts them either way.)";

namespace {

constexpr const char* class_doc =
    R"(A search that goes on: `cursor` of an index makes it.

    for id, distance in index.cursor(query):
        ...

It keeps the index alive, and of a GrowingIndex the moment at which it was made: as long as it lives, no memory of removed
rows is used again. Threads take turns with one.)";

constexpr const char* next_doc = R"(next(self, n=10, timeout=None)
--

The next n neighbours: (ids, distances), int64 and float32, nearest first. Fewer, or none, only at the end.

timeout
    Seconds, after which what was found so far is answered, with an IncompleteWarning; the next call goes on.

The interpreter lock is released while searching.)";

/// The library's cursor, what it needs to live, and the rest of the batch that iteration takes from it.
class PyCursor {
public:
    PyCursor(Cursor cursor, std::shared_ptr<const PreparedFilter> filter)
        : filter_(std::move(filter)), cursor_(std::move(cursor)) {}

    struct Batch {
        std::vector<Neighbor> neighbors;
        bool complete = true;
    };
    /// The next n. `put_back` takes them back.
    Batch next(std::size_t n, const Deadline& deadline) {
        const auto lock = take_turn(deadline);
        if (!lock) return {{}, false};
        Batch batch;
        if (n == 0 || ahead_.size() - taken_ < n)
            batch.complete = fetch(n == 0 ? 0 : n - (ahead_.size() - taken_), deadline);
        const auto first = ahead_.begin() + static_cast<std::ptrdiff_t>(taken_);
        const std::size_t count = std::min(n, ahead_.size() - taken_);
        batch.neighbors.assign(first, first + static_cast<std::ptrdiff_t>(count));
        taken_ += count;
        return batch;
    }
    /// What `next` gave could not be handed out: it comes again.
    void put_back(const std::vector<Neighbor>& neighbors) {
        const std::lock_guard lock(mutex_);
        ahead_.insert(ahead_.begin() + static_cast<std::ptrdiff_t>(taken_), neighbors.begin(), neighbors.end());
    }
    /// One; none at the end. Larger batches from call to call: who asks for many has soon asked few times.
    std::vector<Neighbor> one() {
        const std::lock_guard lock(mutex_);
        if (taken_ == ahead_.size()) {
            fetch(batch_, {});
            batch_ = std::min(2 * batch_, largest_batch);
        }
        if (taken_ == ahead_.size()) return {};
        std::vector<Neighbor> first{ahead_[taken_]};
        ++taken_;
        return first;
    }
    [[nodiscard]] bool done() const {
        const std::lock_guard lock(mutex_);
        return taken_ == ahead_.size() && cursor_.done();
    }
    [[nodiscard]] std::size_t late() const {
        const std::lock_guard lock(mutex_);
        return cursor_.late();
    }

private:
    /// The cursor, unless another thread has it longer than the deadline allows.
    std::unique_lock<std::timed_mutex> take_turn(const Deadline& deadline) {
        if (deadline.never()) return std::unique_lock(mutex_);
        std::unique_lock lock(mutex_, std::try_to_lock);
        while (!lock && !deadline.expired()) {
            if (lock.try_lock_for(std::chrono::milliseconds(1))) break;
        }
        return lock;
    }
    /// Appends to what lies ahead; false if the deadline passed.
    bool fetch(std::size_t n, const Deadline& deadline) {
        ahead_.erase(ahead_.begin(), ahead_.begin() + static_cast<std::ptrdiff_t>(taken_));
        taken_ = 0;
        const Nearest found = cursor_.next(n, deadline).value();
        ahead_.insert(ahead_.end(), found.begin(), found.end());
        return found.outcome.complete;
    }

    static constexpr std::size_t largest_batch = 1024;
    mutable std::timed_mutex mutex_;  // taken without the interpreter lock
    std::shared_ptr<const PreparedFilter> filter_;
    Cursor cursor_;
    std::vector<Neighbor> ahead_;  // what iteration has fetched; those before `taken_` were handed out
    std::size_t taken_ = 0;
    std::size_t batch_ = 16;
};

py::tuple next(PyCursor& self, py::handle n, py::handle timeout) {
    const Deadline until = deadline(timeout);
    const std::size_t count = whole_number(n, "n");
    const PyCursor::Batch batch = unlocked([&] { return self.next(count, until); });
    try {
        const auto size = static_cast<py::ssize_t>(batch.neighbors.size());
        py::array_t<Id> ids(size);
        py::array_t<float> distances(size);
        for (std::size_t i = 0; i < batch.neighbors.size(); ++i) {
            ids.mutable_data()[i] = batch.neighbors[i].id;
            distances.mutable_data()[i] = batch.neighbors[i].distance;
        }
        if (!batch.complete) warn_incomplete("the timeout passed before the batch was complete; the next call goes on");
        return py::make_tuple(std::move(ids), std::move(distances));
    } catch (...) {  // a warning may be an error: what was found comes again
        self.put_back(batch.neighbors);
        throw;
    }
}

}  // namespace

py::object cursor(const PooledIndex& self, py::handle query, py::handle ef, py::handle filter, py::handle strict,
                  py::handle nprobe, py::handle element) {
    const Index& index = self.index();
    CursorOptions options;
    options.ef = whole_number(ef, "ef");
    options.nprobe = whole_number(nprobe, "nprobe");
    options.strict = flag(strict, "strict");
    const Rows rows = rows_that_fit(index, "query", query, element);
    if (!rows.single) invalid("query: expected one query, a 1-D array; a cursor answers one");
    std::shared_ptr<const PreparedFilter> keep;
    options.filter = filter_of(index, filter, keep);
    auto made = unlocked([&] { return index.cursor(rows.view.row(0), options); });
    return py::cast(std::make_unique<PyCursor>(std::move(made).value(), std::move(keep)));
}

void bind_cursor(py::module_& module) {
    py::class_<PyCursor> type(module, "Cursor", py::is_final(), class_doc);
    type.def("next", &next, py::arg("n") = 10, py::arg("timeout") = py::none(), next_doc);
    type.def("__iter__", [](py::object self) { return self; }, "__iter__(self)\n--\n\n");
    type.def(
        "__next__",
        [](PyCursor& self) {
            const std::vector<Neighbor> one = unlocked([&] { return self.one(); });
            if (one.empty()) throw py::stop_iteration();
            return py::make_tuple(one[0].id, one[0].distance);
        },
        "__next__(self)\n--\n\n");
    type.def_property_readonly(
        "done", [](const PyCursor& self) { return unlocked([&] { return self.done(); }); }, "No neighbour is left.");
    type.def_property_readonly(
        "late", [](const PyCursor& self) { return unlocked([&] { return self.late(); }); },
        "Ids found only after a farther one was answered: how far the order of batches can be trusted.");
}

}  // namespace tonari::python
