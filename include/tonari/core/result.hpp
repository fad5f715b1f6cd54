// Errors are values: `Status` and `Result<T>`. A message says what was expected, what was got, and how to mend it.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tonari {

enum class ErrorCode : std::uint8_t {
    invalid_argument,  ///< the caller's value is outside what the call takes
    unsupported,       ///< well-formed, but this combination does not exist
    not_found,
    already_exists,
    corrupt,  ///< a file is not what it says it is
    io,       ///< the operating system failed a read, a write, a map
    out_of_memory,
    out_of_range,  ///< more than the index can hold
    busy,          ///< another process holds the file
};

constexpr std::string_view name(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::invalid_argument: return "invalid argument";
        case ErrorCode::unsupported: return "unsupported";
        case ErrorCode::not_found: return "not found";
        case ErrorCode::already_exists: return "already exists";
        case ErrorCode::corrupt: return "corrupt";
        case ErrorCode::io: return "input/output";
        case ErrorCode::out_of_memory: return "out of memory";
        case ErrorCode::out_of_range: return "out of range";
        case ErrorCode::busy: return "busy";
    }
    return "unknown";
}

struct Error {
    ErrorCode code = ErrorCode::invalid_argument;
    std::string message;
};

/// What `.value()` throws for those who prefer exceptions.
class Exception : public std::exception {
public:
    explicit Exception(Error error)
        : error_(std::move(error)), text_(std::string(name(error_.code)) + ": " + error_.message) {}
    [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
    [[nodiscard]] const Error& error() const noexcept { return error_; }

private:
    Error error_;
    std::string text_;
};

/// Success, or an `Error`.
class [[nodiscard]] Status {
public:
    Status() noexcept = default;
    Status(Error error)
        : error_(new Error(std::move(error))) {}  // NOLINT(google-explicit-constructor): reads as `return Error{...}`
    Status(Status&& other) noexcept : error_(std::exchange(other.error_, nullptr)) {}
    Status& operator=(Status&& other) noexcept {
        std::swap(error_, other.error_);
        return *this;
    }
    Status(const Status& other) : error_(other.error_ ? new Error(*other.error_) : nullptr) {}
    Status& operator=(const Status& other) {
        Status copy(other);
        std::swap(error_, copy.error_);
        return *this;
    }
    ~Status() { delete error_; }

    [[nodiscard]] bool ok() const noexcept { return error_ == nullptr; }
    explicit operator bool() const noexcept { return ok(); }
    /// Only when `!ok()`.
    [[nodiscard]] const Error& error() const noexcept { return *error_; }
    void value() const {
        if (error_) throw Exception(*error_);
    }

private:
    Error* error_ = nullptr;  // one word, so that success costs nothing
};

/// A `T`, or an `Error`.
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)
    Result(const Status& failed)
        : state_(std::in_place_index<1>, failed.error()) {}  // NOLINT(google-explicit-constructor)

    [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return ok(); }
    [[nodiscard]] const Error& error() const& noexcept { return *std::get_if<1>(&state_); }
    [[nodiscard]] Error&& error() && noexcept { return std::move(*std::get_if<1>(&state_)); }
    [[nodiscard]] Status status() const { return ok() ? Status{} : Status{error()}; }

    /// The value, or throws `Exception`.
    T& value() & { return check(), *std::get_if<0>(&state_); }
    const T& value() const& { return check(), *std::get_if<0>(&state_); }
    T value() && {
        return check(), std::move(*std::get_if<0>(&state_));
    }  // by value: safe in `for (auto& x : f().value())`

    // Unchecked, for code that has just asked `ok()`.
    T& operator*() & noexcept { return *std::get_if<0>(&state_); }
    const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
    T&& operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
    T* operator->() noexcept { return std::get_if<0>(&state_); }
    const T* operator->() const noexcept { return std::get_if<0>(&state_); }

private:
    void check() const {
        if (!ok()) throw Exception(error());
    }
    std::variant<T, Error> state_;
};

}  // namespace tonari
