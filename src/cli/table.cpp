#include "cli/table.hpp"

#include <algorithm>

namespace tonari::cli {

std::string Table::text(const std::string& indent) const {
    std::vector<std::size_t> widths(head_.size());
    const auto widen = [&](const std::vector<std::string>& row) {
        for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    };
    widen(head_);
    for (const auto& row : rows_) widen(row);

    std::string out;
    const auto print = [&](const std::vector<std::string>& row) {
        std::string line = indent;
        for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
            const std::string space(widths[i] - row[i].size(), ' ');
            line += (i == 0 ? "" : "  ") + (i < left_ ? row[i] + space : space + row[i]);
        }
        out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    };
    print(head_);
    std::size_t total = head_.empty() ? 0 : 2 * (head_.size() - 1);
    for (const std::size_t width : widths) total += width;
    out += indent + std::string(total, '-') + "\n";
    for (const auto& row : rows_) print(row);
    return out;
}

}  // namespace tonari::cli
