// A Python callable as the library's progress callback.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>

#include <pybind11/pybind11.h>

#include "errors.hpp"

namespace tonari::python {

/// The library calls back on the calling thread, without the interpreter lock and expecting no exception: the callable
/// runs under the lock, and its first error waits for `rethrow`, after which it is not called again.
class Progress {
public:
    explicit Progress(pybind11::object callable) : callable_(std::move(callable)) {
        if (!callable_.is_none() && PyCallable_Check(callable_.ptr()) == 0) {
            wrong_type("progress: expected a callable(done, total) or None, got " + type_name(callable_));
        }
    }

    /// Empty when the callable is None. Refers to this object.
    [[nodiscard]] std::function<void(std::size_t, std::size_t)> function() {
        if (callable_.is_none()) return {};
        return [this](std::size_t done, std::size_t total) {
            if (failure_) return;
            const pybind11::gil_scoped_acquire lock;
            try {
                callable_(done, total);
            } catch (...) {
                failure_ = std::current_exception();
            }
        };
    }

    void rethrow() const {
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    pybind11::object callable_;
    std::exception_ptr failure_;
};

}  // namespace tonari::python
