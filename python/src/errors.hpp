// How the binding refuses: by throwing what bind_errors.cpp turns into a Python exception.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <pybind11/pybind11.h>

#include <tonari/core/result.hpp>

namespace tonari::python {

/// Becomes tonari.WrongType: the one error that only the Python door has, since C++ types are checked by the compiler.
class WrongType : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

[[noreturn]] inline void wrong_type(const std::string& message) { throw WrongType(message); }

[[noreturn]] inline void invalid(std::string message) {
    throw Exception(Error{ErrorCode::invalid_argument, std::move(message)});
}

/// "TypeName" of an object, for "got ..." in messages.
inline std::string type_name(pybind11::handle object) {
    return pybind11::str(pybind11::type::handle_of(object).attr("__name__"));
}

/// tonari.IncompleteWarning, for answers that are shorter than what was asked for.
void warn_incomplete(const std::string& message);

}  // namespace tonari::python
