// What every growing index is put through: changes in any order, beside a map of what should be there; and what it takes of the
// machine's memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <map>
#include <vector>

#if defined(__linux__)
#include <unistd.h>
#endif

#include <tonari/core/random.hpp>
#include <tonari/index/put_mode.hpp>

#include "support/oracle.hpp"
#include "support/rows.hpp"

namespace tonari::test {

struct Changed {
    std::map<Id, std::size_t> rows;  ///< by id, which row it has at the end
    std::size_t wrong = 0;           ///< how often the index was not as it should be
};

/// Adds, updates, replaces and removes 250 ids. `ask(row)` gives all neighbours, by which the whole index is compared now and
/// then; `look(step)` says how much else is wrong after each step.
template <class Growing, class Ask, class Look>
Changed change_at_random(Growing& index, const Rows& rows, MetricKind metric, std::uint64_t seed, int steps,
                         const Ask& ask, const Look& look) {
    Changed changed;
    std::map<Id, std::size_t>& truth = changed.rows;
    std::size_t& wrong = changed.wrong;
    const auto expect = [&wrong](bool right) { wrong += right ? 0 : 1; };
    const auto expect_done = [&](const Status& status, bool may, ErrorCode otherwise) {
        expect(status.ok() == may);
        if (!status) expect(status.error().code == otherwise);
    };
    Random random(seed);
    for (int step = 0; step < steps; ++step) {
        const auto id = static_cast<Id>(random.below(250));
        const std::size_t row = random.below(rows.size());
        const bool there = truth.count(id) > 0;
        switch (random.below(5)) {
            case 0:
            case 1:
                expect_done(index.put(rows.row(row), id, PutMode::add), !there, ErrorCode::already_exists);
                if (!there) truth[id] = row;
                break;
            case 2:
                expect_done(index.put(rows.row(row), id, PutMode::update), there, ErrorCode::not_found);
                if (there) truth[id] = row;
                break;
            case 3:
                expect(index.put(rows.row(row), id, PutMode::replace).ok());
                truth[id] = row;
                break;
            default: expect_done(index.remove(id), there, ErrorCode::not_found); truth.erase(id);
        }
        expect(index.size() == truth.size() && index.contains(id) == (truth.count(id) > 0));
        wrong += look(step);
        if (step % 250 != 0) continue;
        Rows living(rows.element(), rows.dim(), truth.size());
        std::vector<Id> ids;
        for (const auto& [its, from] : truth) {
            living.set(ids.size(), rows, from);
            ids.push_back(its);
        }
        const auto expected = all_sorted(definition_of(metric), living, ids, rows.values(row));
        expect(same_as_oracle(ask(rows.row(row)), expected, 1000, metric == MetricKind::cosine ? 3e-6F : 0.0F));
    }
    return changed;
}

#if defined(__linux__)
/// Bytes of this process that are in memory.
inline std::size_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::size_t size = 0;
    std::size_t pages = 0;
    statm >> size >> pages;
    return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}
#endif

}  // namespace tonari::test
