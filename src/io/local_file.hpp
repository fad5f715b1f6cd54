// A file of the operating system, by its descriptor.
#pragma once

#include <memory>
#include <string>

#include <tonari/core/result.hpp>
#include <tonari/io/file_system.hpp>

namespace tonari {

Result<std::unique_ptr<File>> open_local_file(const std::string& path, OpenMode mode);

/// Refuses a path with a NUL in it, which for the operating system ends there: it would be another file.
Status check_path(const std::string& path);

/// `not_found`, or what else it is that is no plain file. Asked before opening: opening a pipe would wait for ever.
Status check_plain_file(const std::string& path);

}  // namespace tonari
