#include "cli/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "cli/failure.hpp"

namespace tonari::cli {

std::string fixed(double value, int digits) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    return text.data();
}

std::string grouped(std::size_t value) {
    std::string text = std::to_string(value);
    for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
    return text;
}

std::string short_number(double value) {
    if (value >= 100) return grouped(static_cast<std::size_t>(std::llround(value)));
    return fixed(value, value >= 10 ? 1 : (value >= 1 ? 2 : 3));
}

std::string human_bytes(double bytes) {
    constexpr std::array<const char*, 5> units = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < units.size()) {
        bytes /= 1024;
        ++unit;
    }
    return (unit == 0 ? fixed(bytes, 0) : fixed(bytes, bytes < 100 ? 1 : 0)) + " " + units[unit];
}

std::string human_seconds(double seconds) {
    if (seconds < 1) return fixed(seconds * 1000, 0) + " ms";
    if (seconds < 120) return fixed(seconds, 1) + " s";
    const auto whole = static_cast<std::size_t>(seconds);
    return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
}

std::string hex(std::uint64_t value) {
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
    return text.data();
}

std::string shape(std::size_t rows, Dim dim, Element element) {
    return grouped(rows) + " x " + std::to_string(dim) + " " + std::string(name(element));
}

MetricKind parse_metric(std::string_view word) {
    if (word == "l2" || word == "euclidean") return MetricKind::l2;
    if (word == "ip" || word == "inner_product" || word == "dot") return MetricKind::inner_product;
    if (word == "cosine" || word == "angular") return MetricKind::cosine;
    if (word == "l1" || word == "manhattan") return MetricKind::l1;
    if (word == "hamming") return MetricKind::hamming;
    fail_arguments("metric: expected l2, ip, cosine, l1 or hamming, got '" + std::string(word) +
                   "'; choose one of these");
}

std::string extension_of(std::string_view path) {
    const std::size_t slash = path.find_last_of('/');
    const std::size_t dot = path.find_last_of('.');
    if (dot == std::string_view::npos || (slash != std::string_view::npos && dot < slash)) return {};
    std::string ending(path.substr(dot + 1));
    std::transform(ending.begin(), ending.end(), ending.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return ending;
}

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> parts;
    while (true) {
        const std::size_t end = text.find(at);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::size_t parse_number(std::string_view what, std::string_view text) {
    std::size_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size() || text.empty()) {
        fail_arguments(std::string(what) + ": expected a whole number, got '" + std::string(text) +
                       "'; write digits only");
    }
    return value;
}

}  // namespace tonari::cli
