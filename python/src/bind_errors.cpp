// One table maps the library's error codes to exception classes. Each class is a tonari.Error and also the built-in
// exception that Python programmers expect there, so that both `except tonari.Error` and `except ValueError` work.
#include <array>
#include <exception>
#include <new>
#include <string>

#include "bindings.hpp"
#include "errors.hpp"

namespace tonari::python {
namespace {

struct ErrorClass {
    ErrorCode code;
    const char* name;
    PyObject** twin;  // the built-in exception that it also is; null: none
    const char* doc;
};

// OSError's own constructor takes a single text as well as (errno, text); we hand it a text.
const std::array<ErrorClass, 9> table{{
    {ErrorCode::invalid_argument, "InvalidArgument", &PyExc_ValueError, "A value is outside what the call takes."},
    {ErrorCode::unsupported, "Unsupported", &PyExc_NotImplementedError,
     "The request is well-formed, but this combination does not exist."},
    {ErrorCode::not_found, "NotFound", &PyExc_FileNotFoundError, "There is no such file, or no such id."},
    {ErrorCode::already_exists, "AlreadyExists", &PyExc_FileExistsError, "The file or the id is there already."},
    {ErrorCode::corrupt, "Corrupt", nullptr, "A file is not what it says it is."},
    {ErrorCode::io, "IoError", &PyExc_OSError, "The operating system failed a read, a write or a map."},
    {ErrorCode::out_of_memory, "OutOfMemory", &PyExc_MemoryError, "There is not enough memory."},
    {ErrorCode::out_of_range, "OutOfRange", &PyExc_ValueError, "More than an index can hold."},
    {ErrorCode::busy, "Busy", &PyExc_BlockingIOError, "Another process holds the file."},
}};

// The classes live as long as the process: an extension module is never unloaded.
std::array<PyObject*, table.size()> classes{};
PyObject* base = nullptr;
PyObject* wrong_type_class = nullptr;
PyObject* incomplete_warning = nullptr;

PyObject* make_class(py::module_& module, const char* name, const char* doc, PyObject* first, PyObject* second) {
    py::list bases;
    bases.append(py::handle(first));
    if (second != nullptr) bases.append(py::handle(second));
    const std::string qualified = std::string("tonari.") + name;
    PyObject* made = PyErr_NewExceptionWithDoc(qualified.c_str(), doc, py::tuple(bases).ptr(), nullptr);
    if (made == nullptr) throw py::error_already_set();
    module.attr(name) = py::handle(made);
    return made;
}

PyObject* class_of(ErrorCode code) noexcept {
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (table[i].code == code) return classes[i];
    }
    return base;
}

/// Messages name paths, which may hold any bytes: those that are not UTF-8 become what os.fsdecode makes of them.
void raise(PyObject* kind, const std::string& message) noexcept {
    PyObject* text = PyUnicode_DecodeUTF8(message.data(), static_cast<py::ssize_t>(message.size()), "surrogateescape");
    if (text == nullptr) return;  // no memory, which is an exception, too
    PyErr_SetObject(kind, text);
    Py_DECREF(text);
}

}  // namespace

void warn_incomplete(const std::string& message) {
    if (PyErr_WarnEx(incomplete_warning, message.c_str(), 1) != 0) throw py::error_already_set();
}

void bind_errors(py::module_& module) {
    base = make_class(module, "Error", "What every exception of tonari is.", PyExc_Exception, nullptr);
    for (std::size_t i = 0; i < table.size(); ++i) {
        PyObject* twin = table[i].twin != nullptr ? *table[i].twin : nullptr;
        classes[i] = make_class(module, table[i].name, table[i].doc, base, twin);
    }
    wrong_type_class = make_class(module, "WrongType", "An argument, or an array's dtype, is of the wrong type.", base,
                                  PyExc_TypeError);
    incomplete_warning = make_class(module, "IncompleteWarning",
                                    "An answer is not all that was asked for: the timeout passed, or the cap cut it.",
                                    PyExc_RuntimeWarning, nullptr);

    // NOLINTNEXTLINE(performance-unnecessary-value-param): pybind11 takes a pointer to a function of this signature
    py::register_exception_translator([](std::exception_ptr thrown) {
        try {
            if (thrown) std::rethrow_exception(thrown);
        } catch (const Exception& failure) {
            raise(class_of(failure.error().code), failure.error().message);
        } catch (const WrongType& failure) {
            raise(wrong_type_class, failure.what());
        } catch (const std::bad_alloc&) {
            PyErr_SetString(class_of(ErrorCode::out_of_memory), "there is not enough memory for the answer");
        }
    });
}

}  // namespace tonari::python
