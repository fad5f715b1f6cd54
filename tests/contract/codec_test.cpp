// The contract of codecs: Flat over every metric and element.
#include <tonari/codec/flat.hpp>

#include "contract/models.hpp"

using namespace tonari;
using namespace tonari::test;

static_assert(Codec<Flat<>> && Codec<Flat<L2>> && Codec<Flat<Cosine>> && Codec<Flat<Chebyshev>>);
static_assert(Scorer<Flat<>::Scorer> && Scorer<Flat<Chebyshev>::Scorer>);

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
    // A stored row as the query is what a query of the same values is.
    std::vector<float> buffer(codec.query_size() / 4 + 1);
    for (std::size_t i = 0; i < 10; ++i) {
        codec.prepare(rows.row(i), query);
        scorer.set_query(query);
        std::vector<float> by_query(rows.size());
        std::vector<float> by_code(rows.size());
        scorer.distances(block, by_query.data());
        scorer.set_query(codec.as_query(pointers[i], reinterpret_cast<std::byte*>(buffer.data())));
        scorer.distances(block, by_code.data());
        TONARI_EXPECT(wrong, by_query == by_code);
    }
    CHECK(wrong == 0);
}

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
            check_scorer(codec, clustered_rows(element, dim, 200, dim), clustered_rows(element, dim, 5, dim + 1),
                         definition_of(metric), rough);
        }
    }
    const auto user = Flat<Chebyshev>::create(Element::float32, 20).value();
    check_scorer(
        user, clustered_rows(Element::float32, 20, 200, 131), clustered_rows(Element::float32, 20, 5, 132),
        [](auto a, auto b) { return Chebyshev{}.distance(a, b); }, 0);
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

TEST_CASE("codec: dimensions and combinations that do not exist", "[contract]") {
    CHECK_FALSE(Flat<>::create(Element::float32, 0, MetricKind::l2).ok());
    CHECK_FALSE(Flat<>::create(Element::float32, max_dim + 1, MetricKind::l2).ok());
    CHECK(Flat<>::create(Element::float32, max_dim, MetricKind::l2).ok());
    CHECK_FALSE(Flat<>::create(Element::bits, 8, MetricKind::l2).ok());
    CHECK_FALSE(Flat<>::create(Element::uint8, 8, MetricKind::hamming).ok());
    CHECK_FALSE(Flat<Chebyshev>::create(Element::float16, 8).ok());
}
