// Archetype: an inverted list of product-quantized residuals. Codes are relative to their list's centroid, which a
// scorer enters; it is trained, and no untrained one exists.
#include <cmath>
#include <vector>

#include <tonari/codec/scorer.hpp>
#include <tonari/core/random.hpp>
#include <tonari/core/top_k.hpp>

#include "concepts/collect.hpp"
#include "support/catch.hpp"
#include "support/oracle.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr std::size_t words = 16;

/// One byte a part of the row: the number of the nearest of 16 words.
class ResidualPq {
public:
    static constexpr CodecKind kind = CodecKind::user;
    using Row = VectorView<float>;
    struct Params {
        std::size_t parts = 8;
    };

    /// The words are rows of the sample: enough to show the shape of a training.
    static Result<ResidualPq> train(MatrixView sample, const Params& params) {
        if (params.parts == 0 || sample.dim() % params.parts != 0) {
            return Error{ErrorCode::invalid_argument, "expected a number of parts that divides the dimension"};
        }
        if (sample.rows() < words) return Error{ErrorCode::invalid_argument, "expected at least 16 rows"};
        ResidualPq codec(sample.dim(), params.parts);
        for (std::size_t w = 0; w < words; ++w) {
            const auto* row = reinterpret_cast<const float*>(sample.row_data(w * (sample.rows() / words)));
            codec.book_.insert(codec.book_.end(), row, row + sample.dim());
        }
        return codec;
    }

    [[nodiscard]] Dim dim() const noexcept { return dim_; }
    [[nodiscard]] std::size_t code_size() const noexcept { return parts_; }
    [[nodiscard]] std::size_t part_dim() const noexcept { return dim_ / parts_; }
    [[nodiscard]] float word(std::size_t w, std::size_t d) const noexcept { return book_[w * dim_ + d]; }

    void encode(VectorView<float> row, Origin origin, std::span<std::byte> code) const noexcept {
        for (std::size_t p = 0; p < parts_; ++p) {
            double least = INFINITY;
            for (std::size_t w = 0; w < words; ++w) {
                double square = 0;
                for (std::size_t d = p * part_dim(); d < (p + 1) * part_dim(); ++d) {
                    const double residual = row[d] - origin.centroid[d] - word(w, d);
                    square += residual * residual;
                }
                if (square >= least) continue;
                least = square;
                code[p] = static_cast<std::byte>(w);
            }
        }
    }
    void decode(std::span<const std::byte> code, Origin origin, std::span<float> out) const noexcept {
        for (std::size_t d = 0; d < dim_; ++d)
            out[d] = origin.centroid[d] + word(std::to_integer<std::size_t>(code[d / part_dim()]), d);
    }
    Status save(SectionWriter& writer) const { return writer.add_array<float>("pq", 1, book_); }
    static Result<ResidualPq> open(const SectionReader& reader) {
        return reader.corrupt("pq", "only its shape is of interest here");
    }

private:
    ResidualPq(Dim dim, std::size_t parts) : dim_(dim), parts_(parts) {}
    Dim dim_;
    std::size_t parts_;
    std::vector<float> book_;
};

/// Tables of the distances from the query's residual to every word: built anew for every list.
class ResidualPqScorer {
public:
    static constexpr bool bounded = false;  // a good guess, without a bound

    ResidualPqScorer(const ResidualPq& codec, VectorView<float> query)
        : codec_(&codec), query_(query), table_(codec.code_size() * words) {}

    void enter(Origin origin) noexcept {
        std::fill(table_.begin(), table_.end(), 0.0F);
        for (std::size_t d = 0; d < query_.size(); ++d) {
            for (std::size_t w = 0; w < words; ++w) {
                const float difference = query_[d] - origin.centroid[d] - codec_->word(w, d);
                table_[d / codec_->part_dim() * words + w] += difference * difference;
            }
        }
    }
    void gather(std::span<const std::byte* const> codes, float bound, Survivors& out) noexcept {
        for (std::size_t i = 0; i < codes.size(); ++i) keep(i, codes[i], bound, out);
    }
    void scan(const CodeBlock& block, float bound, Survivors& out) noexcept {
        for (std::size_t i = 0; i < block.count; ++i) keep(i, block.first + i * block.stride, bound, out);
    }

private:
    void keep(std::size_t i, const std::byte* code, float bound, Survivors& out) const noexcept {
        float sum = 0;
        for (std::size_t p = 0; p < codec_->code_size(); ++p)
            sum += table_[p * words + std::to_integer<std::size_t>(code[p])];
        if (!(sum < bound)) return;
        out.index[out.count] = static_cast<std::uint32_t>(i);
        out.estimate[out.count++] = sum;
    }
    const ResidualPq* codec_;
    VectorView<float> query_;
    std::vector<float> table_;
};

static_assert(Codec<ResidualPq> && TrainableCodec<ResidualPq>);
static_assert(Scorer<ResidualPqScorer>);

}  // namespace

TEST_CASE("concepts: lists of residual codes", "[concepts]") {
    const Dim dim = 16;
    const Rows rows = clustered_rows(Element::float32, dim, 800, 3);
    const Rows centroids = clustered_rows(Element::float32, dim, 2, 4);
    // Every other row goes to the other list; the words are residuals.
    std::vector<float> residuals;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        for (Dim d = 0; d < dim; ++d) residuals.push_back(rows.values(i)[d] - centroids.values(i % 2)[d]);
    }
    const auto codec = ResidualPq::train(MatrixView(residuals.data(), rows.size(), dim), {}).value();
    CHECK_FALSE(ResidualPq::train(MatrixView(residuals.data(), 3, dim), {}).ok());

    const std::size_t list = rows.size() / 2;
    std::vector<std::byte> codes(rows.size() * codec.code_size());
    std::vector<std::vector<float>> stored(rows.size(), std::vector<float>(dim));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::size_t row = (i % list) * 2 + i / list;
        const Origin origin{.centroid = centroids.values(i / list).data()};
        const auto code = std::span(codes).subspan(i * codec.code_size(), codec.code_size());
        codec.encode(rows.values(row), origin, code);
        codec.decode(code, origin, stored[i]);
    }
    const Rows query = clustered_rows(Element::float32, dim, 1, 5);
    ResidualPqScorer scorer(codec, query.values(0));
    Survivors survivors;
    TopK nearest;
    nearest.reset(rows.size());
    for (std::size_t l = 0; l < 2; ++l) {
        scorer.enter({.centroid = centroids.values(l).data()});
        collect(scorer, {codes.data() + l * list * codec.code_size(), codec.code_size(), list},
                static_cast<RowId>(l * list), nearest, survivors);
    }
    // The estimate is the distance to what the code stands for.
    std::size_t seen = 0;
    for (const OrderedKey key : nearest.sort()) {
        CHECK(distance_of(key) ==
              Approx(L2{}.distance(query.values(0), stored[row_of(key)])).epsilon(1e-4).margin(1e-4));
        ++seen;
    }
    CHECK(seen == rows.size());
}
