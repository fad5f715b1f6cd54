#include "filters.hpp"

#include <cstdint>
#include <exception>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "errors.hpp"

namespace tonari::python {
namespace {

// NumPy keeps a byte per bool; the library reads a bit per id.
std::vector<std::uint64_t> bits_of(const py::array& mask) {
    if (mask.ndim() != 1) {
        invalid("filter: expected a 1-D boolean mask (id i is allowed where mask[i]), got " +
                std::to_string(mask.ndim()) + "-D");
    }
    const auto count = static_cast<std::size_t>(mask.size());
    std::vector<std::uint64_t> words((count + 63) / 64);
    const auto* at = static_cast<const char*>(mask.data());
    const auto stride = count > 1 ? mask.strides(0) : 0;
    for (std::size_t id = 0; id < count; ++id, at += stride) {
        words[id / 64] |= static_cast<std::uint64_t>(*at != 0) << (id % 64);
    }
    return words;
}

Result<RowFilter> prepare_callable(const Index& index, py::handle allowed) {
    // The library calls it on this thread, which holds the interpreter lock, and expects it not to throw: the first
    // error waits here, and the callable is not asked again.
    std::exception_ptr failure;
    const auto ask = [&](Id id) {
        if (failure) return false;
        try {
            const py::object answer = allowed(id);
            const int truth = PyObject_IsTrue(answer.ptr());
            if (truth < 0) throw py::error_already_set();
            return truth != 0;
        } catch (...) {
            failure = std::current_exception();
            return false;
        }
    };
    Result<RowFilter> rows = index.prepare(Filter::predicate(ask));
    if (failure) std::rethrow_exception(failure);
    return rows;
}

Result<RowFilter> prepare_unlocked(const Index& index, const Filter& filter) {
    const py::gil_scoped_release unlock;
    return index.prepare(filter);
}

Result<RowFilter> rows_for(const Index& index, py::handle filter) {
    if (PyCallable_Check(filter.ptr()) != 0) return prepare_callable(index, filter);
    refuse_masked(filter, "filter");
    const auto array = py::array::ensure(filter);
    if (!array) {
        PyErr_Clear();
        wrong_type("filter: expected ids, a boolean mask, a callable or a RowFilter, got " + type_name(filter));
    }
    if (array.dtype().kind() == 'b') {
        const std::vector<std::uint64_t> words = bits_of(array);
        return prepare_unlocked(index, Filter::bitmap(words));
    }
    const IdArray ids = ids_of(filter, "filter");
    return prepare_unlocked(index, Filter::ids(ids.span()));
}

}  // namespace

PreparedFilter prepare(const Index& index, py::handle filter) { return {index, rows_for(index, filter).value()}; }

const RowFilter* filter_of(const Index& index, py::handle filter, std::shared_ptr<const PreparedFilter>& keep) {
    if (filter.is_none()) return nullptr;
    if (py::isinstance<PreparedFilter>(filter)) {
        keep = py::cast<std::shared_ptr<PreparedFilter>>(filter);
        if (&keep->index.model() != &index.model()) {
            invalid("filter: expected a RowFilter of this index, got one that another index prepared");
        }
    } else {
        keep = std::make_shared<const PreparedFilter>(prepare(index, filter));
    }
    return &keep->rows;
}

void bind_filter(py::module_& module) {
    py::class_<PreparedFilter, std::shared_ptr<PreparedFilter>> filter(
        module, "RowFilter", py::is_final(),
        R"(Which ids an index may answer: made once by Index.prepare, used by any number of its searches.

len(filter) is how many ids of the index pass.)");
    filter.def(
        "__len__", [](const PreparedFilter& self) { return self.rows.passing; },
        "__len__(self)\n--\n\nHow many ids of the index pass.");
    filter.def(
        "__repr__",
        [](const PreparedFilter& self) {
            return "<tonari.RowFilter: " + std::to_string(self.rows.passing) + " of " +
                   std::to_string(self.index.size()) + " ids>";
        },
        "__repr__(self)\n--\n\n");
}

}  // namespace tonari::python
