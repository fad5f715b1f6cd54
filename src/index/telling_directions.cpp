// telling_directions: what a graph walked by few directions would find, tried on some of the rows.
#include <algorithm>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <tonari/codec/flat.hpp>
#include <tonari/core/aligned.hpp>
#include <tonari/core/cache_line.hpp>
#include <tonari/index/advise.hpp>
#include <tonari/index/row_check.hpp>
#include <tonari/index/row_map.hpp>
#include <tonari/index/stored_rows.hpp>
#include <tonari/train/sample.hpp>

#include "index/condensed.hpp"
#include "index/near_sample.hpp"

namespace tonari {
namespace {

constexpr std::size_t tried = 20'000;  // rows among which what is near is looked for
constexpr std::size_t asked = 400;     // of them, by which it is
constexpr Dim line = cache_line;       // values of a byte
constexpr double found = 0.99;         // of what is near
constexpr std::uint64_t seed = 1;

/// The most directions that are worth it.
Dim most_of(Dim dim) noexcept { return dim / 6 / line * line; }

bool may_tell(MatrixView rows, MetricKind metric) noexcept {
    const Element element = rows.element();
    return element != Element::bits && element != Element::int8 && element != Element::uint8 &&
           (metric == MetricKind::l2 || metric == MetricKind::cosine) && most_of(rows.dim()) > 0 &&
           may_condense(rows.rows(), rows.dim());
}

/// What is near to `sample` by the first `dim` of each row's values.
Result<NearSample> near_by(MatrixView rows, Dim dim, MetricKind metric, std::span<const RowId> sample,
                           const Threads& threads) {
    auto codec = Flat<AnyMetric>::create(rows.element(), dim, AnyMetric(metric));
    if (!codec) return std::move(codec).error();
    const MatrixView first(rows.data(), rows.rows(), dim, rows.element(), rows.stride());
    auto codes = StoredRows<Flat<AnyMetric>>::encode_codes(*codec, first, threads);
    if (!codes) return std::move(codes).error();
    return NearSample::of(*codec, codes->span(), sample, threads, {});
}

}  // namespace

Result<Dim> telling_directions(MatrixView rows, MetricKind metric, const Threads& threads) {
    if (!may_tell(rows, metric)) return Dim{0};
    const std::size_t size = row_bytes(rows.element(), rows.dim());
    const std::vector<RowId> places = train::sample_rows(rows.rows(), tried, seed);
    auto room = AlignedBuffer::allocate(places.size() * size);
    if (!room) return std::move(room).error();
    for (std::size_t i = 0; i < places.size(); ++i) {
        std::memcpy(room->data() + i * size, rows.row(places[i]).data(), size);
    }
    const MatrixView some(room->data(), places.size(), rows.dim(), rows.element());
    // What a build refuses it refuses itself, by row and column.
    if (!check_finite(some, "rows", threads)) return Dim{0};
    if (metric == MetricKind::cosine && !check_direction(some, some.element(), "rows", threads)) return Dim{0};

    BuildOptions options;
    options.threads = threads;
    const Dim most = most_of(rows.dim());
    auto map = RowMap::train({TransformKind::pca, most}, metric, some, 0, options);
    if (!map && map.error().code == ErrorCode::out_of_memory) return std::move(map).error();
    if (!map) return Dim{0};  // values too large to square
    auto mapped = map->map_rows(some, threads, {});
    if (!mapped) return std::move(mapped).error();
    const MatrixView directions(mapped->as<float>().data(), places.size(), most);

    const std::vector<RowId> sample = train::sample_rows(places.size(), asked, seed);
    auto near = near_by(some, rows.dim(), metric, sample, threads);
    if (!near) return std::move(near).error();
    for (Dim first = line; first <= most; first += line) {
        auto by_few = near_by(directions, first, map->mapped_metric(), sample, threads);
        if (!by_few) return std::move(by_few).error();
        if (passes(shares_found(*near, *by_few), found)) return first;
    }
    return Dim{0};
}

}  // namespace tonari
