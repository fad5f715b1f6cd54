// The contract of codecs: Flat over every metric and element, SQ8 over those that it rounds.
#include <tonari/codec/flat.hpp>
#include <tonari/codec/sq8.hpp>

#include "contract/models.hpp"

using namespace tonari;
using namespace tonari::test;

static_assert(Codec<Flat<>> && Codec<Flat<L2>> && Codec<Flat<Cosine>> && Codec<Flat<Chebyshev>>);
static_assert(Scorer<Flat<>::Scorer> && Scorer<Flat<Chebyshev>::Scorer>);
static_assert(Codec<Sq8<>> && Codec<Sq8<L1>> && TrainableCodec<Sq8<>> && Scorer<Sq8<>::Scorer>);

namespace {

struct Case {
    MetricKind metric;
    Element element;
};
std::vector<Case> all_cases() {
    std::vector<Case> cases{{MetricKind::hamming, Element::bits}};
    for (const MetricKind metric : vector_metrics) {
        for (const Element element : all_elements) {
            if (element != Element::bits) cases.push_back({metric, element});
        }
    }
    return cases;
}

/// Codes of all rows, one behind another.
template <class C>
std::vector<std::byte> codes_of(const C& codec, const Rows& rows) {
    std::vector<std::byte> codes(rows.size() * codec.code_size(), std::byte{0xee});  // nothing may be left unwritten
    for (std::size_t i = 0; i < rows.size(); ++i) {
        codec.encode(rows.row(i), {}, std::span(codes).subspan(i * codec.code_size(), codec.code_size()));
    }
    return codes;
}

/// gather, scan, distances and as_query against the definition and each other.
template <class C>
void check_scorer(const C& codec, const Rows& rows, const Rows& queries, const Distance& distance, float tolerance) {
    const std::vector<std::byte> codes = codes_of(codec, rows);
    std::vector<const std::byte*> pointers;
    for (std::size_t i = 0; i < rows.size(); ++i) pointers.push_back(codes.data() + i * codec.code_size());
    std::vector<float> prepared(codec.query_size() / 4 + 1);
    auto* const query = reinterpret_cast<std::byte*>(prepared.data());
    auto scorer = codec.scorer();
    const CodeBlock block{codes.data(), codec.code_size(), rows.size()};
    std::size_t wrong = 0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        codec.prepare(queries.row(q), query);
        scorer.set_query(query);
        std::vector<float> gathered(rows.size());
        std::vector<float> scanned(rows.size());
        scorer.distances(std::span<const std::byte* const>(pointers), gathered.data());
        scorer.distances(block, scanned.data());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            TONARI_EXPECT(wrong, std::abs(gathered[i] - distance(queries.values(q), rows.values(i))) <= tolerance);
            TONARI_EXPECT(wrong, gathered[i] == scanned[i]);
            float alone = 0;  // whatever else is in the call
            scorer.distances({&pointers[i], 1}, &alone);
            TONARI_EXPECT(wrong, alone == gathered[i]);
        }
        // Survivors are those below the bound, in order, with their distances.
        const float bound = gathered[rows.size() / 2];
        Survivors from_gather;
        Survivors from_scan;
        scorer.enter({});
        scorer.gather(pointers, bound, from_gather);
        scorer.scan(block, bound, from_scan);
        std::size_t expected = 0;
        for (std::uint32_t i = 0; i < rows.size(); ++i) {
            if (!(gathered[i] < bound)) continue;
            TONARI_EXPECT(wrong, expected < from_gather.count && from_gather.index[expected] == i &&
                                     from_gather.estimate[expected] == gathered[i]);
            TONARI_EXPECT(wrong, expected < from_scan.count && from_scan.index[expected] == i &&
                                     from_scan.estimate[expected] == gathered[i]);
            ++expected;
        }
        TONARI_EXPECT(wrong, from_gather.count == expected && from_scan.count == expected);
    }
    CHECK(wrong == 0);
}

/// A stored row as the query is what a query of the same values is.
template <class C>
void check_stored_query(const C& codec, const Rows& rows) {
    const std::vector<std::byte> codes = codes_of(codec, rows);
    const CodeBlock block{codes.data(), codec.code_size(), rows.size()};
    std::vector<float> prepared(codec.query_size() / 4 + 1);
    auto* const query = reinterpret_cast<std::byte*>(prepared.data());
    auto scorer = codec.scorer();
    std::size_t wrong = 0;
    std::vector<float> buffer(codec.query_size() / 4 + 1);
    for (std::size_t i = 0; i < 10; ++i) {
        codec.prepare(rows.row(i), query);
        scorer.set_query(query);
        std::vector<float> by_query(rows.size());
        std::vector<float> by_code(rows.size());
        scorer.distances(block, by_query.data());
        const std::byte* own = codes.data() + i * codec.code_size();
        scorer.set_query(codec.as_query(own, reinterpret_cast<std::byte*>(buffer.data())));
        scorer.distances(block, by_code.data());
        TONARI_EXPECT(wrong, by_query == by_code);
    }
    CHECK(wrong == 0);
}

constexpr std::array floats{Element::float32, Element::float16, Element::bfloat16};

}  // namespace

TEST_CASE("codec: decode gives back what was encoded", "[contract]") {
    for (const auto& [metric, element] : all_cases()) {
        for (const Dim dim : {1U, 7U, 32U, 100U}) {
            INFO(name(metric) << " " << name(element) << " dim " << dim);
            const auto codec = Flat<>::create(element, dim, metric).value();
            const Rows rows = clustered_rows(element, dim, 30, dim);
            const auto codes = codes_of(codec, rows);
            std::size_t wrong = 0;
            std::vector<float> out(dim);
            for (std::size_t i = 0; i < rows.size(); ++i) {
                codec.decode(std::span(codes).subspan(i * codec.code_size(), codec.code_size()), {}, out);
                TONARI_EXPECT(wrong, std::equal(out.begin(), out.end(), rows.values(i).begin()));
            }
            CHECK(wrong == 0);
            CHECK(codec.code_size() >= row_bytes(element, dim));
            CHECK(codec.code_size() < row_bytes(element, dim) + 8);
            CHECK(codec.dim() == dim);
        }
    }
}

TEST_CASE("codec: float32 into half precision rounds to nearest even", "[contract]") {
    for (const Element element : {Element::float16, Element::bfloat16}) {
        const Rows wide = clustered_rows(Element::float32, 40, 50, 130);
        Rows narrow(element, 40, wide.size());
        for (std::size_t i = 0; i < wide.size(); ++i) narrow.set(i, wide, i);
        const auto codec = Flat<>::create(element, 40, MetricKind::cosine).value();
        CHECK(codes_of(codec, wide) == codes_of(codec, narrow));
    }
}

TEST_CASE("codec: scorers are the definition", "[contract]") {
    for (const auto& [metric, element] : all_cases()) {
        for (const Dim dim : {1U, 7U, 32U, 100U}) {
            INFO(name(metric) << " " << name(element) << " dim " << dim);
            const auto codec = Flat<>::create(element, dim, metric).value();
            const float exact = metric == MetricKind::cosine ? 3e-6F : 0.0F;
            check_scorer(codec, integer_rows(element, dim, 200, dim), integer_rows(element, dim, 5, dim + 1),
                         definition_of(metric), exact);
            const float rough = metric == MetricKind::cosine ? 3e-6F
                                : element == Element::int8 || element == Element::uint8 || element == Element::bits
                                    ? 0.0F
                                    : 5e-4F;
            const Rows rows = clustered_rows(element, dim, 200, dim);
            check_scorer(codec, rows, clustered_rows(element, dim, 5, dim + 1), definition_of(metric), rough);
            check_stored_query(codec, rows);
        }
    }
    const auto user = Flat<Chebyshev>::create(Element::float32, 20).value();
    const Rows rows = clustered_rows(Element::float32, 20, 200, 131);
    check_scorer(
        user, rows, clustered_rows(Element::float32, 20, 5, 132),
        [](auto a, auto b) { return Chebyshev{}.distance(a, b); }, 0);
    check_stored_query(user, rows);
}

TEST_CASE("codec: SQ8 is off by half a step at most, and clips what lies beyond its range", "[contract]") {
    for (const MetricKind metric : vector_metrics) {
        for (const Element element : floats) {
            for (const Dim dim : {1U, 7U, 32U, 300U}) {
                INFO(name(metric) << " " << name(element) << " dim " << dim);
                Rows rows = clustered_rows(element, dim, 200, dim);
                rows.set(7, std::vector<float>(dim, 1000.0F));  // far beyond 8 standard deviations
                const auto codec = Sq8<>::train(rows.view(), {metric}).value();
                const auto codes = codes_of(codec, rows);
                std::size_t wrong = 0;
                std::size_t clipped = 0;
                std::vector<float> out(dim);
                for (std::size_t i = 0; i < rows.size(); ++i) {
                    const auto code = std::span(codes).subspan(i * codec.code_size(), codec.code_size());
                    codec.decode(code, {}, out);
                    const auto values = rows.values(i);
                    float step = 1 / codec.scale();
                    if (metric == MetricKind::cosine) {  // decoded at length 1: brought to the length of the row again
                        const auto shorter = [](float a, float b) { return std::abs(a) < std::abs(b); };
                        const float most = std::abs(*std::max_element(values.begin(), values.end(), shorter));
                        const float length = most / std::abs(*std::max_element(out.begin(), out.end(), shorter));
                        for (float& value : out) value *= length;
                        step = most / 127;
                    }
                    for (Dim d = 0; d < dim; ++d) {
                        const float off = values[d] - out[d];
                        const int stands = static_cast<std::int8_t>(code[d]);
                        const bool beyond = (stands == 127 && off > 0) || (stands == -127 && off < 0);
                        clipped += beyond && std::abs(off) > step ? 1 : 0;
                        TONARI_EXPECT(wrong, stands >= -127);
                        TONARI_EXPECT(wrong, beyond || std::abs(off) <= step * 0.5001F);
                    }
                }
                CHECK(wrong == 0);
                CHECK(clipped == (metric == MetricKind::cosine ? 0 : dim));
                CHECK(codec.code_size() >= dim);
                CHECK(codec.code_size() < dim + 8);
            }
        }
    }
}

TEST_CASE("codec: SQ8's distances are the definition's over what it decodes", "[contract]") {
    for (const MetricKind metric : vector_metrics) {
        for (const Element element : floats) {
            for (const Dim dim : {1U, 7U, 32U, 100U}) {
                INFO(name(metric) << " " << name(element) << " dim " << dim);
                const Rows rows = clustered_rows(element, dim, 200, dim);
                const Rows queries = clustered_rows(element, dim, 5, dim + 1);
                const auto codec = Sq8<>::train(rows.view(), {metric}).value();
                const float tolerance = metric == MetricKind::cosine ? 3e-6F : 5e-4F;
                check_scorer(codec, rows, queries, rounded_distance(codec), tolerance);
                if (metric != MetricKind::inner_product) check_stored_query(codec, rows);
            }
        }
    }
}

TEST_CASE("codec: SQ8 between stored rows, under inner product at the rows' scale", "[contract]") {
    for (const MetricKind metric : vector_metrics) {
        INFO(name(metric));
        const Rows rows = clustered_rows(Element::float32, 20, 60, 134);
        const auto codec = Sq8<>::train(rows.view(), {metric}).value();
        const auto codes = codes_of(codec, rows);
        const CodeBlock block{codes.data(), codec.code_size(), rows.size()};
        std::vector<float> buffer(codec.query_size() / 4);
        std::vector<float> found(rows.size());
        auto scorer = codec.scorer();
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const std::byte* own = codes.data() + i * codec.code_size();
            scorer.set_query(codec.as_query(own, reinterpret_cast<std::byte*>(buffer.data())));
            scorer.distances(block, found.data());
            const auto row = rounded_row(codec, rows.row(i));
            for (std::size_t j = 0; j < rows.size(); ++j) {
                const float expected = definition_of(metric)(row, rounded_row(codec, rows.row(j)));
                TONARI_EXPECT(wrong, std::abs(found[j] - expected) <= 5e-4F);
            }
            if (metric != MetricKind::inner_product) continue;
            double square = 0;
            for (const float value : row) square += double{value} * value;
            TONARI_EXPECT(wrong, std::abs(codec.squared_norm(own) - square) <= 1e-5 * square);
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("codec: SQ8 gives the same bits at every SIMD level", "[contract]") {
    const Rows rows = clustered_rows(Element::float32, 131, 90, 135);
    const Rows queries = clustered_rows(Element::float32, 131, 6, 136);
    for (const MetricKind metric : vector_metrics) {
        const auto codec = Sq8<>::train(rows.view(), {metric}).value();
        const auto codes = codes_of(codec, rows);
        const CodeBlock block{codes.data(), codec.code_size(), rows.size()};
        const Distance expected = rounded_distance(codec);
        std::vector<float> prepared(codec.query_size() / 4);
        std::vector<float> usual(rows.size());
        std::vector<float> found(rows.size());
        for (const simd::Level level : simd::available_levels()) {
            INFO(name(metric) << ", " << simd::name(level));
            const auto& kernels = simd::kernels(level)->of(metric, Element::int8);
            ScaledScorer scorer(KernelScorer(kernels, codec.dim()), codec.code_size());
            auto in_use = codec.scorer();
            std::size_t wrong = 0;
            for (std::size_t q = 0; q < queries.size(); ++q) {
                codec.prepare(queries.row(q), reinterpret_cast<std::byte*>(prepared.data()));
                scorer.set_query(prepared.data());
                scorer.distances(block, found.data());
                in_use.set_query(prepared.data());
                in_use.distances(block, usual.data());
                for (std::size_t i = 0; i < rows.size(); ++i) {
                    const float tolerance = metric == MetricKind::cosine ? 3e-6F : 1e-3F;
                    TONARI_EXPECT(wrong, std::abs(found[i] - expected(queries.values(q), rows.values(i))) <= tolerance);
                    TONARI_EXPECT(wrong, found[i] == usual[i] || metric == MetricKind::cosine);
                }
            }
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("codec: save and open", "[contract]") {
    for (const auto& [metric, element] : all_cases()) {
        const auto codec = Flat<>::create(element, 37, metric).value();
        SimulatedDisk disk;
        FileWriter writer = FileWriter::create("codec.tnr", {}, disk).value();
        REQUIRE(codec.save(writer.sections()).ok());
        REQUIRE(writer.finish().ok());
        const auto file = open_image(disk.content("codec.tnr")).value();
        const auto opened = Flat<>::open(file.sections()).value();
        CHECK(opened.dim() == 37);
        CHECK(opened.element() == element);
        CHECK(opened.metric_kind() == metric);
        const Rows rows = clustered_rows(element, 37, 20, 133);
        CHECK(codes_of(opened, rows) == codes_of(codec, rows));
    }
}

TEST_CASE("codec: save and open SQ8", "[contract]") {
    for (const MetricKind metric : vector_metrics) {
        const Rows rows = clustered_rows(Element::float32, 37, 300, 137);
        const auto codec = Sq8<>::train(rows.view(), {metric}).value();
        SimulatedDisk disk;
        FileWriter writer = FileWriter::create("codec.tnr", {}, disk).value();
        REQUIRE(codec.save(writer.sections()).ok());
        REQUIRE(writer.finish().ok());
        const auto file = open_image(disk.content("codec.tnr")).value();
        const auto opened = Sq8<>::open(file.sections()).value();
        CHECK(opened.dim() == 37);
        CHECK(opened.element() == Element::float32);
        CHECK(opened.metric_kind() == metric);
        CHECK(opened.scale() == codec.scale());
        CHECK(codes_of(opened, rows) == codes_of(codec, rows));
        CHECK(rounded_query(opened, rows.row(3)) == rounded_query(codec, rows.row(3)));
    }
}

TEST_CASE("codec: dimensions and combinations that do not exist", "[contract]") {
    CHECK_FALSE(Flat<>::create(Element::float32, 0, MetricKind::l2).ok());
    CHECK_FALSE(Flat<>::create(Element::float32, max_dim + 1, MetricKind::l2).ok());
    CHECK(Flat<>::create(Element::float32, max_dim, MetricKind::l2).ok());
    CHECK_FALSE(Flat<>::create(Element::bits, 8, MetricKind::l2).ok());
    CHECK_FALSE(Flat<>::create(Element::uint8, 8, MetricKind::hamming).ok());
    CHECK_FALSE(Flat<Chebyshev>::create(Element::float16, 8).ok());
}
