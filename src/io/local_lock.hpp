// Keeping a second writer away.
#pragma once

#include <memory>
#include <string>

#include <tonari/core/result.hpp>
#include <tonari/io/file_system.hpp>

namespace tonari {

/// Holds `<path>.lock`; the file is removed when the lock is let go.
Result<std::unique_ptr<FileLock>> lock_local_file(const std::string& path);

}  // namespace tonari
