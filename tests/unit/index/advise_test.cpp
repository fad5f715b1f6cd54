// Advice: what it is for rows of many kinds, that it can be followed, and that its figures are those of the index.
#include <tonari/index/advise.hpp>

#include <cmath>

#include <tonari/index/build.hpp>

#include "contract/models.hpp"
#include "support/catch.hpp"
#include "support/image.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

TEST_CASE("advise: what suits which rows", "[index]") {
    const auto spec = [](const IndexNeed& need) { return advise(need).value().spec; };
    constexpr std::size_t million = 1'000'000;
    CHECK(spec({10'000, 128}) == "Flat");
    CHECK(spec({million, 128}) == "HNSW32,SQ8,RFlat");
    CHECK(spec({million, 128, Element::float16, MetricKind::cosine}) == "HNSW32,SQ8,RFlat");
    CHECK(spec({million, 128, Element::uint8}) == "HNSW32");
    CHECK(spec({million, 128, Element::float32, MetricKind::l1}) == "HNSW32,SQ8,RFlat");
    CHECK(spec({million, 256, Element::bits, MetricKind::hamming}) == "HNSW32");
    CHECK(spec({million, 128, Element::float32, MetricKind::user}) == "HNSW32");
    CHECK(spec({million, 768, Element::float32, MetricKind::l2, 0, 128}) == "PCAR128,HNSW32,SQ8,RFlat");
    CHECK(spec({million, 768, Element::float16, MetricKind::cosine, 0, 64}) == "PCAR64,HNSW32,SQ8,RFlat");
    CHECK(spec({million, 768, Element::float32, MetricKind::l2, std::size_t{3} << 30U, 128}) ==
          "PCAR128,HNSW32,SQ8,R(FP16)");
    CHECK(spec({100 * million, 96}) == "IVF32768_HNSW32,PQ24x4fs,RFlat");
    CHECK(spec({100 * million, 50}) == "IVF32768_HNSW32,RaBitQ,RFlat");  // 4 values a part do not divide it
    CHECK(spec({100 * million, 768}) == "IVF32768_HNSW32,RaBitQ,RFlat");
    CHECK(spec({100 * million, 96, Element::bits, MetricKind::hamming}) == "IVF32768_HNSW32,Flat");
}

TEST_CASE("advise: with less memory comes what takes less, down to rows on disk, and then a word about how much",
          "[index]") {
    for (const Element element : {Element::float32, Element::uint8, Element::bits}) {
        for (const MetricKind metric : {MetricKind::l2, MetricKind::l1, MetricKind::hamming}) {
            if ((element == Element::bits) != (metric == MetricKind::hamming)) continue;
            IndexNeed need{3'000'000, 768, element, metric};
            need.directions = 128;
            std::size_t in_memory = advise(need).value().in_memory;
            bool refused = false;
            for (need.memory = in_memory; need.memory > 1000; need.memory = need.memory / 10 * 9) {
                const auto advice = advise(need);
                CAPTURE(name(element), name(metric), need.memory);
                if (!advice) {
                    refused = true;
                    CHECK(advice.error().code == ErrorCode::out_of_memory);
                    CHECK(advice.error().message.find("expected about") != std::string::npos);
                    continue;
                }
                REQUIRE_FALSE(refused);  // what fits little memory fits more
                CHECK(advice->in_memory <= need.memory);
                CHECK(advice->in_memory <= in_memory);
                CHECK((advice->residency == Residency::disk) == (advice->in_memory < advice->bytes));
                CHECK(parse_spec(advice->spec).ok());
                in_memory = advice->in_memory;
            }
            CHECK(refused);
        }
    }
}

namespace {

/// Rows of 448 dimensions which differ along 24 of some directions, and by little along all.
Rows flat_rows(Element element, std::size_t n, float noise) {
    constexpr Dim dim = 448;
    constexpr std::size_t latent = 24;
    Random random(7);
    std::vector<float> directions(latent * dim);
    for (float& value : directions) value = static_cast<float>(bell(random));
    Rows rows(element, dim, n);
    std::vector<float> row(dim);
    for (std::size_t i = 0; i < n; ++i) {
        for (float& value : row) value = noise * (static_cast<float>(unit(random())) - 0.5F);
        for (std::size_t l = 0; l < latent; ++l) {
            const auto along = static_cast<float>(bell(random));
            for (Dim d = 0; d < dim; ++d) row[d] += along * directions[l * dim + d];
        }
        rows.set(i, row);
    }
    return rows;
}

}  // namespace

TEST_CASE("advise: few directions that tell which rows are near are found, and only those", "[index]") {
    constexpr std::size_t n = 10'500;
    const auto directions = [](const Rows& rows, MetricKind metric, unsigned threads = 1) {
        return telling_directions(rows.view(), metric, {threads}).value();
    };
    const Rows told = flat_rows(Element::float32, n, 0.1F);
    for (const unsigned threads : {1U, 3U}) CHECK(directions(told, MetricKind::l2, threads) == 64);
    CHECK(directions(told, MetricKind::cosine) == 64);
    CHECK(directions(flat_rows(Element::float16, n, 0.1F), MetricKind::l2) == 64);
    CHECK(directions(flat_rows(Element::float32, n, 60), MetricKind::l2) == 0);  // the noise decides
    CHECK(directions(told, MetricKind::inner_product) == 0);
    CHECK(directions(told, MetricKind::l1) == 0);
    CHECK(directions(flat_rows(Element::int8, n, 0.1F), MetricKind::l2) == 0);
    CHECK(directions(flat_rows(Element::float32, 2000, 0.1F), MetricKind::l2) == 0);

    Rows broken = flat_rows(Element::float32, n, 0.1F);
    for (std::size_t i = 0; i < n; i += 2) broken.set(i, std::vector<float>(448, std::nanf("")));
    CHECK(directions(broken, MetricKind::l2) == 0);
    CHECK(build("auto", MetricKind::l2, broken.view()).error().message.find("row 0") != std::string::npos);
    Rows large = flat_rows(Element::float32, n, 0.1F);
    large.set(5, std::vector<float>(448, 1e30F));
    CHECK(telling_directions(large.view(), MetricKind::l2).ok());
}

TEST_CASE("advise: a graph over rows that few directions tell apart is walked by those", "[index]") {
    const Rows rows = flat_rows(Element::float32, 10'500, 0.1F);
    const IndexAdvice advice = advise(rows.view(), MetricKind::l2).value();
    CHECK(advice.spec == "PCAR64,HNSW32,SQ8,RFlat");
    CHECK(advice.why.find("few directions") != std::string::npos);
    CHECK(advise(rows.view(), MetricKind::l2, advice.bytes * 3 / 4).value().spec == "PCAR64,HNSW32,SQ8,R(FP16)");
    const Index index = build("auto", MetricKind::l2, rows.view(), {}, quick_build()).value();
    CHECK(index.spec() == advice.spec);
    CHECK(std::abs(static_cast<double>(advice.bytes) / static_cast<double>(index.bytes()) - 1) < 0.1);
}

TEST_CASE("advise: its figures are those of the index", "[index]") {
    constexpr std::size_t n = 12'000;
    for (const auto& [spec, metric, element] :
         {std::tuple{"Flat", MetricKind::l2, Element::float32},
          {"HNSW32", MetricKind::cosine, Element::uint8},
          {"HNSW32", MetricKind::hamming, Element::bits},
          {"HNSW32,SQ8,RFlat", MetricKind::l2, Element::float32},
          {"HNSW32,SQ8,RFlat", MetricKind::cosine, Element::float16},
          {"HNSW32,SQ8,R(FP16)", MetricKind::inner_product, Element::float32},
          {"HNSW16,RaBitQ,RFlat", MetricKind::l2, Element::float32},
          {"HNSW32,RaBitQ,R(FP16)", MetricKind::cosine, Element::float32},
          {"IVF512,RaBitQ,RFlat", MetricKind::l2, Element::float32},
          {"IVF512,RaBitQ,R(SQ8)", MetricKind::cosine, Element::float32},
          {"IVF512_HNSW32,RaBitQ,RFlat", MetricKind::inner_product, Element::uint8},
          {"IVF512,Flat", MetricKind::l1, Element::float32},
          {"IVF64,HNSW16", MetricKind::l2, Element::float32},
          {"IVF512,PQ10x4fs,RFlat", MetricKind::l2, Element::float32},
          {"PCAR16,HNSW32,SQ8,R(FP16)", MetricKind::l2, Element::float32},
          {"PCA16,HNSW32,SQ8,RFlat", MetricKind::cosine, Element::float16},
          {"RR,IVF64,SQ8", MetricKind::cosine, Element::float32},
          {"PCA16,IVF64,RaBitQ,RFlat", MetricKind::cosine, Element::float32},
          {"IVF16_HNSW8,HNSW16,SQ8", MetricKind::cosine, Element::float32}}) {
        const Rows rows = clustered_rows(element, 40, n, 1);
        const IndexNeed need{n, 40, element, metric};
        const Index index = build(spec, metric, rows.view(), {}, quick_build()).value();
        const auto estimated = static_cast<double>(estimated_bytes(parse_spec(spec).value(), need));
        CAPTURE(spec, name(metric), index.bytes(), estimated);
        CHECK(std::abs(estimated - static_cast<double>(index.bytes())) < 0.1 * static_cast<double>(index.bytes()));
    }
}

TEST_CASE("advise: auto is what is advised, byte for byte, and for a user's metric too", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 12, 11'000, 3);
    const BuildOptions quick = quick_build();
    const std::string spec = advise({rows.size(), 12}).value().spec;
    const Index index = build("auto", MetricKind::l2, rows.view(), {}, quick).value();
    CHECK(index.spec() == spec);
    CHECK(image_of(index) == image_of(build(spec, MetricKind::l2, rows.view(), {}, quick).value()));
    CHECK(build("auto", Chebyshev{}, rows.view().slice(0, 100)).value().spec() == "Flat");
    CHECK(build("auto", Chebyshev{}, rows.view(), {}, quick).value().spec() == "HNSW32");
}

TEST_CASE("advise: for no rows, too many, or what does not go together there is none", "[index]") {
    const auto refusal = [](const IndexNeed& need) { return advise(need).error().code; };
    CHECK(refusal({0, 8}) == ErrorCode::invalid_argument);
    CHECK(refusal({8, 0}) == ErrorCode::invalid_argument);
    CHECK(refusal({max_rows + 1, 8}) == ErrorCode::out_of_range);
    CHECK(refusal({8, 8, Element::float32, MetricKind::hamming}) == ErrorCode::unsupported);
    CHECK(build("auto", MetricKind::l2, MatrixView{}).error().code == ErrorCode::invalid_argument);
}
