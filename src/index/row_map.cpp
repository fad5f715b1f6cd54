// What a map is trained on, the mapping of rows and queries, and what it leaves unsaid about products.
#include <tonari/index/row_map.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <tonari/core/ordered_key.hpp>
#include <tonari/core/top_k.hpp>
#include <tonari/simd/kernels.hpp>
#include <tonari/train/sample.hpp>

namespace tonari {
namespace {

constexpr std::size_t enough =
    16384;  // rows that a map is trained on; of more dimensions than a quarter of that, four a dimension
constexpr std::size_t tile = train::LinearMap::most_rows;
/// Of a squared length: float32 sums may have lost or won so much.
constexpr float rounds = 0x1p-20F;

bool has_products(MetricKind metric) noexcept { return metric != MetricKind::l2; }

/// The row as float32, under cosine at length 1. Its squared length.
float widen(RowView row, MetricKind metric, float* out) noexcept {
    simd::kernels().to_float32[static_cast<std::size_t>(row.element()) - 1](row.data(), out, row.dim());
    const float square = simd::kernels().squared_norm[0](out, row.dim());
    if (metric != MetricKind::cosine || !(square > 0)) return square;
    const auto inverse = static_cast<float>(1 / std::sqrt(static_cast<double>(square)));
    for (Dim d = 0; d < row.dim(); ++d) out[d] *= inverse;
    return 1;
}

/// Writes <query, row> for rows without gaps.
void products(const float* query, const float* rows, std::size_t count, Dim dim, float* out) noexcept {
    simd::kernels()
        .of(MetricKind::inner_product, Element::float32)
        .scan(query, reinterpret_cast<const std::byte*>(rows), row_bytes(Element::float32, dim), count, dim, out);
    for (std::size_t i = 0; i < count; ++i) out[i] = -out[i];
}

}  // namespace

Status RowMap::check(const TransformSpec& spec, MetricKind metric, Element element, Dim dim) {
    Spec alone;
    alone.transform = spec;
    const std::string text = to_string(alone);
    const std::string word = text.substr(0, text.find(','));
    const auto refused = [&](ErrorCode code, const std::string& expected, const std::string& got) {
        return Error{code, "'" + word + "': expected " + expected + ", got " + got};
    };
    if (metric != MetricKind::l2 && metric != MetricKind::inner_product && metric != MetricKind::cosine) {
        return refused(ErrorCode::unsupported, "metric l2, ip or cosine, which a rotation keeps",
                       std::string(name(metric)) + "; leave the word out");
    }
    if (element == Element::bits) {
        return refused(ErrorCode::unsupported, "rows of numbers to map", "bits; leave the word out");
    }
    if (dim > train::max_map_dim) {
        return refused(ErrorCode::unsupported, "rows of at most " + std::to_string(train::max_map_dim) + " dimensions",
                       std::to_string(dim));
    }
    const std::size_t out = spec.out > 0 ? spec.out : dim;
    if (out > dim) {
        return refused(ErrorCode::invalid_argument, "at most the " + std::to_string(dim) + " dimensions that rows have",
                       std::to_string(out));
    }
    if (spec.kind == TransformKind::opq && (spec.parts == 0 || out % spec.parts != 0)) {
        return refused(ErrorCode::invalid_argument, "parts that divide " + std::to_string(out) + " dimensions",
                       std::to_string(spec.parts) + "; OPQ<parts>_<dims> maps to fewer dimensions first");
    }
    return {};
}

Result<RowMap> RowMap::train(const TransformSpec& spec, MetricKind metric, MatrixView rows, std::size_t points,
                             const BuildOptions& options) {
    if (Status s = check(spec, metric, rows.element(), rows.dim()); !s) return s;
    const Dim out = spec.out > 0 ? static_cast<Dim>(spec.out) : rows.dim();
    const bool drops = out < rows.dim();
    std::vector<float> sample;
    MatrixView trained_on;
    const auto draw = [&] {
        const auto some =
            train::sample_rows(rows.rows(), std::max<std::size_t>(enough, 4 * std::size_t{rows.dim()}), options.seed);
        sample.resize(some.size() * rows.dim());
        for (std::size_t i = 0; i < some.size(); ++i) widen(rows.row(some[i]), metric, sample.data() + i * rows.dim());
        trained_on = MatrixView(sample.data(), some.size(), rows.dim());
    };
    if (spec.kind != TransformKind::rotation || (drops && has_products(metric))) draw();
    const bool centred = metric == MetricKind::l2;
    auto map = [&]() -> Result<train::LinearMap> {
        switch (spec.kind) {
            case TransformKind::rotation: return train::random_rotation(rows.dim(), out, options.seed);
            case TransformKind::pca: return train::pca(trained_on, {out, centred, options.threads});
            case TransformKind::turned_pca: {
                auto directions = train::pca(trained_on, {out, centred, options.threads});
                return directions ? train::turned(*directions, options.seed, options.threads) : directions;
            }
            case TransformKind::opq: break;
        }
        train::OpqOptions training;
        training.parts = spec.parts;
        training.out = out;
        training.centred = centred;
        training.points = points;
        training.seed = options.seed;
        training.threads = options.threads;
        training.progress = options.progress;
        return train::opq(trained_on, training);
    }();
    if (!map) return std::move(map).error();
    RowMap made(spec.kind, metric, rows.element(), spec.parts, *std::move(map));
    if (drops && has_products(metric)) made.measure(trained_on, options.threads);
    return made;
}

TransformSpec RowMap::spec() const noexcept {
    const bool all = !drops() && kind_ != TransformKind::pca && kind_ != TransformKind::turned_pca;
    return {kind_, all ? 0 : std::size_t{mapped_dim()}, parts_};
}

/// The length of what is dropped of a row of such a squared length, which is not centred.
float RowMap::dropped(float square, const float* mapped) const noexcept {
    const float kept = simd::kernels().squared_norm[0](mapped, mapped_dim());
    return std::sqrt(std::max(square - kept, 0.0F) + rounds * square);
}

Result<AlignedBuffer> RowMap::map_rows(MatrixView rows, const Threads& threads, const ProgressFunction& progress) {
    constexpr std::size_t slice = std::size_t{1} << 16;  // rows between two words of progress
    auto mapped = AlignedBuffer::allocate(rows.rows() * row_bytes(Element::float32, mapped_dim()));
    if (!mapped) return mapped;
    struct Worker {
        std::vector<float> wide;
        float longest = 0;
    };
    std::vector<Worker> workers(resolve_threads(threads));
    for (Worker& worker : workers) worker.wide.resize(tile * dim());
    float* const out = mapped->as<float>().data();
    const bool measures = drops() && has_products(metric_);
    for (std::size_t start = 0; start < rows.rows(); start += slice) {
        const std::size_t count = std::min(slice, rows.rows() - start);
        parallel_for(threads, count, tile, [&](std::size_t first, std::size_t last, unsigned at) {
            Worker& worker = workers[at];
            std::array<float, tile> squares{};
            for (std::size_t i = first; i < last; ++i) {
                squares[i - first] = widen(rows.row(start + i), metric_, worker.wide.data() + (i - first) * dim());
            }
            float* const to = out + (start + first) * mapped_dim();
            map_.apply(worker.wide.data(), last - first, to);
            for (std::size_t i = 0; measures && i < last - first; ++i) {
                worker.longest = std::max(worker.longest, dropped(squares[i], to + i * mapped_dim()));
            }
        });
        if (progress) progress(start + count, rows.rows());
    }
    longest_ = 0;
    for (const Worker& worker : workers) longest_ = std::max(longest_, worker.longest);
    return mapped;
}

RowView RowMap::map_query(RowView query, float* room) const noexcept {
    widen(query, metric_, room);
    map_.apply(room, room + dim());
    return {room + dim(), Element::float32, mapped_dim()};
}

void RowMap::map_queries(MatrixView queries, float* out, const Threads& threads) const {
    std::vector<std::vector<float>> rooms(resolve_threads(threads), std::vector<float>(tile * dim()));
    parallel_for(threads, queries.rows(), tile, [&](std::size_t first, std::size_t last, unsigned worker) {
        float* const room = rooms[worker].data();
        for (std::size_t i = first; i < last; ++i) {
            widen(queries.row(i), metric_, room + (i - first) * dim());
        }
        map_.apply(room, last - first, out + first * mapped_dim());
    });
}

float RowMap::bound_offset(RowView query, const float* room, float deviations) const noexcept {
    if (!drops() || !has_products(metric_)) return lift();
    constexpr float largest = std::numeric_limits<float>::max() / 4;
    const float square = metric_ == MetricKind::cosine
                             ? 1
                             : simd::kernels().squared_norm[0](room, query.dim());  // not centred: as it was widened
    const float wide = std::min(std::min(deviations, largest) * deviation_, longest_);
    return lift() - std::min(dropped(square, room + dim()) * wide, largest);
}

/// <v, u> / |v| for some rows as queries, over the rows nearest to them: those that a bound is to let through. Nearby
/// rows resemble a query in what is dropped, too, so that over all rows it would be far less.
void RowMap::measure(MatrixView sample, const Threads& threads) {
    constexpr std::size_t asked = 256;
    constexpr std::size_t near = 10;
    constexpr std::size_t piece = 256;  // rows compared at a time
    const std::size_t count = sample.rows();
    const std::size_t queries = std::min(asked, count);
    const auto* const rows = reinterpret_cast<const float*>(sample.data());
    std::vector<float> mapped(count * mapped_dim());
    map_queries(sample, mapped.data(), threads);
    std::vector<double> squares(queries, 0);
    std::vector<double> numbers(queries, 0);
    std::vector<TopK> nearest(resolve_threads(threads));
    for (TopK& found : nearest) found.reset(near);
    parallel_for(threads, queries, 1, [&](std::size_t first, std::size_t last, unsigned worker) {
        std::array<float, piece> whole;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        TopK& found = nearest[worker];
        for (std::size_t q = first; q < last; ++q) {
            const std::size_t query = q * count / queries;
            const float* const values = rows + query * dim();
            const float* const kept = mapped.data() + query * mapped_dim();
            const float away = dropped(simd::kernels().squared_norm[0](values, dim()), kept);
            if (!(away > 0)) continue;
            found.reset(near);
            for (std::size_t row = 0; row < count; row += piece) {
                const std::size_t some = std::min(piece, count - row);
                products(values, rows + row * dim(), some, dim(), whole.data());
                for (std::size_t i = 0; i < some; ++i) {
                    if (row + i != query) found.offer(-whole[i], static_cast<RowId>(row + i));
                }
            }
            for (const OrderedKey key : found.sort()) {
                float of_kept = 0;
                products(kept, mapped.data() + std::size_t{row_of(key)} * mapped_dim(), 1, mapped_dim(), &of_kept);
                const double share =
                    (static_cast<double>(-distance_of(key)) - static_cast<double>(of_kept)) / static_cast<double>(away);
                squares[q] += share * share;
                numbers[q] += 1;
            }
        }
    });
    double sum = 0;
    double number = 0;
    for (std::size_t q = 0; q < queries; ++q) {
        sum += squares[q];
        number += numbers[q];
    }
    constexpr double largest = std::numeric_limits<float>::max();
    deviation_ = number > 0 ? static_cast<float>(std::min(std::sqrt(sum / number), largest)) : 0;
}

// --- Bytes ----------------------------------------------------------------------------------------------------------

struct RowMap::Record {
    std::uint8_t kind;
    std::uint8_t metric;
    std::uint8_t element;
    std::uint8_t reserved;
    std::uint32_t parts;
    float deviation;
    float longest;
};

Status RowMap::save(SectionWriter& writer) const {
    Record record{};
    record.kind = static_cast<std::uint8_t>(kind_);
    record.metric = static_cast<std::uint8_t>(metric_);
    record.element = static_cast<std::uint8_t>(element_);
    record.parts = static_cast<std::uint32_t>(parts_);
    record.deviation = deviation_;
    record.longest = longest_;
    if (Status s = writer.add_record("transform", 1, record); !s) return s;
    SectionWriter within = writer.within("transform");
    return map_.save(within);
}

Result<RowMap> RowMap::open(const SectionReader& reader) {
    auto record = reader.record<Record>("transform", 1);
    if (!record) return std::move(record).error();
    const auto kind = static_cast<TransformKind>(record->kind);
    const auto metric = static_cast<MetricKind>(record->metric);
    const auto element = static_cast<Element>(record->element);
    const auto corrupt = [&](const std::string& what) { return reader.corrupt("transform", what); };
    if (kind < TransformKind::rotation || kind > TransformKind::turned_pca) {
        return Error{ErrorCode::unsupported,
                     "section 'transform': expected kind 1 (rotation), 2 (pca), 3 (opq) or 4 (pca, turned), got " +
                         std::to_string(record->kind) + "; a newer version of the library may have written it"};
    }
    if (metric < MetricKind::l2 || metric > MetricKind::cosine) {
        return corrupt("expected metric 1, 2 or 3, got " + std::to_string(record->metric));
    }
    if (element < Element::float32 || element > Element::uint8) {
        return corrupt("expected rows of element 1 to 5, got " + std::to_string(record->element));
    }
    if (!(record->deviation >= 0 && record->longest >= 0) || !std::isfinite(record->deviation) ||
        !std::isfinite(record->longest)) {
        return corrupt("expected a finite deviation and length of what is dropped, got others");
    }
    auto map = train::LinearMap::open(reader.within("transform"));
    if (!map) return std::move(map).error();
    if (map->centred() && metric != MetricKind::l2) return corrupt("expected no middle under a metric of products");
    const bool parted = kind == TransformKind::opq;
    if (parted != (record->parts > 0) || (parted && map->out_dim() % record->parts != 0)) {
        return corrupt("expected parts that divide " + std::to_string(map->out_dim()) + " dimensions, got " +
                       std::to_string(record->parts));
    }
    RowMap opened(kind, metric, element, record->parts, *std::move(map));
    opened.deviation_ = record->deviation;
    opened.longest_ = record->longest;
    return opened;
}

}  // namespace tonari
