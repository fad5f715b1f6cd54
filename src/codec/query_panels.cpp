#include <tonari/codec/query_panels.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

#include <tonari/core/cache_line.hpp>

namespace tonari {
namespace {

/// A multiple of the 6 or 12 rows that block kernels take at a time.
constexpr std::size_t rows_of_blocks = 60;
constexpr std::size_t rows_of_tiles = 4 * simd::tile_rows;

/// Half precision is widened to float32 first.
Element as_compared(Element stored) noexcept {
    return stored == Element::float16 || stored == Element::bfloat16 ? Element::float32 : stored;
}
const simd::DistanceKernels& kernels_of(const KernelRows& rows) noexcept {
    return simd::kernels().of(rows.metric, rows.element);
}
const simd::DistanceKernels& blocks_of(const KernelRows& rows) noexcept {
    return simd::kernels().of(rows.metric, as_compared(rows.element));
}
bool has_tiles(const KernelRows& rows) noexcept {
    return rows.dim <= simd::tile_dims && kernels_of(rows).tiles.below != nullptr;
}
bool has_blocks(const KernelRows& rows) noexcept { return blocks_of(rows).block != nullptr; }

float squared_norm(const std::byte* row, Dim dim) noexcept { return simd::kernels().squared_norm[0](row, dim); }

}  // namespace

bool QueryPanels::suits(const KernelRows& rows) noexcept { return has_tiles(rows) || has_blocks(rows); }

Result<QueryPanels> QueryPanels::create(const KernelRows& rows, std::size_t panels, std::size_t most_rows,
                                        std::size_t most_scattered) {
    QueryPanels made;
    made.kind_ = rows;
    made.in_tiles_ = has_tiles(rows);
    made.widened_ = as_compared(rows.element) != rows.element;
    made.inexact_ = as_compared(rows.element) == Element::float32;
    made.most_rows_ = most_rows;
    made.slack_ = simd::block_slack(as_compared(rows.element), rows.dim);
    std::size_t prepared = 0;
    if (made.in_tiles_) {
        const simd::TileKernels& tiles = kernels_of(rows).tiles;
        made.panel_bytes_ = tiles.panel_bytes(rows.dim);
        made.group_bytes_ = tiles.group_bytes(rows.dim);
        made.piece_rows_ = rows_of_tiles;
        prepared = (most_rows + simd::tile_rows - 1) / simd::tile_rows * made.group_bytes_;
    } else {
        made.panel_bytes_ = whole_lines(blocks_of(rows).panel_bytes(rows.dim));
        made.piece_rows_ = rows_of_blocks;
        if (made.widened_) {
            const bool cosine = rows.metric == MetricKind::cosine;
            made.wide_stride_ = std::size_t{rows.dim} * sizeof(float) + (cosine ? sizeof(float) : 0);
            prepared = most_rows * made.wide_stride_;
        }
    }
    made.counts_.resize(panels);
    made.queries_.resize(panels * width);
    if (made.needs_norms()) {
        made.query_norms_.resize(panels * width);
        made.row_norms_.resize(most_rows);
    }
    made.hits_.resize(made.piece_rows_ * width);
    made.distances_.resize(made.piece_rows_ * width);
    const auto allocate = [](AlignedBuffer& to, std::size_t bytes) -> Status {
        if (bytes == 0) return {};
        auto buffer = AlignedBuffer::allocate(bytes);
        if (!buffer) return std::move(buffer).error();
        to = *std::move(buffer);
        return {};
    };
    if (Status s = allocate(made.packed_, panels * made.panel_bytes_); !s) return s;
    if (Status s = allocate(made.unpacked_, width * whole_lines(rows.query_size)); !s) return s;
    if (Status s = allocate(made.gathered_, most_scattered * rows.code_size); !s) return s;
    if (Status s = allocate(made.prepared_, prepared); !s) return s;
    if (Status s = allocate(made.estimates_, made.in_tiles_ ? 0 : rows_of_blocks * width * sizeof(float)); !s) return s;
    return made;
}

std::size_t QueryPanels::worth(const KernelRows& rows, std::size_t queries) noexcept {
    // A block takes as long as half of its queries one by one, or less, and tiles as a fraction of that.
    const bool in_tiles = has_tiles(rows);
    const std::size_t together = in_tiles ? width : simd::kernels().block_width;
    const std::size_t rest = queries % together;
    return rest >= together / (in_tiles ? 4 : 2) ? queries : queries - rest;
}

void QueryPanels::pack(std::size_t p, std::span<const std::byte* const> queries) noexcept {
    const std::size_t stride = whole_lines(kind_.query_size);
    for (std::size_t q = 0; q < queries.size(); ++q) {
        queries_[p * width + q] = queries[q];
        std::memcpy(unpacked_.data() + q * stride, queries[q], kind_.query_size);
        if (needs_norms()) query_norms_[p * width + q] = squared_norm(queries[q], kind_.dim);
    }
    const simd::PackKernel kernel = in_tiles_ ? kernels_of(kind_).tiles.pack : blocks_of(kind_).pack;
    kernel(unpacked_.data(), stride, queries.size(), kind_.dim, panel(p));
    counts_[p] = queries.size();
}

void QueryPanels::take(const CodeBlock& rows) noexcept {
    rows_ = rows;
    if (in_tiles_) {
        kernels_of(kind_).tiles.pack_rows(rows.first, rows.stride, rows.count, kind_.dim, prepared_.data());
        return;
    }
    if (widened_) widen();
    if (!needs_norms()) return;
    longest_ = 0;
    for (std::size_t i = 0; i < rows.count; ++i) {
        row_norms_[i] = squared_norm(widened_ ? prepared_.data() + i * wide_stride_ : code(i), kind_.dim);
        longest_ = std::max(longest_, row_norms_[i]);
    }
}

void QueryPanels::take(std::span<const std::byte* const> rows) noexcept {
    std::byte* const to = gathered_.data();
    for (std::size_t i = 0; i < rows.size(); ++i) std::memcpy(to + i * kind_.code_size, rows[i], kind_.code_size);
    take(CodeBlock{to, kind_.code_size, rows.size()});
}

/// Half-precision rows as float32, with their inverse norms where they have them.
void QueryPanels::widen() noexcept {
    const std::size_t values = std::size_t{kind_.dim} * sizeof(float);
    const auto to_float32 = simd::kernels().to_float32[static_cast<std::size_t>(kind_.element) - 1];
    for (std::size_t i = 0; i < rows_.count; ++i) {
        std::byte* const out = prepared_.data() + i * wide_stride_;
        to_float32(code(i), reinterpret_cast<float*>(out), kind_.dim);
        if (wide_stride_ > values) std::memcpy(out + values, code(i) + kind_.code_size - sizeof(float), sizeof(float));
    }
}

std::size_t QueryPanels::find_below(std::size_t p, std::size_t first, const Limits& limits) noexcept {
    const std::size_t count = std::min(piece_rows_, rows_.count - first);
    if (!in_tiles_) return find_in_blocks(p, first, count, limits);
    const std::byte* const groups = prepared_.data() + first / simd::tile_rows * group_bytes_;
    return kernels_of(kind_).tiles.below(panel(p), groups, count, kind_.dim, limits.data(), hits_.data(),
                                         distances_.data());
}

std::size_t QueryPanels::find_in_blocks(std::size_t p, std::size_t first, std::size_t count,
                                        const Limits& limits) noexcept {
    auto* const estimates = reinterpret_cast<float*>(estimates_.data());
    const std::size_t stride = widened_ ? wide_stride_ : rows_.stride;
    const std::byte* const rows = widened_ ? prepared_.data() + first * stride : code(first);
    blocks_of(kind_).block(panel(p), counts_[p], rows, stride, count, kind_.dim,
                           needs_norms() ? row_norms_.data() + first : nullptr, estimates);
    Limits raised = limits;
    std::fill(raised.begin() + static_cast<std::ptrdiff_t>(counts_[p]), raised.end(),
              -std::numeric_limits<float>::infinity());
    if (inexact_) return compare_again(p, first, count, raised);
    const std::size_t found = simd::kernels().block_below(estimates, count, raised.data(), hits_.data());
    for (std::size_t i = 0; i < found; ++i) distances_[i] = estimates[hits_[i]];
    return found;
}

/// Which queries have so many of the hits that all of the rows are compared with them again, which goes faster than one by one. Their
/// distances take the place of estimates. Rows that are equally near are why there are many.
std::array<bool, QueryPanels::width> QueryPanels::scan_where_many(std::span<const std::uint32_t> hits, std::size_t p,
                                                                  std::size_t first, std::size_t count) noexcept {
    std::array<bool, width> scanned{};
    const std::size_t many = count / 4;
    if (hits.size() <= many) return scanned;
    std::array<std::size_t, width> of_query{};
    for (const std::uint32_t hit : hits) ++of_query[hit % width];
    auto* const estimates = reinterpret_cast<float*>(estimates_.data());
    std::array<float, rows_of_blocks>
        distances;  // NOLINT(cppcoreguidelines-pro-type-member-init): the kernel writes it
    for (std::size_t q = 0; q < counts_[p]; ++q) {
        if (of_query[q] <= many) continue;
        scanned[q] = true;
        kernels_of(kind_).scan(query(p, q), code(first), rows_.stride, count, kind_.dim, distances.data());
        for (std::size_t i = 0; i < count; ++i) estimates[i * width + q] = distances[i];
    }
    return scanned;
}

/// Those whose estimate may be below the limit, as the gather kernel compares them. Raises `limits`.
std::size_t QueryPanels::compare_again(std::size_t p, std::size_t first, std::size_t count, Limits& limits) noexcept {
    std::size_t done = 0;
    for (std::size_t q = 0; q < counts_[p]; ++q) {
        if (limits[q] < std::numeric_limits<float>::infinity()) {
            const float scale = kind_.metric == MetricKind::cosine ? 1.0F : query_norms_[p * width + q] + longest_;
            limits[q] += slack_ * scale;
            continue;
        }
        limits[q] = -limits[q];  // all of them are
        kernels_of(kind_).scan(query(p, q), code(first), rows_.stride, count, kind_.dim, distances_.data() + done);
        for (std::size_t i = 0; i < count; ++i) hits_[done++] = static_cast<std::uint32_t>(i * width + q);
    }
    auto* const estimates = reinterpret_cast<float*>(estimates_.data());
    const std::size_t end = done + simd::kernels().block_below(estimates, count, limits.data(), hits_.data() + done);
    const auto scanned = scan_where_many({hits_.data() + done, end - done}, p, first, count);
    for (; done < end; ++done) {
        const std::size_t q = hits_[done] % width;
        const std::byte* const row = code(first + hits_[done] / width);
        if (scanned[q]) {
            distances_[done] = estimates[hits_[done]];
        } else {
            kernels_of(kind_).gather(query(p, q), &row, 1, kind_.dim, &distances_[done]);
        }
    }
    return done;
}

}  // namespace tonari
