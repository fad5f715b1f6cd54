// Training, encoding, and a query's table.
#include <tonari/codec/fast_scan.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <numeric>
#include <string>

#include <tonari/core/aligned.hpp>
#include <tonari/core/random.hpp>
#include <tonari/train/kmeans.hpp>

namespace tonari {
namespace {

constexpr std::size_t points_a_part = 16;
constexpr std::size_t index(Element element) noexcept { return static_cast<std::size_t>(element) - 1; }

float squared_length(const float* values, Dim dim) noexcept {
    return simd::kernels().squared_norm[index(Element::float32)](values, dim);
}
/// Between float32 values, smaller is nearer.
float distance(MetricKind metric, const float* a, const float* b, Dim dim) noexcept {
    float out = 0;
    const auto* const row = reinterpret_cast<const std::byte*>(b);
    simd::kernels().of(metric, Element::float32).gather(a, &row, 1, dim, &out);
    return out;
}

double product(const std::vector<float>& a, const std::vector<float>& b) noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum;
}

/// Sets code `code` of part `part` in row `place` of a block.
void set_code(std::byte* block, std::size_t place, std::size_t part, unsigned code) noexcept {
    std::byte& at = block[part / 4 * 64 + place % 16 * 4 + part % 4];
    const unsigned shift = place < 16 ? 0 : 4;
    at = (at & std::byte(0xF0U >> shift)) | std::byte(code << shift);
}
void set_factor(std::byte* block, std::size_t quads, std::size_t array, std::size_t place, double value) noexcept {
    constexpr double largest = std::numeric_limits<float>::max();
    const auto factor = static_cast<float>(std::clamp(value, -largest, largest));
    std::memcpy(block + quads * 64 + (array * FastScan::block_rows + place) * sizeof factor, &factor, sizeof factor);
}

/// What stands before the table of a prepared query.
struct Head {
    float base = 0;
    float step = 0;
    float slack = 0;   ///< the standard deviation that rounding the table adds to a sum
    float square = 0;  ///< |query|^2
    float add = 0;     ///< of the codec's own middle, as `enter` needs them
    float away = 0;    ///< |query - middle|
};
constexpr std::size_t head_bytes = 64;
static_assert(sizeof(Head) <= head_bytes);

/// Rounds entries, each less its part's smallest, to the bytes of a table.
class TableWriter {
public:
    TableWriter(Head& head, std::uint8_t* table, std::size_t quads, float widest) noexcept
        : table_(table), lift_(widest < 0x1p-100F ? 0x1p100F : 1), inverse_(widest > 0 ? 255 / (widest * lift_) : 0) {
        head.step = widest / 255;
        head.slack = head.step * std::sqrt(static_cast<float>(4 * quads) / 12);
    }
    void set(std::size_t part, unsigned code, float above_smallest) noexcept {
        table_[16 * part + code] =
            static_cast<std::uint8_t>(std::min(above_smallest * lift_ * inverse_ + 0.5F, 255.0F));
    }

private:
    std::uint8_t* table_;
    float lift_;  ///< tiny entries times this have an inverse
    float inverse_;
};

}  // namespace

// --- Training -------------------------------------------------------------------------------------------------------

Status FastScan::check(Dim dim, const FastScanParams& params) {
    if (params.metric != MetricKind::l2 && params.metric != MetricKind::inner_product &&
        params.metric != MetricKind::cosine) {
        return Error{ErrorCode::unsupported, "expected metric l2, ip or cosine for codes of 4 bits a part, got " +
                                                 std::string(name(params.metric)) +
                                                 "; store rows as Flat, FP16 or BF16 under it"};
    }
    if (params.parts > 0 && dim % params.parts != 0) {
        return Error{ErrorCode::invalid_argument, "expected parts that divide " + std::to_string(dim) +
                                                      " dimensions, got PQ" + std::to_string(params.parts)};
    }
    return {};
}

Result<FastScan> FastScan::train(MatrixView sample, const FastScanParams& params) {
    if (Status s = check(sample.dim(), params); !s) return s;
    if (sample.element() != Element::float32 || sample.rows() == 0 || sample.dim() == 0 || sample.dim() > max_dim) {
        return Error{ErrorCode::invalid_argument, "expected float32 rows to train on, got " +
                                                      std::to_string(sample.rows()) + " " +
                                                      std::string(name(sample.element())) + " rows of " +
                                                      std::to_string(sample.dim()) + " dimensions"};
    }
    if (params.parts > 0 && sample.rows() < points_a_part) {
        return Error{ErrorCode::invalid_argument, "expected at least 16 rows to train PQ with 16 points a part, got " +
                                                      std::to_string(sample.rows()) + "; RaBitQ needs no training"};
    }
    try {
        FastScan codec(params.metric, sample.dim(), params.parts, params.seed);
        std::vector<double> sums(sample.dim());
        for (std::size_t i = 0; i < sample.rows(); ++i) {
            const auto* const row = static_cast<const float*>(sample.row(i).data());
            for (Dim d = 0; d < sample.dim(); ++d) sums[d] += static_cast<double>(row[d]);
        }
        for (Dim d = 0; d < sample.dim(); ++d) {
            codec.middle_[d] = static_cast<float>(sums[d] / static_cast<double>(sample.rows()));
        }
        codec.share_ =
            static_cast<float>(1 / std::sqrt(std::max(static_cast<double>(codec.rotation_.size()) - 1, 1.0)));
        if (params.parts > 0) {
            if (Status s = codec.train_points(sample, params); !s) return s;
        }
        return codec;
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::out_of_memory, "no memory to train codes on " + std::to_string(sample.rows()) +
                                                   " rows of " + std::to_string(sample.dim()) + " dimensions"};
    }
}

Status FastScan::train_points(MatrixView sample, const FastScanParams& params) {
    const std::size_t width = part_dim();
    points_.resize(parts_ * points_a_part * width);
    constexpr std::size_t enough = 256 * points_a_part;
    // A row less its centroid less the mean of those may be four times as long as any row: too long for k-means.
    constexpr float shrink = 0.25F;
    const std::size_t rows = std::min(sample.rows(), enough);
    std::vector<float> part(rows * width);
    for (std::size_t p = 0; p < parts_; ++p) {
        for (std::size_t i = 0; i < rows; ++i) {
            const auto* const row = static_cast<const float*>(sample.row(i).data()) + p * width;
            for (std::size_t j = 0; j < width; ++j) part[i * width + j] = shrink * (row[j] - middle_[p * width + j]);
        }
        train::KMeansOptions options;
        options.clusters = points_a_part;
        options.seed = hash(params.seed, p);
        options.threads = params.threads;
        auto centroids = train::kmeans(MatrixView(part.data(), rows, static_cast<Dim>(width)), options);
        if (!centroids) return std::move(centroids).error();
        const auto* const values = reinterpret_cast<const float*>(centroids->values.data());
        for (std::size_t c = 0; c < points_a_part; ++c) {  // a value of all 16 points side by side
            for (std::size_t j = 0; j < width; ++j) {
                points_[(p * width + j) * points_a_part + c] = values[c * width + j] / shrink;
            }
        }
    }
    measure_share(sample);
    return {};
}

/// Nearest of the 16 points of a part.
std::size_t FastScan::nearest_point(std::size_t part, const float* values) const noexcept {
    const std::size_t width = part_dim();
    const float* const points = points_.data() + part * width * points_a_part;
    std::array<float, points_a_part> away{};
    for (std::size_t j = 0; j < width; ++j) {
        for (std::size_t c = 0; c < points_a_part; ++c) {
            const float difference = values[j] - points[j * points_a_part + c];
            away[c] += difference * difference;
        }
    }
    return static_cast<std::size_t>(std::min_element(away.begin(), away.end()) - away.begin());
}

/// What is left over has no direction of its own, but rows and queries have: so it is measured along some of them.
void FastScan::measure_share(MatrixView sample) {
    constexpr std::size_t enough = 4096;
    const std::size_t width = part_dim();
    const std::size_t rows = std::min(sample.rows(), enough);
    const auto relative_to_middle = [&](std::size_t i, std::vector<float>& out) {
        const auto* const row = static_cast<const float*>(sample.row(i).data());
        for (Dim d = 0; d < dim_; ++d) out[d] = row[d] - middle_[d];
    };
    std::vector<float> row(dim_);
    std::vector<float> code(dim_);
    std::vector<float> other(dim_);
    std::vector<double> shares;  // squared
    for (std::size_t i = 0; i < rows; ++i) {
        relative_to_middle(i, row);
        relative_to_middle((i + 1 + rows / 2) % rows, other);
        for (std::size_t part = 0; part < parts_; ++part) {
            const std::size_t nearest = nearest_point(part, row.data() + part * width);
            for (std::size_t j = 0; j < width; ++j) {
                code[part * width + j] = points_[(part * width + j) * points_a_part + nearest];
            }
        }
        const double along = product(code, row);
        const double square = product(row, row);
        const double length = product(other, other);
        if (along <= 0 || length <= 0) continue;
        const double scale = square / along;
        const double left_over = scale * scale * product(code, code) - square;
        const double moved = scale * product(code, other) - product(row, other);
        if (left_over <= 1e-9 * square) continue;
        shares.push_back(moved * moved / (left_over * length));
    }
    double share = 1 / static_cast<double>(dim_);
    if (!shares.empty()) {
        const auto count = static_cast<double>(shares.size());
        share = std::max(share, std::accumulate(shares.begin(), shares.end(), 0.0) / count);
        // Where a few parts hold most of what is left over, it lies along few directions, far along some: three deviations
        // are to cover as many rows as they do where it lies anywhere.
        const auto most = shares.begin() + static_cast<std::ptrdiff_t>(0.9973 * count);
        std::nth_element(shares.begin(), most, shares.end());
        share = std::max(share, *most / 9);
    }
    share_ = static_cast<float>(std::sqrt(std::min(share, 1.0)));
}

// --- Encoding -------------------------------------------------------------------------------------------------------

void FastScan::relative(RowView row, MetricKind metric, Origin origin, float* out) noexcept {
    simd::kernels().to_float32[index(row.element())](row.data(), out, row.dim());
    if (metric == MetricKind::cosine) {
        const float square = squared_length(out, row.dim());
        const auto inverse = square > 0 ? static_cast<float>(1 / std::sqrt(static_cast<double>(square))) : 0.0F;
        for (Dim d = 0; d < row.dim(); ++d) out[d] *= inverse;
    }
    if (origin.centroid == nullptr) return;
    for (Dim d = 0; d < row.dim(); ++d) out[d] -= origin.length * origin.centroid[d];
}

FastScan::Encoder::Encoder(const FastScan& codec)
    : codec_(&codec),
      coded_origin_(std::max<std::size_t>(codec.rotation_.size(), codec.dim_)),
      row_(codec.dim_),
      rotated_(codec.rotation_.size()),
      room_(codec.rotation_.size()) {
    enter({});
}

void FastScan::Encoder::enter(Origin origin) noexcept {
    origin_ = origin;
    if (origin_.centroid == nullptr) origin_ = {.centroid = codec_->middle_.data()};
    for (Dim d = 0; d < codec_->dim_; ++d) row_[d] = origin_.length * origin_.centroid[d];
    if (codec_->parts_ == 0) {
        codec_->rotation_.apply(row_.data(), coded_origin_.data(), room_.data());
    } else {
        std::copy(row_.begin(), row_.end(), coded_origin_.begin());
    }
}

void FastScan::Encoder::put(RowView row, std::byte* block, std::size_t place) noexcept {
    relative(row, codec_->metric_, origin_, row_.data());
    const Coded coded = codec_->parts_ == 0 ? put_signs(block, place) : put_parts(block, place);
    const double scale = coded.along > 0 ? coded.square / coded.along : 0;
    const double left_over = std::sqrt(std::abs(scale * scale * coded.length - coded.square));
    const double error = static_cast<double>(codec_->share_) * left_over;
    double add = coded.square;
    double times = 2;
    if (codec_->metric_ != MetricKind::l2) {
        times = 1;
        add = 0;
        for (Dim d = 0; d < codec_->dim_; ++d) {
            add -= static_cast<double>(row_[d]) * static_cast<double>(origin_.length * origin_.centroid[d]);
        }
    }
    const std::size_t quads = codec_->quads();
    set_factor(block, quads, 0, place, add + times * scale * coded.by_origin);
    set_factor(block, quads, 1, place, -times * scale);
    set_factor(block, quads, 2, place, times * error);
}

/// The signs of the rotated row, four to a part.
FastScan::Encoder::Coded FastScan::Encoder::put_signs(std::byte* block, std::size_t place) noexcept {
    codec_->rotation_.apply(row_.data(), rotated_.data(), room_.data());
    const std::size_t size = codec_->rotation_.size();
    Coded coded;
    coded.length = static_cast<double>(size);
    for (std::size_t part = 0; part < size / 4; ++part) {
        unsigned code = 0;
        for (unsigned i = 0; i < 4; ++i) {
            const auto value = static_cast<double>(rotated_[4 * part + i]);
            const auto origin = static_cast<double>(coded_origin_[4 * part + i]);
            coded.square += value * value;
            coded.along += std::abs(value);
            coded.by_origin += value > 0 ? origin : -origin;
            code |= (value > 0 ? 1U : 0U) << i;
        }
        set_code(block, place, part, code);
    }
    return coded;
}

FastScan::Encoder::Coded FastScan::Encoder::put_parts(std::byte* block, std::size_t place) noexcept {
    const std::size_t width = codec_->part_dim();
    Coded coded;
    for (std::size_t part = 0; part < codec_->parts_; ++part) {
        const std::size_t nearest = codec_->nearest_point(part, row_.data() + part * width);
        set_code(block, place, part, static_cast<unsigned>(nearest));
        for (std::size_t j = 0; j < width; ++j) {
            const auto point = static_cast<double>(codec_->points_[(part * width + j) * points_a_part + nearest]);
            const auto value = static_cast<double>(row_[part * width + j]);
            coded.square += value * value;
            coded.along += point * value;
            coded.length += point * point;
            coded.by_origin += point * static_cast<double>(coded_origin_[part * width + j]);
        }
    }
    return coded;
}

// --- A query --------------------------------------------------------------------------------------------------------

std::size_t FastScan::query_size() const noexcept {
    // The query and what it is rotated in lie behind the table.
    const std::size_t room = parts_ == 0 ? 2 * rotation_.size() : 0;
    return head_bytes + quads() * 64 + (dim_ + room) * sizeof(float);
}

void FastScan::prepare(RowView query, std::byte* out) const noexcept {
    auto* const values = reinterpret_cast<float*>(out + head_bytes + quads() * 64);
    relative(query, metric_, {}, values);
    Head head;
    std::memcpy(out, &head, sizeof head);
    if (parts_ == 0) {
        prepare_signs(values, out);
    } else {
        prepare_parts(values, out);
    }
    std::memcpy(&head, out, sizeof head);
    head.square = squared_length(values, dim_);
    const float apart = distance(MetricKind::l2, values, middle_.data(), dim_);
    head.away = std::sqrt(apart);
    if (metric_ == MetricKind::l2) {
        head.add = apart;
    } else {
        head.add = distance(MetricKind::inner_product, values, middle_.data(), dim_) +
                   (metric_ == MetricKind::cosine ? 1.0F : 0.0F);
    }
    std::memcpy(out, &head, sizeof head);
}

/// Code c of a part counts the sum of its four values, each with the sign that c has at its place.
void FastScan::prepare_signs(const float* query, std::byte* out) const noexcept {
    Head head;
    auto* const rotated = reinterpret_cast<float*>(out + head_bytes + quads() * 64) + dim_;
    rotation_.apply(query, rotated, rotated + rotation_.size());
    const std::size_t parts = rotation_.size() / 4;
    float widest = 0;
    double base = 0;
    for (std::size_t part = 0; part < parts; ++part) {
        float absolute = 0;
        for (std::size_t i = 0; i < 4; ++i) absolute += std::abs(rotated[4 * part + i]);
        widest = std::max(widest, 2 * absolute);
        base -= static_cast<double>(absolute);
    }
    head.base = static_cast<float>(base);
    TableWriter table(head, reinterpret_cast<std::uint8_t*>(out + head_bytes), quads(), widest);
    for (std::size_t part = 0; part < parts; ++part) {
        const float* const four = rotated + 4 * part;
        std::array<float, points_a_part> sums{};
        float smallest = 0;
        for (std::size_t i = 0; i < 4; ++i) {  // with bit i unset -four[i], set +four[i]
            const std::size_t half = std::size_t{1} << i;
            smallest -= std::abs(four[i]);
            for (std::size_t c = half; c-- > 0;) {
                sums[c + half] = sums[c] + four[i];
                sums[c] -= four[i];
            }
        }
        for (unsigned c = 0; c < points_a_part; ++c) table.set(part, c, sums[c] - smallest);
    }
    std::memcpy(out, &head, sizeof head);
}

void FastScan::prepare_parts(const float* query, std::byte* out) const noexcept {
    Head head;
    const std::size_t width = part_dim();
    const auto entries_of = [&](std::size_t part) {
        std::array<float, points_a_part> entries{};
        const float* const points = points_.data() + part * width * points_a_part;
        for (std::size_t j = 0; j < width; ++j) {
            const float value = query[part * width + j];
            for (std::size_t c = 0; c < points_a_part; ++c) entries[c] += value * points[j * points_a_part + c];
        }
        return entries;
    };
    float widest = 0;
    double base = 0;
    for (std::size_t part = 0; part < parts_; ++part) {
        const auto entries = entries_of(part);
        const auto [least, most] = std::minmax_element(entries.begin(), entries.end());
        widest = std::max(widest, *most - *least);
        base += static_cast<double>(*least);
    }
    head.base = static_cast<float>(base);
    auto* const bytes = reinterpret_cast<std::uint8_t*>(out + head_bytes);
    TableWriter table(head, bytes, quads(), widest);
    for (std::size_t part = 0; part < parts_; ++part) {
        const auto entries = entries_of(part);
        const float least = *std::min_element(entries.begin(), entries.end());
        for (unsigned c = 0; c < points_a_part; ++c) table.set(part, c, entries[c] - least);
    }
    std::memset(bytes + 16 * parts_, 0, quads() * 64 - 16 * parts_);  // parts that a quad lacks
    std::memcpy(out, &head, sizeof head);
}

void FastScanScorer::set_query(const std::byte* query) noexcept {
    prepared_ = query;
    Head head;
    std::memcpy(&head, query, sizeof head);
    query_.table = reinterpret_cast<const std::uint8_t*>(query + head_bytes);
    query_.base = head.base;
    query_.step = head.step;
    enter({});
}

void FastScanScorer::enter(Origin origin) noexcept {
    Head head;
    std::memcpy(&head, prepared_, sizeof head);
    query_.add = head.add;
    float away = head.away;
    if (origin.centroid != nullptr || origin.distance) {
        const auto* const values = reinterpret_cast<const float*>(prepared_ + head_bytes + query_.quads * 64);
        if (metric_ == MetricKind::l2) {
            query_.add = origin.distance ? *origin.distance : distance(metric_, values, origin.centroid, dim_);
            away = std::sqrt(std::max(query_.add, 0.0F));
        } else {
            const bool cosine = metric_ == MetricKind::cosine;
            const float product = origin.distance ? *origin.distance - (cosine ? 1.0F : 0.0F)
                                                  : distance(MetricKind::inner_product, values, origin.centroid, dim_);
            const float square = origin.distance ? 1.0F : squared_length(origin.centroid, dim_);
            query_.add = origin.length * product + (cosine ? 1.0F : 0.0F);
            away = std::sqrt(std::max(head.square + origin.length * (origin.length * square + 2 * product), 0.0F));
        }
    }
    constexpr float rounds = 0x1p-21F;  // float32 sums of a few numbers, each of which was rounded
    // As much as float32 holds: infinitely much of nothing would be no number, and its row would be missing.
    constexpr float largest = std::numeric_limits<float>::max();
    query_.error = std::min(deviations_ * away, largest);
    query_.slack = std::min(deviations_ * head.slack + rounds * std::abs(head.base), largest);
    rounding_ = rounds * std::abs(query_.add) + (metric_ == MetricKind::cosine ? rounds : 0.0F);
}

void FastScanScorer::scan(const std::byte* blocks, std::size_t stride, std::size_t begin, std::size_t end, float bound,
                          Survivors& out) const noexcept {
    const std::size_t first = out.count;
    out.count +=
        simd::kernels().nibbles_below(query_, blocks, stride, begin, end, bound + rounding_, out.index.data() + first,
                                      out.estimate.data() + first, out.lower.data() + first);
    const float least = metric_ == MetricKind::l2 ? 0 : std::numeric_limits<float>::lowest();
    for (std::size_t i = first; i < out.count; ++i) {
        out.lower[i] -= rounding_;
        out.estimate[i] = std::max(out.estimate[i], least);
    }
}

// --- Bytes ----------------------------------------------------------------------------------------------------------

struct FastScan::Record {
    std::uint32_t dim;
    std::uint32_t parts;
    std::uint64_t seed;
    float share;
    std::uint8_t metric;
    std::uint8_t reserved[3];
};

Status FastScan::save(SectionWriter& writer) const {
    Record record{};
    record.dim = dim_;
    record.parts = static_cast<std::uint32_t>(parts_);
    record.seed = rotation_.seed();
    record.share = share_;
    record.metric = static_cast<std::uint8_t>(metric_);
    if (Status s = writer.add_record("fast_scan", 1, record); !s) return s;
    if (Status s = writer.add_array<float>("middle", 1, middle_); !s) return s;
    return parts_ == 0 ? Status{} : writer.add_array<float>("points", 1, points_);
}

Result<FastScan> FastScan::open(const SectionReader& reader) {
    auto record = reader.record<Record>("fast_scan", 1);
    if (!record) return std::move(record).error();
    const auto metric = static_cast<MetricKind>(record->metric);
    const auto corrupt = [&](const std::string& what) { return reader.corrupt("fast_scan", what); };
    if (metric != MetricKind::l2 && metric != MetricKind::inner_product && metric != MetricKind::cosine) {
        return corrupt("expected metric 1, 2 or 3, got " + std::to_string(record->metric));
    }
    if (record->dim == 0 || record->dim > max_dim)
        return corrupt("expected 1 to " + std::to_string(max_dim) + " dimensions, got " + std::to_string(record->dim));
    if (record->parts > 0 && record->dim % record->parts != 0) {
        return corrupt("expected parts that divide " + std::to_string(record->dim) + " dimensions, got " +
                       std::to_string(record->parts));
    }
    if (!(record->share >= 0 && record->share <= 1)) return corrupt("expected a share from 0 to 1");
    FastScan codec(metric, record->dim, record->parts, record->seed);
    codec.share_ = record->share;
    const auto read = [&](const char* section, std::uint64_t count, std::vector<float>& into) -> Status {
        auto bytes = reader.array<float>(section, count);
        if (!bytes) return std::move(bytes).error();
        const auto values = bytes->as<float>();
        if (!simd::kernels().all_finite[index(Element::float32)](values.data(), values.size())) {
            return reader.corrupt(section, "expected finite values, got others");
        }
        into.assign(values.begin(), values.end());
        return {};
    };
    if (Status s = read("middle", record->dim, codec.middle_); !s) return s;
    if (record->parts > 0) {
        if (Status s = read("points", std::uint64_t{record->dim} * points_a_part, codec.points_); !s) return s;
    }
    return codec;
}

}  // namespace tonari
