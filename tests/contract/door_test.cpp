// Bad input at the C++ door: each is refused with a message that says what was expected and what was got, and the index
// goes on working.
#include <cstring>
#include <limits>

#include "contract/models.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

/// Is it an error of this code whose message has all of `words`?
template <class R>
void refused(const R& result, ErrorCode code, std::initializer_list<std::string_view> words) {
    REQUIRE_FALSE(result.ok());
    INFO(result.error().message);
    CHECK(name(result.error().code) == name(code));
    for (const std::string_view word : words) {
        INFO("expected to read: " << word);
        CHECK(result.error().message.find(word) != std::string::npos);
    }
}
template <class R>
void refused(const R& result, std::initializer_list<std::string_view> words) {
    refused(result, ErrorCode::invalid_argument, words);
}

}  // namespace

TEST_CASE("door: queries of the wrong shape or element", "[contract]") {
    for (const Model& model : all_models()) {
        INFO(model.name);
        const Rows rows = clustered_rows(model.element, 16, 50, 110);
        const Index index = model.built(rows);
        Searcher search = index.searcher();
        const Rows longer = clustered_rows(model.element, 24, 9, 111);
        const Element strange = model.element == Element::int8 ? Element::uint8 : Element::int8;
        const Rows other = clustered_rows(strange, 16, 9, 112);
        const auto check = [&](const auto& ask_one, const auto& ask_many) {
            refused(ask_one(longer.row(0)), {"expected", "16", "got 24"});
            refused(ask_many(longer.view()), {"expected", "16", "got 24"});
            refused(ask_one(RowView{}), {"expected", "16", "got 0"});
            refused(ask_one(other.row(0)),
                    {"expected", name(model.element), std::string("got ") + std::string(name(strange))});
            refused(ask_many(other.view()),
                    {"expected", name(model.element), std::string("got ") + std::string(name(strange))});
        };
        check([&](RowView row) { return search(row); }, [&](MatrixView view) { return index.search(view); });
        check([&](RowView row) { return search.range(row, {.radius = 1}); },
              [&](MatrixView view) { return index.range_search(view, {.radius = 1}); });
        CHECK(search(rows.row(0)).value().size() == 10);
    }
}

TEST_CASE("door: k, ef and cap of nothing; a radius that is no number", "[contract]") {
    for (const Model& model : some_models()) {
        INFO(model.name);
        const Rows rows = clustered_rows(model.element, 16, 50, 113);
        const Index index = model.built(rows);
        Searcher search = index.searcher();
        refused(search(rows.row(0), {.k = 0}), {"expected k of at least 1", "got 0"});
        refused(index.search(rows.view(), {.k = 0}), {"expected k of at least 1", "got 0"});
        refused(search(rows.row(0), {.ef = 0}), {"expected ef of at least 1", "got 0"});
        refused(index.search(rows.view(), {.ef = 0}), {"expected ef of at least 1", "got 0"});
        refused(search.range(rows.row(0), {.cap = 0}), {"expected cap of at least 1", "got 0"});
        refused(search.range(rows.row(0), {.ef = 0}), {"expected ef of at least 1", "got 0"});
        refused(search.range(rows.row(0), {.radius = not_a_number}), {"expected", "radius", "got", "NaN"});
        refused(index.range_search(rows.view(), {.radius = not_a_number}), {"expected", "radius", "got", "NaN"});
        CHECK(search(rows.row(0)).value().size() == 10);
        // Far more answers than there is memory for is an error, not a crash.
        refused(index.search(rows.view(), {.k = std::numeric_limits<std::size_t>::max() / 64}),
                ErrorCode::out_of_memory, {"memory"});
        CHECK(search(rows.row(0), {.k = std::numeric_limits<std::size_t>::max()}).value().size() == 50);
        CHECK(search(rows.row(0), {.ef = std::numeric_limits<std::size_t>::max()}).value().size() == 10);
    }
}

TEST_CASE("door: queries that are not finite", "[contract]") {
    for (const Model& model : all_models()) {
        if (model.element != Element::float32 && model.element != Element::float16 &&
            model.element != Element::bfloat16)
            continue;
        INFO(model.name);
        const Rows rows = clustered_rows(model.element, 16, 50, 114);
        const Index index = model.built(rows);
        Searcher search = index.searcher();
        for (const float bad : {not_a_number, infinity, -infinity}) {
            Rows queries = clustered_rows(model.element, 16, 9, 115);
            std::vector<float> values(queries.values(6).begin(), queries.values(6).end());
            values[11] = bad;
            queries.set(6, values);
            const char* word = std::isnan(bad) ? "nan" : "inf";
            refused(search(queries.row(6)), {"finite", "query", word, "column 11"});
            refused(search.range(queries.row(6), {.radius = 1}), {"finite", "query", word, "column 11"});
            refused(index.search(queries.view()), {"finite", "queries", word, "row 6", "column 11"});
            refused(index.range_search(queries.view(), {.radius = 1}),
                    {"finite", "queries", word, "row 6", "column 11"});
        }
    }
}

TEST_CASE("door: rows that are not finite, named by row and column", "[contract]") {
    for (const Element element : {Element::float32, Element::float16, Element::bfloat16}) {
        for (const char* spec : {"Flat", "HNSW8"}) {
            for (const float bad : {not_a_number, infinity, -infinity}) {
                INFO(spec << " " << name(element) << " " << bad);
                Rows rows = clustered_rows(element, 21, 1000, 116);
                for (const std::size_t row : {777U, 900U}) {  // the first is named, on any number of threads
                    std::vector<float> values(rows.values(row).begin(), rows.values(row).end());
                    values[20] = bad;
                    rows.set(row, values);
                }
                for (const unsigned threads : {1U, 4U}) {
                    refused(build(spec, MetricKind::l2, rows.view(), {}, {.threads = {threads}}),
                            {"expected finite values", std::isnan(bad) ? "nan" : "inf", "row 777", "column 20"});
                }
            }
        }
    }
    Rows rows = clustered_rows(Element::float32, 3, 10, 117);
    rows.set(4, std::vector<float>{1, not_a_number, 2});
    refused(build("Flat", Chebyshev{}, rows.view()), {"expected finite values", "row 4", "column 1"});
}

TEST_CASE("door: values too large for their squares are refused, as large as can be they work", "[contract]") {
    for (const char* spec : {"Flat", "HNSW8"}) {
        INFO(spec);
        for (const float large : {1e19F, 1e20F, 3e38F}) {  // |a - b|^2 of two such would be infinite
            Rows rows(Element::float32, 2, 3);
            rows.set(0, std::vector<float>{1, 2});
            rows.set(1, std::vector<float>{large, 0});
            rows.set(2, std::vector<float>{-large, 0});
            refused(build(spec, MetricKind::l2, rows.view()), {"large", "row 1", "scale"});
            refused(build(spec, MetricKind::cosine, rows.view()), {"large", "row 1", "scale"});
            rows.set(1, std::vector<float>{1, 1});
            rows.set(2, std::vector<float>{2, 2});
            const Index index = build(spec, MetricKind::l2, rows.view()).value();
            refused(ask(index, RowView(std::vector<float>{large, 0})), {"large", "scale"});
        }
        // The largest that is let in: every distance is finite and every row comes.
        const float most = 9e18F;
        Rows rows(Element::float32, 2, 40);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            rows.set(i, std::vector<float>{i % 2 == 0 ? most : -most, static_cast<float>(i)});
        }
        for (const MetricKind metric : vector_metrics) {
            const Index index = build(spec, metric, rows.view()).value();
            const Answers answers = index.search(rows.view(), {.k = 40}).value();
            CHECK(std::all_of(answers.counts.begin(), answers.counts.end(), [](auto count) { return count == 40; }));
            CHECK(std::all_of(answers.distances.begin(), answers.distances.end(),
                              [](float d) { return std::isfinite(d); }));
            CHECK(ask(index, rows.row(0), {.k = 40}).value().size() == 40);
        }
    }
}

TEST_CASE("door: rows as long as are let in all come, however sums round", "[contract]") {
    for (const Dim dim : {3U, 16U, 100U, 1000U}) {
        Rows rows(Element::float32, dim, 24);
        Random random(dim);
        std::vector<float> values(dim);
        for (std::size_t i = 0; i < rows.size(); i += 2) {  // opposite ones: as far apart as can be
            std::vector<double> direction(dim);
            for (double& value : direction) value = bell(random);
            const auto set = [&](std::size_t row, double scale) {
                for (std::size_t j = 0; j < dim; ++j) values[j] = static_cast<float>(direction[j] * scale);
                rows.set(row, values);
            };
            double good = 0;
            double bad = 1e20;
            for (int step = 0; step < 60; ++step) {
                const double middle = (good + bad) / 2;
                set(i, middle);
                const bool taken = build("Flat", MetricKind::l2, rows.view().slice(i, 1)).ok();
                (taken ? good : bad) = middle;
            }
            set(i, good);
            set(i + 1, -good);
        }
        for (const char* spec : {"Flat", "HNSW8"}) {
            for (const MetricKind metric : vector_metrics) {
                INFO(dim << " " << spec << " " << name(metric));
                const Index index = build(spec, metric, rows.view()).value();
                const Answers answers = index.search(rows.view(), {.k = 24}).value();
                std::size_t wrong = 0;
                for (std::size_t q = 0; q < rows.size(); ++q) {
                    TONARI_EXPECT(wrong, answers.counts[q] == 24 && std::isfinite(answers.distances[q * 24 + 23]));
                    TONARI_EXPECT(wrong, ask(index, rows.row(q), {.k = 24}).value().size() == 24);
                }
                CHECK(wrong == 0);
            }
        }
    }
}

TEST_CASE("door: under cosine, rows of any size are found right or refused by name", "[contract]") {
    const auto scaled = [](const Rows& rows, float scale) {
        Rows out(rows.element(), rows.dim(), rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            std::vector<float> values(rows.values(i).begin(), rows.values(i).end());
            for (float& value : values) value *= scale;
            out.set(i, values);
        }
        return out;
    };
    for (const char* spec : {"Flat", "HNSW8"}) {
        for (const Element element : {Element::float32, Element::bfloat16}) {
            INFO(spec << " " << name(element));
            const Rows plain = clustered_rows(element, 300, 200, 129);
            const Rows queries = clustered_rows(element, 300, 20, 130);
            for (const float scale : {1e-18F, 1e15F}) {
                const Rows rows = scaled(plain, scale);
                const Index index = build(spec, MetricKind::cosine, rows.view()).value();
                for (const Rows& asked : {queries, scaled(queries, scale)}) {
                    const Answers answers = index.search(asked.view(), {.k = 200}).value();
                    std::size_t wrong = 0;
                    for (std::size_t q = 0; q < asked.size(); ++q) {
                        const auto truth = all_sorted(definition_of(MetricKind::cosine), rows, {}, asked.values(q));
                        TONARI_EXPECT(wrong, same_as_oracle(answer_of(answers, q), truth, 200, 3e-6F));
                    }
                    CHECK(wrong == 0);
                }
            }
            for (const float scale : {1e-25F, 1e-37F}) {
                Rows rows = plain;
                rows.set(170, scaled(plain, scale), 170);
                refused(build(spec, MetricKind::cosine, rows.view()),
                        {"rows", "direction", name(element), "norm of", "row 170", "scale"});
                CHECK(build(spec, MetricKind::l2, rows.view()).ok());
                const Index index = build(spec, MetricKind::cosine, plain.view()).value();
                Searcher search = index.searcher();
                refused(search(rows.row(170)), {"the query", "direction", "scale"});
                refused(search.range(rows.row(170), {.radius = 1}), {"the query", "direction", "scale"});
                refused(index.search(rows.view()), {"queries", "direction", "row 170", "scale"});
                refused(index.range_search(rows.view(), {.radius = 1}), {"queries", "direction", "row 170", "scale"});
            }
            refused(build(spec, MetricKind::cosine, scaled(plain, 1e25F).view()), {"large", "row 0", "scale"});
            Rows zeros = plain;
            zeros.set(5, std::vector<float>(300, -0.0F));
            const Index index = build(spec, MetricKind::cosine, zeros.view()).value();
            CHECK(ask(index, zeros.row(5), {.k = 1}).value()[0].distance == 1);
        }
        // Half precision is what the rows are looked at in: as float16 these are zeros.
        const Rows small = scaled(clustered_rows(Element::float32, 300, 20, 131), 1e-10F);
        CHECK(build(spec, MetricKind::cosine, small.view()).ok());
        refused(build(std::string(spec) + ",FP16", MetricKind::cosine, small.view()), {"float16", "row 0", "scale"});
        CHECK(build(std::string(spec) + ",BF16", MetricKind::cosine, small.view()).ok());
    }
}

TEST_CASE("door: values that half precision cannot hold", "[contract]") {
    for (const char* spec : {"FP16", "HNSW8,FP16"}) {
        Rows rows = clustered_rows(Element::float32, 8, 20, 118);
        std::vector<float> values(8, 1.0F);
        values[3] = 70'000;
        rows.set(12, values);
        refused(build(spec, MetricKind::l2, rows.view()), {"float16", "row 12", "column 3"});
        values[3] = 65'504;
        rows.set(12, values);
        const Index index = build(spec, MetricKind::l2, rows.view()).value();
        CHECK(ask(index, rows.row(12), {.k = 20}).value().size() == 20);
    }
}

TEST_CASE("door: rows that are none", "[contract]") {
    const Rows rows = clustered_rows(Element::float32, 8, 20, 119);
    for (const char* spec : {"Flat", "HNSW8"}) {
        refused(build(spec, MetricKind::l2, MatrixView{}), {"expected at least one row", "got 0 rows"});
        refused(build(spec, MetricKind::l2, rows.view().slice(0, 0)), {"expected at least one row", "got 0 rows of 8"});
        refused(build(spec, MetricKind::l2, MatrixView(rows.bytes().data(), 5, 0, Element::float32)),
                {"one dimension", "0"});
        refused(build(spec, Chebyshev{}, rows.view().slice(0, 0)), {"expected at least one row", "got 0 rows"});
        refused(build(spec, MetricKind::l2, MatrixView(rows.bytes().data(), 1, 65537, Element::uint8)),
                {"65536", "got 65537"});
        refused(build(spec, MetricKind::l2, rows.view(), {}, {.ef_construction = 0}),
                {"ef_construction", "at least 1", "got 0"});
    }
}

TEST_CASE("door: ids that do not do", "[contract]") {
    const Rows rows = clustered_rows(Element::float32, 8, 4, 120);
    for (const char* spec : {"Flat", "HNSW8"}) {
        const auto with = [&](const std::vector<Id>& ids) { return build(spec, MetricKind::l2, rows.view(), ids); };
        refused(with({1, 2, 3}), {"expected 4 ids", "got 3"});
        refused(with({1, 2, 3, 4, 5}), {"expected 4 ids", "got 5"});
        refused(with({1, -7, 3, 4}), {"expected ids of 0 or more", "got -7"});
        refused(with({5, 2, 9, 5}), ErrorCode::already_exists, {"unique", "id 5"});
        refused(build(spec, Chebyshev{}, rows.view(), std::vector<Id>{5, 2, 9, 5}), ErrorCode::already_exists,
                {"unique", "id 5"});
        CHECK(with({0, std::numeric_limits<Id>::max(), 3, 2}).ok());
    }
}

TEST_CASE("door: what SQ8 does not round, and what fits instead", "[contract]") {
    for (const auto& [spec, instead] :
         {std::pair{"SQ8", "'Flat' fits"}, {"HNSW8,SQ8", "'HNSW8' fits"}, {"IVF4,SQ8", "'IVF4,Flat' fits"}}) {
        INFO(spec);
        for (const Element element : {Element::int8, Element::uint8}) {
            const Rows rows = clustered_rows(element, 8, 20, 140);
            refused(
                build(spec, MetricKind::l2, rows.view()), ErrorCode::unsupported,
                {spec, "expected float32, float16 or bfloat16 rows", name(element), "8 bits a value already", instead});
        }
        const Rows bits = clustered_rows(Element::bits, 8, 20, 141);
        refused(build(spec, MetricKind::hamming, bits.view()), ErrorCode::unsupported, {spec, "bits", instead});
        const Rows floats = clustered_rows(Element::float32, 8, 20, 142);
        refused(build(spec, Chebyshev{}, floats.view()), ErrorCode::unsupported, {spec, "a user's own", instead});
        refused(build(spec, MetricKind::hamming, floats.view()), ErrorCode::unsupported, {"hamming", "bits"});
    }
    refused(grow("SQ8", MetricKind::l2, Element::float32, 8), ErrorCode::unsupported, {"expected one that grows"});
    refused(grow("HNSW8,SQ8,RFlat", MetricKind::cosine, Element::float32, 8), ErrorCode::unsupported,
            {"HNSW8,SQ8,RFlat", "expected one that grows", "'HNSW8,SQ8' does"});
    refused(grow("HNSW8,PQ4", MetricKind::l2, Element::float32, 8), ErrorCode::unsupported,
            {"HNSW8,PQ4", "expected one that grows", "'HNSW8' does"});
    refused(grow("HNSW8,SQ8", Chebyshev{}, Element::float32, 8), ErrorCode::unsupported,
            {"a user's own", "'HNSW8' fits"});
    refused(grow("HNSW8,SQ8", MetricKind::cosine, Element::int8, 8), ErrorCode::unsupported,
            {"8 bits", "'HNSW8' fits"});
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product, MetricKind::l1}) {
        refused(grow("HNSW8,SQ8", metric, Element::float32, 8), ErrorCode::unsupported,
                {"HNSW8,SQ8", "train", name(metric), "pass the first rows"});
    }
}

TEST_CASE("door: SQ8 takes float32, float16 and bfloat16, rows and queries, and rounds all alike", "[contract]") {
    for (const Element element : {Element::float16, Element::bfloat16}) {
        const Rows narrow = clustered_rows(element, 24, 300, 143);
        Rows wide(Element::float32, 24, narrow.size());
        for (std::size_t i = 0; i < narrow.size(); ++i) wide.set(i, narrow, i);
        for (const MetricKind metric : vector_metrics) {
            INFO(name(element) << " " << name(metric));
            for (const char* spec : {"SQ8", "HNSW8,SQ8", "IVF9,SQ8"}) {
                INFO(spec);
                const Index index = build(spec, metric, narrow.view(), {}, quick_build()).value();
                CHECK(index.element() == Element::float32);
                CHECK(index.spec() == spec);
                CHECK(image_of(index) == image_of(build(spec, metric, wide.view(), {}, quick_build()).value()));
                const Answers of_narrow = index.search(narrow.view()).value();
                const Answers of_wide = index.search(wide.view()).value();
                CHECK(of_narrow.ids == of_wide.ids);
                CHECK(of_narrow.distances == of_wide.distances);
            }
            GrowingIndex growing = grow("HNSW8,SQ8", metric, narrow.view().slice(0, 200)).value();
            REQUIRE(growing.add(narrow.view().slice(200, 50)).ok());
            REQUIRE(growing.add(wide.view().slice(250, 50)).ok());
            const Answers found = growing.search(narrow.view(), {.k = 300}).value();
            CHECK(found.ids == growing.search(wide.view(), {.k = 300}).value().ids);
            CHECK(std::all_of(found.counts.begin(), found.counts.end(), [](auto count) { return count == 300; }));
        }
    }
}

TEST_CASE("door: spec words that do not exist, and which would", "[contract]") {
    const Rows rows = clustered_rows(Element::float32, 8, 4, 121);
    const auto with = [&](std::string_view spec) { return build(spec, MetricKind::l2, rows.view()); };
    for (const char* word : {"", "flat", "IVF0", "IVF16_PQ4", "HNSW1", "HNSW257", "HNSW-4", "HNSW16x",
                             "HNSW99999999999999999999", " Flat"}) {
        refused(with(word), {"expected", "HNSW<M>", "Flat", "FP16", std::string("got '") + word + "'"});
    }
    refused(with("HNSW16,PQ8x4fs"),
            {"HNSW16,PQ8x4fs", "expected one of", "Flat", "FP16", "SQ4", "PQ<parts>", "got 'PQ8x4fs'"});
    refused(with("IVF2"), {"what the lists hold", "'IVF2,Flat'", "got nothing"});
    refused(with("IVF5,Flat"), {"expected at least 5 rows", "got 4"});
    refused(with("HNSW16,"), {"expected one of", "Flat", "got ''"});
    refused(with("Flat,HNSW16"), {"expected one of", "got 'HNSW16'"});
    refused(with("FP16,FP16"), {"expected nothing after 'FP16'", "got 'FP16'"});
    refused(with("HNSW16,FP16,Flat"), {"expected nothing after 'FP16', got 'Flat'"});
    refused(build("PCA2,Flat", Chebyshev{}, rows.view()), ErrorCode::unsupported, {"PCA2,Flat", "user", "'Flat' fits"});
    refused(build("PQ8", Chebyshev{}, rows.view()), ErrorCode::unsupported, {"'PQ8'", "user", "'Flat' fits"});
    refused(build("FP16", Chebyshev{}, rows.view()), ErrorCode::unsupported, {"user", "float16", "float32"});
}

TEST_CASE("door: metrics and elements that do not go together", "[contract]") {
    const Rows floats = clustered_rows(Element::float32, 8, 4, 122);
    const Rows bits = clustered_rows(Element::bits, 8, 4, 123);
    const Rows bytes = clustered_rows(Element::uint8, 8, 4, 124);
    const Rows no_bits(Element::bits, 8, 4);  // all zeros: whether they have a direction is no question
    for (const char* spec : {"Flat", "HNSW8"}) {
        refused(build(spec, MetricKind::hamming, floats.view()), ErrorCode::unsupported,
                {"hamming", "float32", "bits"});
        for (const MetricKind metric : vector_metrics) {
            refused(build(spec, metric, bits.view()), ErrorCode::unsupported, {name(metric), "bits", "hamming"});
            refused(build(spec, metric, no_bits.view()), ErrorCode::unsupported, {name(metric), "bits", "hamming"});
        }
        refused(build(spec, Chebyshev{}, bytes.view()), ErrorCode::unsupported, {"user", "uint8", "float32"});
        refused(build(spec, MetricKind::user, floats.view()), {"type"});
        refused(build(spec, static_cast<MetricKind>(77), floats.view()), {"metric"});
    }
    refused(build("FP16", MetricKind::l2, bytes.view()), ErrorCode::unsupported, {"FP16", "float32", "got uint8"});
    refused(build("HNSW8,BF16", MetricKind::l2, bytes.view()), ErrorCode::unsupported,
            {"BF16", "float32", "got uint8"});
}

TEST_CASE("door: a filter of another index", "[contract]") {
    for (const char* spec : {"Flat", "HNSW8"}) {
        const Rows rows = clustered_rows(Element::float32, 8, 50, 125);
        const Rows others = clustered_rows(Element::float32, 8, 60, 126);
        const Index index = build(spec, MetricKind::l2, rows.view()).value();
        const Index other = build(spec, MetricKind::l2, others.view()).value();
        const RowFilter foreign = other.prepare(Filter::predicate([](Id) { return true; })).value();
        refused(ask(index, rows.row(0), {.filter = &foreign}), {"filter", "50 ids", "60 ids"});
        refused(index.search(rows.view(), {.filter = &foreign}), {"filter", "50 ids", "60 ids"});
        refused(ask_range(index, rows.row(0), {.radius = 1, .filter = &foreign}), {"filter", "50 ids", "60 ids"});

        // As many rows, but one index holds rows twice: its filters speak of ids.
        Rows twice = clustered_rows(Element::float32, 8, 100, 127);
        for (std::size_t i = 0; i < 50; ++i) twice.set(50 + i, twice, i);
        const Index doubled = build("HNSW8", MetricKind::l2, twice.view()).value();
        const RowFilter of_doubled = doubled.prepare(Filter::predicate([](Id) { return true; })).value();
        const RowFilter of_index = index.prepare(Filter::predicate([](Id) { return true; })).value();
        refused(ask(doubled, rows.row(0), {.filter = &of_index}), {"filter"});
        refused(ask(index, rows.row(0), {.filter = &of_doubled}), {"filter"});
        CHECK(ask(doubled, rows.row(0), {.k = 100, .filter = &of_doubled}).value().size() == 100);

        // Of the very same shape, and of the same bytes: rows may stand in another order. A copy is the same index.
        const Index twin = index_of(image_of(index)).value();
        refused(ask(twin, rows.row(0), {.filter = &of_index}), {"filter", "prepare"});
        const RowFilter made_up{RowBitmap(50), 50, {}};
        refused(ask(index, rows.row(0), {.filter = &made_up}), {"filter", "prepare"});
        const Index copy = index;  // NOLINT(performance-unnecessary-copy-initialization): that is the question
        CHECK(ask(copy, rows.row(0), {.filter = &of_index}).ok());

        // Of an index that is gone: the next one may well be made where it stood.
        std::size_t taken = 0;
        for (int attempt = 0; attempt < 20; ++attempt) {
            const auto of_gone = [&] {
                return build(spec, MetricKind::l2, others.view())->prepare(Filter::ids(std::vector<Id>{59})).value();
            };
            const RowFilter stale = of_gone();
            const Index next = build(spec, MetricKind::l2, rows.view()).value();
            TONARI_EXPECT(taken, !ask(next, rows.row(0), {.filter = &stale}).ok());
        }
        CHECK(taken == 0);
    }
}

TEST_CASE("door: a predicate that is none", "[contract]") {
    const Rows rows = clustered_rows(Element::float32, 8, 20, 132);
    const Index index = build("Flat", MetricKind::l2, rows.view()).value();
    refused(index.prepare(Filter::predicate({})), {"filter", "expected a predicate", "got an empty one"});
}

TEST_CASE("door: an ef_construction beyond the rows means all of them", "[contract]") {
    const Rows rows = clustered_rows(Element::float32, 8, 60, 133);
    for (const bool own : {false, true}) {
        INFO("a user's metric: " << own);
        const auto with = [&](std::size_t ef) {
            const BuildOptions options{.ef_construction = ef};
            return image_of(own ? build("HNSW8", Chebyshev{}, rows.view(), {}, options).value()
                                : build("HNSW8", MetricKind::l2, rows.view(), {}, options).value());
        };
        const auto all = with(60);
        constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
        for (const std::size_t ef : {std::size_t{61}, most / 2, most - 1, most}) CHECK(with(ef) == all);
    }
}

TEST_CASE("door: a user's metric that gives no number, or infinity, puts those rows last", "[contract]") {
    const Rows rows = clustered_rows(Element::float32, 8, 300, 134);
    for (const char* spec : {"Flat", "HNSW8"}) {
        for (const float strange : {not_a_number, -not_a_number, infinity}) {
            for (const float share : {0.3F, 1.1F}) {  // of the rows, about; all of them
                INFO(spec << " " << strange << " " << share);
                const Index index = build(spec, Chebyshev{strange, share}, rows.view(), {}, quick_build()).value();
                const Answers answers = index.search(rows.view().slice(0, 20), {.k = 300}).value();
                const RowFilter even = index.prepare(Filter::predicate([](Id id) { return id % 2 == 0; })).value();
                std::size_t wrong = 0;
                for (std::size_t q = 0; q < 20; ++q) {
                    const Answer one = ask(index, rows.row(q), {.k = 300}).value();
                    TONARI_EXPECT(wrong, one.size() == 300 && well_formed(one.neighbors));
                    TONARI_EXPECT(wrong, one[299].distance == std::numeric_limits<float>::max());
                    TONARI_EXPECT(wrong, identical(answer_of(answers, q), one.neighbors));
                    TONARI_EXPECT(wrong, ask(index, rows.row(q), {.k = 300, .filter = &even}).value().size() == 150);
                }
                CHECK(wrong == 0);
            }
        }
    }
}

TEST_CASE("door: bits beyond the dimension count for nothing", "[contract]") {
    for (const char* spec : {"Flat", "HNSW8"}) {
        for (const Dim dim : {3U, 13U, 61U}) {
            INFO(spec << ", dim " << dim);
            const Rows clean = clustered_rows(Element::bits, dim, 60, 128);
            std::vector<std::byte> dirty(clean.bytes().begin(), clean.bytes().end());
            const std::size_t bytes = row_bytes(Element::bits, dim);
            Random random(dim);
            for (std::size_t i = 0; i < clean.size(); ++i) {
                dirty[(i + 1) * bytes - 1] |= static_cast<std::byte>(random() << (dim % 8));
            }
            const MatrixView view(dirty.data(), clean.size(), dim, Element::bits);
            const Index index = build(spec, MetricKind::hamming, view).value();
            std::size_t wrong = 0;
            const Answers answers = index.search(view, {.k = 60}).value();
            for (std::size_t q = 0; q < clean.size(); ++q) {
                const auto truth = all_sorted(definition_of(MetricKind::hamming), clean, {}, clean.values(q));
                TONARI_EXPECT(wrong, same_as_oracle(answer_of(answers, q), truth, 60, 0));
                TONARI_EXPECT(wrong,
                              same_as_oracle(ask(index, view.row(q), {.k = 60}).value().neighbors, truth, 60, 0));
            }
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("door: what PQ with a byte a part does not take is refused before anything is built", "[contract]") {
    const Rows rows = clustered_rows(Element::float32, 24, 300, 130);
    std::size_t steps = 0;
    const BuildOptions options{.progress = [&](std::size_t, std::size_t) { ++steps; }};
    const auto built = [&](const char* spec, MetricKind metric, MatrixView of) {
        return build(spec, metric, of, {}, options);
    };
    refused(built("PQ5", MetricKind::l2, rows.view()), {"divide 24", "PQ5"});
    refused(built("IVF4,PQ48,RFlat", MetricKind::cosine, rows.view()), {"divide 24", "PQ48"});
    refused(built("IVF4,PQ8", MetricKind::l2, rows.view().slice(0, 255)),
            {"at least 256 rows", "got 255", "PQ8x4fs wants 16"});
    refused(built("PQ8,RFlat", MetricKind::l1, rows.view()), ErrorCode::unsupported, {"l2, ip or cosine", "got l1"});
    refused(built("PQ2", MetricKind::l2, clustered_rows(Element::float32, 2050, 256, 131).view()),
            {"more parts", "PQ2"});
    refused(built("PQ8,R(FP16)", MetricKind::l2, clustered_rows(Element::uint8, 24, 300, 132).view()),
            ErrorCode::unsupported, {"PQ8,R(FP16)", "got uint8"});
    refused(built("IVF4,PQ8,RFlat", MetricKind::hamming, clustered_rows(Element::bits, 24, 300, 133).view()),
            ErrorCode::unsupported, {"got bits", "'IVF4,Flat' fits"});
    CHECK(steps == 0);
    // Bad rows are no bad arguments: dimensions that never change, rows that are all equal, as many lists as rows.
    Rows equal(Element::float32, 24, 300);
    for (std::size_t i = 0; i < equal.size(); ++i) equal.set(i, rows, 0);
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product, MetricKind::cosine}) {
        for (const char* spec : {"PQ8", "PQ24,R(SQ8)", "IVF7,PQ8", "IVF300,PQ8,RFlat"}) {
            CAPTURE(spec, name(metric));
            const Index index = build(spec, metric, equal.view()).value();
            CHECK(index.spec() == spec);
            const Answer all = ask(index, rows.row(1), {.k = 300, .nprobe = 300}).value();
            CHECK(all.size() == 300);
            CHECK(std::all_of(all.begin(), all.end(), [](const Neighbor& n) { return std::isfinite(n.distance); }));
        }
    }
}

TEST_CASE("door: what SQ4 does not take is refused before anything is built, with a spec that fits", "[contract]") {
    const Rows rows = clustered_rows(Element::float32, 24, 50, 140);
    std::size_t steps = 0;
    const BuildOptions options{.progress = [&](std::size_t, std::size_t) { ++steps; }};
    const auto built = [&](const char* spec, MetricKind metric, MatrixView of) {
        return build(spec, metric, of, {}, options);
    };
    for (const char* spec : {"SQ4", "IVF4,SQ4,RFlat", "HNSW16,SQ4", "HNSW16,SQ4,RFlat", "OPQ2,SQ4"}) {
        CAPTURE(spec);
        refused(built(spec, MetricKind::l1, rows.view()), ErrorCode::unsupported, {"l2, ip or cosine", "got l1"});
    }
    refused(built("SQ4", MetricKind::l1, rows.view()), ErrorCode::unsupported, {"SQ8"});
    refused(built("IVF4,SQ4", MetricKind::hamming, clustered_rows(Element::bits, 24, 50, 141).view()),
            ErrorCode::unsupported, {"got bits", "'IVF4,Flat' fits"});
    refused(built("SQ4,R(FP16)", MetricKind::l2, clustered_rows(Element::uint8, 24, 50, 142).view()),
            ErrorCode::unsupported, {"SQ4,R(FP16)", "got uint8"});
    refused(built("IVF4,HNSW4,SQ4", MetricKind::l2, rows.view()), {"goes with IVF<lists> alone", "SQ8", "got 'SQ4'"});
    CHECK(steps == 0);
    refused(grow("IVF4,SQ4", MetricKind::l1, rows.view()), ErrorCode::unsupported, {"l2, ip or cosine", "got l1"});
    refused(grow("HNSW4,SQ4", MetricKind::l2, rows.view()), ErrorCode::unsupported, {"'HNSW4' does"});
    // Bad rows are no bad arguments: one row, rows that are all equal, as many lists as rows.
    Rows equal(Element::float32, 24, 50);
    for (std::size_t i = 0; i < equal.size(); ++i) equal.set(i, rows, 0);
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product, MetricKind::cosine}) {
        for (const char* spec : {"SQ4", "SQ4,R(SQ8)", "IVF7,SQ4", "IVF50,SQ4,RFlat", "HNSW8,SQ4"}) {
            CAPTURE(spec, name(metric));
            const Index index = build(spec, metric, equal.view()).value();
            CHECK(index.spec() == spec);
            const Answer all = ask(index, rows.row(1), {.k = 50, .ef = 50, .nprobe = 50}).value();
            CHECK(all.size() == 50);
            CHECK(std::all_of(all.begin(), all.end(), [](const Neighbor& n) { return std::isfinite(n.distance); }));
        }
        const Index one = build("SQ4", metric, rows.view().slice(0, 1)).value();
        CHECK(ask(one, rows.row(1), {.k = 1})->size() == 1);
    }
}

TEST_CASE("door: what finer codes do not take is refused before anything is built", "[contract]") {
    const Rows whole = clustered_rows(Element::int8, 8, 100, 120);
    Rows large = clustered_rows(Element::float32, 8, 100, 121);
    large.set(7, std::vector<float>(8, 1e6F));
    const Rows halves = clustered_rows(Element::float16, 8, 100, 122);
    std::size_t steps = 0;
    const BuildOptions options{.progress = [&](std::size_t, std::size_t) { ++steps; }};
    const auto built = [&](const char* spec, const Rows& rows) {
        return build(spec, MetricKind::l2, rows.view(), {}, options);
    };
    refused(built("IVF4,RaBitQ,R(SQ8)", whole), ErrorCode::unsupported, {"IVF4,RaBitQ,R(SQ8)", "got int8", "RFlat"});
    refused(built("IVF4,RaBitQ,R(FP16)", whole), ErrorCode::unsupported, {"IVF4,RaBitQ,R(FP16)", "got int8"});
    refused(built("PQ4x4fs,R(BF16)", halves), ErrorCode::unsupported, {"PQ4x4fs,R(BF16)", "got float16"});
    refused(built("IVF4,RaBitQ,R(FP16)", large), {"float16 can hold", "row 7"});
    CHECK(steps == 0);
    // What is said to fit instead is a spec.
    const Rows bits = clustered_rows(Element::bits, 8, 100, 123);
    for (const char* spec : {"RaBitQ,RFlat", "PQ4x4fs,R(SQ8)", "RaBitQ4,RFlat"}) {
        refused(build(spec, MetricKind::hamming, bits.view()), ErrorCode::unsupported, {"got bits", "'Flat' fits"});
    }
    refused(build("RaBitQ4", MetricKind::l1, large.view()), ErrorCode::unsupported, {"l2, ip or cosine", "got l1"});
    refused(build("IVF4,RaBitQ,RFlat", Chebyshev{}, large.view()), ErrorCode::unsupported, {"user", "'IVF4,Flat' fits"});
}
