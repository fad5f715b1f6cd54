#include <tonari/index/rough_centroids.hpp>

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <tonari/core/cache_line.hpp>
#include <tonari/index/stored_rows.hpp>
#include <tonari/lists/nearest_lists.hpp>
#include <tonari/train/sample.hpp>

namespace tonari {
namespace {

constexpr std::size_t fewest = 128;  // below, comparing them as they are costs about as much

bool roundable(MatrixView centroids, MetricKind metric) noexcept {
    return centroids.rows() >= fewest && centroids.element() == Element::float32 && metric >= MetricKind::l2 &&
           metric <= MetricKind::l1;
}

}  // namespace

Result<RoughCentroids> RoughCentroids::make(MatrixView centroids, const Flat<AnyMetric>& exact, const std::byte* codes,
                                            std::uint64_t seed) try {
    if (!roundable(centroids, exact.metric_kind())) return RoughCentroids();
    auto codec = Sq8<>::train(centroids, {exact.metric(), seed});
    if (!codec) return std::move(codec).error();
    std::vector<RowId> order(centroids.rows());
    std::iota(order.begin(), order.end(), RowId{0});
    auto rounded = StoredRows<Sq8<>>::encode_codes(*codec, centroids, order, {});
    if (!rounded) return std::move(rounded).error();
    RoughCentroids rough(*std::move(codec), *std::move(rounded), centroids.rows());
    return rough.tells_near_from_far(centroids, exact, codes, seed) ? std::move(rough) : RoughCentroids();
} catch (const std::bad_alloc&) {
    return Error{ErrorCode::out_of_memory, "no memory to round " + std::to_string(centroids.rows()) + " centroids"};
}

/// Asks for the centroids next to some of them: of the 16 nearest, those that are compared as they are must hold 15 for every one
/// that is asked, and 0.995 of all.
bool RoughCentroids::tells_near_from_far(MatrixView centroids, const Flat<AnyMetric>& exact, const std::byte* codes,
                                         std::uint64_t seed) const {
    constexpr std::size_t asked = 256;
    constexpr std::size_t nearest = 16;
    NearestLists rough;
    rough.reserve(lists_);
    NearestLists exactly;
    exactly.reserve(lists_);
    std::vector<std::byte> room(std::max(query_size(), exact.query_size()) + cache_line - 1);
    std::byte* const query = at_cache_line(room.data());
    std::size_t wanted = 0;
    std::size_t held = 0;
    for (const RowId row : train::sample_rows(lists_, asked, seed)) {
        measure(centroids.row(row), query, rough.distances());
        exact.prepare(centroids.row(row), query);
        auto scorer = exact.scorer();
        scorer.set_query(query);
        scorer.distances(CodeBlock{codes, exact.code_size(), lists_}, exactly.distances());
        // By distance: of equally near ones any is right.
        const float farthest = distance_of(exactly.select(lists_, nearest).back());
        const auto near = [&](OrderedKey key) { return exactly.distances()[row_of(key)] <= farthest; };
        const auto named = rough.select(lists_, candidates(nearest));
        const auto in = static_cast<std::size_t>(std::count_if(named.begin(), named.end(), near));
        if (in + 1 < nearest) return false;
        held += std::min(in, nearest);
        wanted += nearest;
    }
    return 1000 * held >= 995 * wanted;
}

void RoughCentroids::measure(RowView query, std::byte* room, float* distances) const noexcept {
    codec_->prepare(query, room);
    auto scorer = codec_->scorer();
    scorer.set_query(room);
    scorer.distances(CodeBlock{codes_.data(), codec_->code_size(), lists_}, distances);
}

bool RoughCentroids::has_panels() const noexcept {
    return simd::kernels().of(codec_->metric_kind(), Element::int8).block != nullptr;
}

Result<RoughCentroids::Panel> RoughCentroids::panel() const {
    Panel panel;
    const auto& kernels = simd::kernels().of(codec_->metric_kind(), Element::int8);
    auto bytes = AlignedBuffer::allocate(Panel::most * whole_lines(query_size()) + kernels.panel_bytes(codec_->dim()));
    if (!bytes) return std::move(bytes).error();
    panel.bytes_ = *std::move(bytes);
    panel.distances_ = std::make_unique_for_overwrite<float[]>(Panel::most * lists_);
    panel.lists_ = lists_;
    return panel;
}

void RoughCentroids::measure(std::span<const RowView> queries, Panel& panel) const noexcept {
    constexpr std::size_t rows_at_once = 60;  // a multiple of the 6 or 12 that kernels take at a time
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): the kernel writes it
    std::array<float, rows_at_once * Panel::most> block;
    std::array<float, Panel::most> factors{};
    const auto& kernels = simd::kernels().of(codec_->metric_kind(), Element::int8);
    const std::size_t stride = whole_lines(query_size());
    for (std::size_t q = 0; q < queries.size(); ++q) {
        std::byte* const prepared = panel.bytes_.data() + q * stride;
        codec_->prepare(queries[q], prepared);
        factors[q] = codec_->factor(prepared);
    }
    std::byte* const packed = panel.bytes_.data() + Panel::most * stride;
    kernels.pack(panel.bytes_.data(), stride, queries.size(), codec_->dim(), packed);
    for (std::size_t first = 0; first < lists_; first += rows_at_once) {
        const std::size_t count = std::min(rows_at_once, lists_ - first);
        kernels.block(packed, queries.size(), codes_.data() + first * codec_->code_size(), codec_->code_size(), count,
                      codec_->dim(), nullptr, block.data());
        for (std::size_t q = 0; q < queries.size(); ++q) {
            float* const out = panel.distances_.get() + q * lists_ + first;
            for (std::size_t i = 0; i < count; ++i) {
                out[i] = ScaledScorer::scaled(block[i * Panel::most + q], factors[q]);
            }
        }
    }
}

Result<RoughCentroids> RoughCentroids::in_memory() const {
    if (empty()) return RoughCentroids();
    auto codes = tonari::in_memory(codes_);
    if (!codes) return std::move(codes).error();
    return RoughCentroids(*codec_, *std::move(codes), lists_);
}

Status RoughCentroids::save(SectionWriter& writer) const {
    if (empty()) return {};
    if (Status s = codec_->save(writer); !s) return s;
    return writer.add("codes", 1, codes_.span());
}

Result<RoughCentroids> RoughCentroids::open(const SectionReader& reader, std::size_t lists, Dim dim,
                                            MetricKind metric) {
    if (!reader.has("codes")) return RoughCentroids();
    auto codec = Sq8<>::open(reader);
    if (!codec) return std::move(codec).error();
    if (codec->dim() != dim || codec->metric_kind() != metric) {
        return reader.corrupt("sq8", "expected centroids of the rows' dimensions and metric, got others");
    }
    auto codes = reader.array<std::byte>("codes", std::uint64_t{lists} * codec->code_size());
    if (!codes) return std::move(codes).error();
    return RoughCentroids(*std::move(codec), *std::move(codes), lists);
}

}  // namespace tonari
