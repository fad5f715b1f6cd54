// Equal rows are found, by comparison with a map of their bytes.
#include <tonari/index/distinct_rows.hpp>

#include <cstring>
#include <map>
#include <string>

#include <tonari/core/random.hpp>

#include "support/catch.hpp"

using namespace tonari;

namespace {

DistinctRows by_map(const std::vector<std::string>& rows) {
    std::map<std::string, std::vector<RowId>> groups;
    for (std::size_t i = 0; i < rows.size(); ++i) groups[rows[i]].push_back(static_cast<RowId>(i));
    std::map<RowId, std::vector<RowId>> ordered;
    for (const auto& [row, members] : groups) ordered[members.front()] = members;
    DistinctRows out;
    for (const auto& [first, members] : ordered) {
        out.first.push_back(first);
        if (groups.size() == rows.size()) continue;
        out.offsets.push_back(static_cast<std::uint32_t>(out.members.size()));
        out.members.insert(out.members.end(), members.begin(), members.end());
    }
    if (groups.size() != rows.size()) out.offsets.push_back(static_cast<std::uint32_t>(out.members.size()));
    return out;
}

}  // namespace

TEST_CASE("distinct rows: as a map of bytes finds them", "[index]") {
    for (const std::size_t size : {1U, 4U, 8U, 20U, 37U}) {
        for (const std::uint64_t kinds : {1U, 2U, 50U, 100'000'000U}) {
            for (const std::size_t n : {1U, 2U, 777U, 3000U}) {
                CAPTURE(size, kinds, n);
                Random random(size * 31 + kinds);
                std::vector<std::string> rows(n, std::string(size, '\0'));
                for (std::string& row : rows) {
                    const std::uint64_t kind = mix64(random() % kinds);
                    std::memcpy(row.data() + (size > 8 ? size - 8 : 0), &kind, std::min<std::size_t>(size, 8));
                }
                const auto encode = [&](std::size_t row, std::byte* code) {
                    std::memcpy(code, rows[row].data(), size);
                };
                const DistinctRows expected = by_map(rows);
                for (const unsigned threads : {1U, 3U}) {
                    const DistinctRows found = find_distinct_rows(n, size, encode, {threads});
                    CHECK(found.first == expected.first);
                    CHECK(found.offsets == expected.offsets);
                    CHECK(found.members == expected.members);
                }
            }
        }
    }
}
