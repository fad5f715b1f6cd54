// What the operating system says, as an Error.
#pragma once

#include <string_view>

#include <tonari/core/result.hpp>

namespace tonari {

/// "cannot <what> '<path>': <reason>" for an errno value.
Error system_error(std::string_view what, std::string_view path, int number);

}  // namespace tonari
