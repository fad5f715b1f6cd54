// Hash all rows, sort by hash, compare within equal hashes.
#include <tonari/index/distinct_rows.hpp>

#include <algorithm>
#include <cstring>
#include <numeric>

#include <tonari/core/random.hpp>

namespace tonari {
namespace {

struct Hashed {
    std::uint64_t hash;
    RowId row;
};

/// Codes are padded to four bytes (codec/flat.hpp). Collisions are looked at, so its quality only costs time.
std::uint64_t hash_code(const std::byte* code, std::size_t size) noexcept {
    std::uint64_t hash = size;
    std::size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, code + i, 8);
        hash = (hash ^ word) * 0x9fb21c651e98df25ULL;
        hash ^= hash >> 35;
    }
    std::uint64_t rest = 0;
    std::memcpy(&rest, code + i, size - i);
    return mix64(hash ^ rest);
}

}  // namespace

DistinctRows find_distinct_rows(std::size_t rows, std::size_t code_size,
                                const std::function<void(std::size_t, std::byte*)>& encode, const Threads& threads) {
    std::vector<Hashed> hashed(rows);
    std::vector<std::vector<std::byte>> rooms(resolve_threads(threads), std::vector<std::byte>(code_size));
    parallel_for(threads, rows, 1024, [&](std::size_t first, std::size_t last, unsigned worker) {
        std::byte* code = rooms[worker].data();
        for (std::size_t row = first; row < last; ++row) {
            encode(row, code);
            hashed[row] = {hash_code(code, code_size), static_cast<RowId>(row)};
        }
    });
    std::sort(hashed.begin(), hashed.end(),
              [](const Hashed& a, const Hashed& b) { return a.hash != b.hash ? a.hash < b.hash : a.row < b.row; });

    std::vector<RowId> owner(rows);  // the first row equal to this one
    std::iota(owner.begin(), owner.end(), RowId{0});
    bool repeated = false;
    std::vector<std::byte> a(code_size);
    std::vector<std::byte> b(code_size);
    for (std::size_t first = 0; first < rows;) {
        std::size_t last = first + 1;
        while (last < rows && hashed[last].hash == hashed[first].hash) ++last;
        for (std::size_t i = first + 1; i < last; ++i) {
            encode(hashed[i].row, a.data());
            for (std::size_t j = first; j < i; ++j) {  // owners of this hash: one, but for collisions
                if (owner[hashed[j].row] != hashed[j].row) continue;
                encode(hashed[j].row, b.data());
                if (a != b) continue;
                owner[hashed[i].row] = hashed[j].row;
                repeated = true;
                break;
            }
        }
        first = last;
    }

    DistinctRows out;
    std::vector<RowId> number(repeated ? rows : 0);
    for (std::size_t row = 0; row < rows; ++row) {
        if (owner[row] != row) continue;
        if (repeated) number[row] = static_cast<RowId>(out.first.size());
        out.first.push_back(static_cast<RowId>(row));
    }
    if (!repeated) return out;
    out.offsets.assign(out.first.size() + 1, 0);
    for (std::size_t row = 0; row < rows; ++row) ++out.offsets[number[owner[row]] + 1];
    std::partial_sum(out.offsets.begin(), out.offsets.end(), out.offsets.begin());
    out.members.resize(rows);
    std::vector<std::uint32_t> next(out.offsets.begin(), out.offsets.end() - 1);
    for (std::size_t row = 0; row < rows; ++row) out.members[next[number[owner[row]]]++] = static_cast<RowId>(row);
    return out;
}

Result<IdMap> ids_of_distinct(const DistinctRows& distinct, std::span<const RowId> source, std::span<const Id> ids) {
    const auto id_of = [&](RowId row) { return ids.empty() ? static_cast<Id>(row) : ids[row]; };
    std::vector<Id> slots;
    std::vector<std::uint32_t> offsets;
    for (const RowId row : source) {
        if (distinct.offsets.empty()) {
            slots.push_back(id_of(distinct.first[row]));
            continue;
        }
        offsets.push_back(static_cast<std::uint32_t>(slots.size()));
        for (std::uint32_t i = distinct.offsets[row]; i < distinct.offsets[row + 1]; ++i)
            slots.push_back(id_of(distinct.members[i]));
        std::sort(slots.begin() + offsets.back(), slots.end());
    }
    if (!offsets.empty()) offsets.push_back(static_cast<std::uint32_t>(slots.size()));
    return IdMap::create(slots, offsets);
}

}  // namespace tonari
