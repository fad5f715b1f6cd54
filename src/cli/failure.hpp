// How a command fails: one line on stderr and an exit status. The library's errors are values; here, where nothing is
// left to do but to say them, they are thrown.
#pragma once

#include <string>
#include <utility>

#include <tonari/core/result.hpp>

namespace tonari::cli {

enum class Exit : int {
    ok = 0,
    world = 1,      ///< a file, the disk, memory
    arguments = 2,  ///< what was asked for does not make sense
};

struct Failure {
    Exit code = Exit::world;
    std::string message;
};

[[noreturn]] inline void fail_arguments(std::string message) { throw Failure{Exit::arguments, std::move(message)}; }
[[noreturn]] inline void fail_world(std::string message) { throw Failure{Exit::world, std::move(message)}; }

[[noreturn]] inline void fail(const Error& error, const std::string& about = {}) {
    const bool asked = error.code == ErrorCode::invalid_argument || error.code == ErrorCode::unsupported;
    const bool said = about.empty() || error.message.find(about) != std::string::npos;
    throw Failure{asked ? Exit::arguments : Exit::world, said ? error.message : about + ": " + error.message};
}

/// The value, or the end of the command. `about` names the file or the spec where the message does not.
template <class T>
T require(Result<T> result, const std::string& about = {}) {
    if (!result) fail(result.error(), about);
    return std::move(*result);
}
inline void require(const Status& status, const std::string& about = {}) {
    if (!status) fail(status.error(), about);
}

}  // namespace tonari::cli
