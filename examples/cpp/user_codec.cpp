// A codec of your own in inverted lists: values from 0 to 1 (colours, probabilities) in a byte each.
#include <algorithm>
#include <cstdio>
#include <random>
#include <vector>

#include <tonari/tonari.hpp>

/// What a byte stands for.
float value_of(std::byte code) noexcept { return static_cast<float>(std::to_integer<int>(code)) / 255; }

/// One query's view of codes. It keeps what is below the bound: the few that come nearer than what was found so far.
class UnitScorer {
public:
    static constexpr bool bounded = false;  // estimates are the distances
    explicit UnitScorer(tonari::Dim dim) noexcept : dim_(dim) {}
    void set_query(const void* query) noexcept { query_ = static_cast<const float*>(query); }
    void enter(tonari::Origin) noexcept {}
    void gather(std::span<const std::byte* const> codes, float bound, tonari::Survivors& out) const noexcept {
        for (std::size_t i = 0; i < codes.size(); ++i) keep(i, codes[i], bound, out);
    }
    void scan(const tonari::CodeBlock& block, float bound, tonari::Survivors& out) const noexcept {
        for (std::size_t i = 0; i < block.count; ++i) keep(i, block.first + i * block.stride, bound, out);
    }

private:
    void keep(std::size_t i, const std::byte* code, float bound, tonari::Survivors& out) const noexcept {
        float sum = 0;
        for (tonari::Dim d = 0; d < dim_; ++d) {
            const float apart = query_[d] - value_of(code[d]);
            sum += apart * apart;
        }
        out.index[out.count] = static_cast<std::uint32_t>(i);
        out.estimate[out.count] = sum;
        out.count += sum < bound ? 1 : 0;
    }
    const float* query_ = nullptr;
    tonari::Dim dim_;
};

class UnitBytes {
public:
    static constexpr tonari::CodecKind kind = tonari::CodecKind::user;
    using Row = tonari::RowView;
    using Scorer = UnitScorer;

    explicit UnitBytes(tonari::Dim dim) noexcept : dim_(dim) {}
    tonari::Dim dim() const noexcept { return dim_; }
    std::size_t code_size() const noexcept { return dim_; }
    void encode(tonari::RowView row, tonari::Origin, std::span<std::byte> code) const noexcept {
        const auto* const values = static_cast<const float*>(row.data());
        for (tonari::Dim d = 0; d < dim_; ++d) {
            code[d] = static_cast<std::byte>(std::clamp(values[d], 0.0F, 1.0F) * 255 + 0.5F);
        }
    }
    void decode(std::span<const std::byte> code, tonari::Origin, std::span<float> out) const noexcept {
        for (tonari::Dim d = 0; d < dim_; ++d) out[d] = value_of(code[d]);
    }
    // What lists ask of a codec besides: the centroids' metric, what queries are made of, and how one is prepared.
    const tonari::L2& metric() const noexcept { return metric_; }
    tonari::MetricKind metric_kind() const noexcept { return tonari::MetricKind::l2; }
    tonari::Element element() const noexcept { return tonari::Element::float32; }
    bool accepts(tonari::Element given) const noexcept { return given == tonari::Element::float32; }
    std::size_t query_size() const noexcept { return dim_ * sizeof(float); }
    void prepare(tonari::RowView query, std::byte* out) const noexcept {
        std::copy_n(static_cast<const std::byte*>(query.data()), query_size(), out);
    }
    UnitScorer scorer() const noexcept { return UnitScorer(dim_); }
    // Its section of a file.
    tonari::Status save(tonari::SectionWriter& writer) const { return writer.add_record("unit_bytes", 1, dim_); }
    static tonari::Result<UnitBytes> open(const tonari::SectionReader& reader) {
        auto dim = reader.record<tonari::Dim>("unit_bytes", 1);
        if (!dim) return std::move(dim).error();
        return UnitBytes(*dim);
    }

private:
    tonari::Dim dim_;
    tonari::L2 metric_;
};
static_assert(tonari::Codec<UnitBytes> && tonari::Scorer<UnitScorer>);

int main() {
    constexpr tonari::Dim dim = 24;
    std::mt19937 random(1);
    std::uniform_real_distribution<float> uniform(0, 1);
    std::vector<float> colours(std::size_t{20'000} * dim);
    for (float& value : colours) value = uniform(random);
    const tonari::MatrixView rows(colours.data(), 20'000, dim);

    using Lists = tonari::IvfIndex<UnitBytes, tonari::FlatCoarse<UnitBytes>>;
    const tonari::Index index = tonari::make_index(Lists::build(UnitBytes(dim), rows, {}, {.lists = 128}, {}).value());
    tonari::write_segment("colours.tnr", index).value();
    const auto file = tonari::FileReader::open("colours.tnr").value();
    const tonari::Index again = tonari::make_index(Lists::open(file.sections()).value());

    tonari::Searcher search = again.searcher();
    const tonari::Nearest nearest = search(rows.row(1234), {.k = 3, .nprobe = 16}).value();
    for (const tonari::Neighbor& neighbor : nearest) {
        std::printf("row %lld at %.4f\n", static_cast<long long>(neighbor.id), static_cast<double>(neighbor.distance));
    }
    return nearest.size() == 3 && nearest[0].id == 1234 ? 0 : 1;
}
