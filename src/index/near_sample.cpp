#include "index/near_sample.hpp"

#include <algorithm>
#include <numeric>

#include <tonari/core/top_k.hpp>
#include <tonari/index/stored_rows.hpp>

namespace tonari {

NearSample NearSample::of(const Flat<AnyMetric>& codec, std::span<const std::byte> codes, std::span<const RowId> sample,
                          const Threads& threads, const ProgressFunction& progress) {
    constexpr std::size_t slice = 32;  // progress is told between two of them
    struct Worker {
        std::vector<std::byte> query;
        TopK nearest;
        Survivors survivors;
    };
    const std::size_t count = codes.size() / codec.code_size();
    std::vector<Worker> workers(resolve_threads(threads));
    for (Worker& worker : workers) {
        worker.query.resize(codec.query_size());
        worker.nearest.reset(most + 1);
    }
    NearSample found;
    found.rows_.resize(sample.size() * most);
    found.counts_.resize(sample.size());
    const auto look = [&](std::size_t i, Worker& worker) noexcept {
        auto scorer = codec.scorer();
        scorer.set_query(codec.as_query(codes.data() + sample[i] * codec.code_size(), worker.query.data()));
        worker.nearest.reset(most + 1);  // one more: the row itself
        for (std::size_t at = 0; at < count; at += max_batch) {
            offer_block(scorer,
                        {codes.data() + at * codec.code_size(), codec.code_size(), std::min(max_batch, count - at)},
                        true, worker.nearest, worker.survivors,
                        [&](std::size_t place) { return static_cast<RowId>(at + place); });
        }
        for (const OrderedKey key : worker.nearest.sort()) {
            std::size_t& here = found.counts_[i];
            if (row_of(key) != sample[i] && here < most) found.rows_[i * most + here++] = row_of(key);
        }
    };
    for (std::size_t start = 0; start < sample.size(); start += slice) {
        const std::size_t some = std::min(slice, sample.size() - start);
        parallel_for(threads, some, 1, [&](std::size_t first, std::size_t last, unsigned worker) {
            for (std::size_t i = start + first; i < start + last; ++i) look(i, workers[worker]);
        });
        if (progress) progress(start + some, sample.size());
    }
    return found;
}

std::vector<double> shares_found(const NearSample& near, const NearSample& by_others) {
    std::vector<double> shares(near.size());
    for (std::size_t i = 0; i < near.size(); ++i) {
        const std::span<const RowId> wanted = near.near(i).first(std::min(NearSample::nearest, near.near(i).size()));
        const std::span<const RowId> found = by_others.near(i);
        const auto in = std::count_if(wanted.begin(), wanted.end(), [&](RowId row) {
            return std::find(found.begin(), found.end(), row) != found.end();
        });
        shares[i] = wanted.empty() ? 1 : static_cast<double>(in) / static_cast<double>(wanted.size());
    }
    return shares;
}

bool passes(std::span<const double> shares, double average) noexcept {
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    return sum >= average * static_cast<double>(shares.size()) &&
           std::all_of(shares.begin(), shares.end(), [](double share) { return share >= 0.5; });
}

}  // namespace tonari
