// GrowingIndex.
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include <pybind11/pybind11.h>

#include <tonari/index/growing_index.hpp>

#include "arguments.hpp"
#include "arrays.hpp"
#include "asking.hpp"
#include "bindings.hpp"
#include "errors.hpp"
#include "pooled_growing_index.hpp"
#include "progress.hpp"
#include "unlocked.hpp"

namespace tonari::python {
namespace {

constexpr const char* growing_doc =
    R"(A graph, or inverted lists, to which rows are added and from which they are removed while they are searched:
build(..., growing=True).

Any thread may call any method at any time. A search answers what was there at one moment within the call, and a change
that has returned is seen by every search that begins afterwards. It cannot be pickled or copied: save it and open the
file with growing=True.)";

constexpr const char* add_doc = R"(add(self, rows, ids=None, replace=False, threads=1, progress=None, *, element=None)
--

Add rows: the ids that they have now, an int64 array.

rows, element
    As in `build`; a 1-D array is one row.
ids
    One whole number per row, not negative, unique; for a single row also an int. None: the next numbers above all ids
    that were ever there.
replace
    True: an id that is there already gets the new row. Otherwise it is AlreadyExists, and nothing was added, unless
    another thread added that id at the same time.
threads
    For several rows at once; 0: all. A single row is added by the calling thread. With more than one, which links a row
    of a graph gets depends on who came first.
progress
    Called now and then with (rows done, rows in all). An exception in it is raised when the rows have been added.

The interpreter lock is released while adding.)";

constexpr const char* update_doc = R"(update(self, rows, ids, threads=1, progress=None, *, element=None)
--

New rows for ids that are there: every search finds an id's old row or its new one.

An id that is not there is NotFound, and nothing was changed, unless another thread removed that id at the same time. The
arguments are those of `add`.)";

constexpr const char* remove_doc = R"(remove(self, ids)
--

Take ids out: an int, or one whole number per id, each once.

An id that is not there is NotFound, and nothing was removed, unless another thread removed that id at the same time. The
memory is used again for rows that come later. The interpreter lock is released while removing.)";

constexpr const char* contains_doc = R"(__contains__(self, id)
--

Is the id there?)";

constexpr const char* freeze_doc = R"(freeze(self)
--

The rows of this moment as an Index of its own, while this one goes on living. An index without rows is NotFound.)";

constexpr const char* tidy_doc = R"(tidy(self)
--

Free the places of removed rows, which otherwise the next changes do a few at a time. False if searches that are still
running hold some back.)";

constexpr const char* compact_doc = R"(compact(self, progress=None)
--

Make the index as small as its rows, after many were removed, and give the memory back to the system.

Rows from the last places move into free ones, which takes each as long as an update (in lists: as a copy); searches and
changes go on meanwhile. What ids take in a graph, 48 bytes each, stays for ids to come. False if searches or cursors that are still running hold some of it
back: call it again later.

progress
    Called with (rows done, rows to move), which may begin anew a few times. An exception in it is raised when all have been moved.)";

constexpr const char* health_doc = R"(health(self)
--

How the index is at this moment, as a dict. It looks at every link or row, while searches and changes go on.

ids, vertices
    Ids held, and distinct rows: in a graph equal rows share a vertex, unless several threads added the first at once.
waiting, free
    Removed ids whose place is not free yet, and places that the next rows will take.
unreachable
    Live rows that no search could walk to: 0, as every change keeps them reachable; counted all the same.
mean_degree
    Links of a live row on the lowest layer.
lists, empty_lists, largest_list
    Of inverted lists (else 0): how many, how many without rows, and the rows of the fullest. Many more than ids / lists say
    that rows are no longer where the centroids are: build anew.)";

AddOptions options_of(py::handle thread_count, Progress& reported) {
    AddOptions options;
    options.threads = threads(thread_count);
    options.progress = reported.function();
    return options;
}

/// One id per row; a single row's may be an int.
IdArray ids_for(const Rows& table, py::handle ids) {
    IdArray names = table.single ? ids_or_id_of(ids, "ids") : ids_of(ids, "ids");
    check_one_per_row(names, table);
    return names;
}

py::array_t<Id> add(PooledGrowingIndex& self, py::handle rows, py::handle ids, py::handle replace,
                    py::handle thread_count, py::object progress, py::handle element) {
    Progress reported(std::move(progress));
    AddOptions options = options_of(thread_count, reported);
    options.replace = flag(replace, "replace");
    const Rows table = rows_that_fit(self.index(), "rows", rows, element);
    const auto count = static_cast<py::ssize_t>(table.view.rows());
    if (!ids.is_none()) {
        const IdArray given = ids_for(table, ids);
        py::array_t<Id> names(count, given.array.data());  // what is answered is what was added, should theirs change
        const std::span<const Id> added_ids(names.data(), table.view.rows());
        const Status added = [&] {
            const py::gil_scoped_release unlock;
            return self.growing().add(table.view, added_ids, options);
        }();
        reported.rethrow();
        added.value();
        return names;
    }
    if (options.replace) invalid("replace: expected ids, whose rows are replaced, got ids=None");
    const Result<Id> first = [&] {
        const py::gil_scoped_release unlock;
        return self.growing().add(table.view, options);
    }();
    reported.rethrow();
    py::array_t<Id> numbered(count);
    std::iota(numbered.mutable_data(), numbered.mutable_data() + count, first.value());
    return numbered;
}

void update(PooledGrowingIndex& self, py::handle rows, py::handle ids, py::handle thread_count, py::object progress,
            py::handle element) {
    Progress reported(std::move(progress));
    const AddOptions options = options_of(thread_count, reported);
    const Rows table = rows_that_fit(self.index(), "rows", rows, element);
    const IdArray names = ids_for(table, ids);
    const Status updated = [&] {
        const py::gil_scoped_release unlock;
        return self.growing().update(table.view, names.span(), options);
    }();
    reported.rethrow();
    updated.value();
}

void remove(PooledGrowingIndex& self, py::handle ids) {
    const IdArray names = ids_or_id_of(ids, "ids");
    const py::gil_scoped_release unlock;
    self.growing().remove(names.span()).value();
}

// Any whole number may be asked for, also one that is too large to be an id.
bool contains(const PooledGrowingIndex& self, py::handle id) {
    const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(id.ptr()));
    if (!number) {
        PyErr_Clear();
        wrong_type("id: expected a whole number, got " + type_name(id));
    }
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
    return overflow == 0 && value >= 0 && self.growing().contains(value);
}

py::dict dict_of(const GrowingHealth& health) {
    py::dict all;
    all["ids"] = health.ids;
    all["vertices"] = health.vertices;
    all["waiting"] = health.waiting;
    all["free"] = health.free;
    all["unreachable"] = health.unreachable;
    all["mean_degree"] = health.mean_degree;
    all["lists"] = health.lists;
    all["empty_lists"] = health.empty_lists;
    all["largest_list"] = health.largest_list;
    return all;
}

}  // namespace

void bind_growing(py::module_& module) {
    py::class_<PooledGrowingIndex> index(module, "GrowingIndex", py::is_final(), growing_doc);
    bind_asking(index, "GrowingIndex");
    index.def("add", &add, py::arg("rows"), py::arg("ids") = py::none(), py::arg("replace") = false,
              py::arg("threads") = 1, py::arg("progress") = py::none(), py::kw_only(), py::arg("element") = py::none(),
              add_doc);
    index.def("update", &update, py::arg("rows"), py::arg("ids"), py::arg("threads") = 1,
              py::arg("progress") = py::none(), py::kw_only(), py::arg("element") = py::none(), update_doc);
    index.def("remove", &remove, py::arg("ids"), remove_doc);
    index.def("__contains__", &contains, py::arg("id"), contains_doc);
    index.def(
        "freeze",
        [](const PooledGrowingIndex& self) {
            return std::make_unique<PooledIndex>(unlocked([&] { return self.growing().freeze(); }).value());
        },
        freeze_doc);
    index.def(
        "tidy", [](PooledGrowingIndex& self) { return unlocked([&] { return self.growing().tidy(); }); }, tidy_doc);
    index.def(
        "compact",
        [](PooledGrowingIndex& self, py::object progress) {
            Progress reported(std::move(progress));
            const Result<bool> done = unlocked([&] { return self.growing().compact(reported.function()); });
            reported.rethrow();
            return done.value();
        },
        py::arg("progress") = py::none(), compact_doc);
    index.def(
        "health",
        [](const PooledGrowingIndex& self) {
            return dict_of(unlocked([&] { return self.growing().health(); }).value());
        },
        health_doc);

    // A copy that shared the rows would change with the original, which nobody expects of a copy.
    constexpr const char* no_copy =
        "a tonari.GrowingIndex cannot be copied; mend: index.freeze() for the rows of this moment, or "
        "index.save(path) and tonari.open(path, growing=True)";
    index.def(
        "__copy__", [](const PooledGrowingIndex&) -> py::object { wrong_type(no_copy); }, "__copy__(self)\n--\n\n");
    index.def(
        "__deepcopy__", [](const PooledGrowingIndex&, py::handle) -> py::object { wrong_type(no_copy); },
        py::arg("memo"), "__deepcopy__(self, memo)\n--\n\n");
    index.def(
        "__reduce__",
        [](const PooledGrowingIndex&) -> py::object {
            wrong_type(
                "a tonari.GrowingIndex cannot be pickled; mend: index.save(path) here, "
                "tonari.open(path, growing=True) there");
        },
        "__reduce__(self)\n--\n\n");
}

}  // namespace tonari::python
