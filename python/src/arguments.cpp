#include "arguments.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <limits>

#include "errors.hpp"

namespace py = pybind11;

namespace tonari::python {

std::uint64_t whole_number(py::handle value, const char* name) {
    const auto index = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
    if (!index) {
        PyErr_Clear();
        wrong_type(std::string(name) + ": expected a whole number, got " + type_name(value));
    }
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
    if (overflow != 0 || number < 0) {
        invalid(std::string(name) + ": expected a whole number from 0 to 2^63 - 1, got " + std::string(py::str(index)));
    }
    return static_cast<std::uint64_t>(number);
}

double real_number(py::handle value, const char* name) {
    const double number = PyFloat_AsDouble(value.ptr());
    if (number == -1.0 && PyErr_Occurred() != nullptr) {
        PyErr_Clear();
        wrong_type(std::string(name) + ": expected a number, got " + type_name(value));
    }
    if (!std::isfinite(number)) {
        invalid(std::string(name) + ": expected a finite number, got " + std::string(py::str(value)));
    }
    return number;
}

bool flag(py::handle value, const char* name) {
    const std::string type = type_name(value);
    if (type != "bool" && type != "bool_") {  // NumPy's own is called so before NumPy 2
        wrong_type(std::string(name) + ": expected True or False, got " + type);
    }
    return PyObject_IsTrue(value.ptr()) == 1;
}

std::string text(py::handle value, const char* name) {
    if (!py::isinstance<py::str>(value)) {
        wrong_type(std::string(name) + ": expected a str, got " + type_name(value));
    }
    py::ssize_t size = 0;
    const char* utf8 = PyUnicode_AsUTF8AndSize(value.ptr(), &size);
    if (utf8 == nullptr) {  // half a surrogate pair
        PyErr_Clear();
        invalid(std::string(name) + ": expected text that UTF-8 can write, got " + std::string(py::repr(value)));
    }
    return {utf8, static_cast<std::size_t>(size)};
}

Threads threads(py::handle value) {
    const std::uint64_t count = whole_number(value, "threads");
    if (count > std::numeric_limits<unsigned>::max()) {
        invalid("threads: expected at most " + std::to_string(std::numeric_limits<unsigned>::max()) + ", got " +
                std::to_string(count));
    }
    return {static_cast<unsigned>(count), nullptr};
}

Deadline deadline(py::handle timeout) {
    if (timeout.is_none()) return {};
    const double seconds = real_number(timeout, "timeout");
    if (seconds < 0) invalid("timeout: expected seconds, 0 or more, got " + std::string(py::str(timeout)));
    constexpr double century = 3.2e9;  // longer does not fit the clock's nanoseconds
    if (seconds > century) return {};
    return Deadline::after(std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds)));
}

MetricKind metric(py::handle value) {
    constexpr std::array kinds{MetricKind::l2, MetricKind::inner_product, MetricKind::cosine, MetricKind::l1,
                               MetricKind::hamming};
    const std::string word = text(value, "metric");
    std::string known;
    for (const MetricKind kind : kinds) {
        if (word == name(kind)) return kind;
        known += (known.empty() ? "\"" : ", \"") + std::string(name(kind)) + "\"";
    }
    invalid("metric: expected one of " + known + ", got \"" + word + "\"");
}

}  // namespace tonari::python
