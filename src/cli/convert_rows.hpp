// Rows of one element type as rows of another.
#pragma once

#include <string>

#include <tonari/io/vecs.hpp>

namespace tonari::cli {

/// Ends the command when a value would change, unless `lossy`: then it is rounded to the nearest, and cut to the range
/// of integers. Bits and uint8 are the same bytes under two names (eight dimensions a byte). `what` is for messages.
Matrix convert_rows(const Matrix& rows, Element to, bool lossy, const std::string& what);

}  // namespace tonari::cli
