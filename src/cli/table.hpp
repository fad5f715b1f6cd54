// Aligned columns on the terminal.
#pragma once

#include <string>
#include <vector>

namespace tonari::cli {

class Table {
public:
    /// The first `left` columns are aligned left, the others right.
    explicit Table(std::vector<std::string> head, std::size_t left = 0) : head_(std::move(head)), left_(left) {}
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
    [[nodiscard]] std::string text(const std::string& indent = "  ") const;

private:
    std::vector<std::string> head_;
    std::vector<std::vector<std::string>> rows_;
    std::size_t left_;
};

}  // namespace tonari::cli
