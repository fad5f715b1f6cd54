// Numbers as people read them, and the words of the command line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tonari/core/types.hpp>

namespace tonari::cli {

std::string fixed(double value, int digits);
/// 12,345,678
std::string grouped(std::size_t value);
/// 3 significant digits and more where whole numbers have them: 0.123, 12.3, 1,234
std::string short_number(double value);
/// 12.3 MiB
std::string human_bytes(double bytes);
/// 850 ms, 12.3 s, 3 min 5 s
std::string human_seconds(double seconds);
std::string hex(std::uint64_t value);

/// "100,000 x 128 uint8"
std::string shape(std::size_t rows, Dim dim, Element element);

/// Also takes the long names that other libraries use. Ends the command if the word is unknown.
MetricKind parse_metric(std::string_view word);
/// Lower-case ending without the dot: "fbin".
std::string extension_of(std::string_view path);
std::vector<std::string> split(std::string_view text, char at);
/// A whole number, digits only; ends the command otherwise.
std::size_t parse_number(std::string_view what, std::string_view text);

}  // namespace tonari::cli
