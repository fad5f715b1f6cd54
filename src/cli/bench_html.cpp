// The bench as a page: the JSON document, and a script that draws it.
#include <string>
#include <string_view>

#include "cli/bench_page.hpp"
#include "cli/bench_result.hpp"

namespace tonari::cli {
namespace {

/// So that no text in the data ends the script element it stands in.
std::string without_tags(std::string_view json) {
    std::string text;
    text.reserve(json.size());
    for (const char c : json) {
        if (c == '<') {
            text += "\\u003c";
        } else {
            text += c;
        }
    }
    return text;
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            default: out += c;
        }
    }
    return out;
}

}  // namespace

std::string bench_html(const BenchResult& bench) {
    return std::string(page_before_title) + escaped(bench.dataset) + " - tonari bench" + page_before_data +
           without_tags(bench_json(bench)) + page_after_data;
}

}  // namespace tonari::cli
