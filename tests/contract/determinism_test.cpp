// The same rows, spec and seed give the same file, whatever the number of threads and whoever owns them.
#include <thread>

#include "contract/models.hpp"
#include "support/executor.hpp"

using namespace tonari;
using namespace tonari::test;

TEST_CASE("determinism: the same bytes for any number of threads", "[contract]") {
    ThreadExecutor executor(3);
    std::size_t turn = 0;
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product, MetricKind::cosine}) {
        for (const Element element : {Element::float32, Element::uint8, Element::float16}) {
            for (const std::string spec :
                 {"Flat", "HNSW8", "SQ8", "HNSW8,SQ8", "IVF16,SQ8", "IVF16_SOAR,Flat", "IVF16,HNSW8", "IVF3,HNSW8"}) {
                if (element == Element::uint8 && spec.ends_with("SQ8")) continue;
                const bool duplicates = ++turn % 4 < 2;  // over flat and graph, and over the elements
                INFO(spec << " " << name(metric) << " " << name(element) << (duplicates ? ", with duplicates" : ""));
                Rows rows = clustered_rows(element, 24, 1200, 100);
                if (duplicates) {
                    for (std::size_t i = 0; i < rows.size(); i += 3) rows.set(i, rows, i % 50);
                }
                const auto built_with = [&](const Threads& threads) {
                    BuildOptions options = quick_build();
                    options.threads = threads;
                    return image_of(build(spec, metric, rows.view(), {}, options).value());
                };
                const auto one = built_with({1});
                CHECK(one == built_with({1}));
                CHECK(one == built_with({2}));
                CHECK(one == built_with({2}));
                CHECK(one == built_with({4}));
                if (element == Element::float32) CHECK(one == built_with({3, &executor}));
            }
        }
    }
}

TEST_CASE("determinism: typed and run-time metrics, and any alignment of the rows, give the same bytes", "[contract]") {
    const Rows rows = clustered_rows(Element::float32, 24, 1500, 101);
    for (const char* spec : {"Flat", "HNSW16"}) {
        const Index run_time = build(spec, MetricKind::l2, rows.view(), {}, quick_build()).value();
        CHECK(image_of(l2_model(spec, Element::float32).built(rows, {}, quick_build())) == image_of(run_time));
        std::vector<std::byte> shifted(rows.bytes().size() + 64);
        for (const std::size_t offset : {4U, 20U, 36U}) {
            std::copy(rows.bytes().begin(), rows.bytes().end(), shifted.begin() + static_cast<std::ptrdiff_t>(offset));
            const MatrixView view(shifted.data() + offset, rows.size(), rows.dim(), Element::float32);
            CHECK(image_of(build(spec, MetricKind::l2, view, {}, quick_build()).value()) == image_of(run_time));
        }
    }
}

TEST_CASE("determinism: another seed is another graph, as good", "[contract]") {
    const Rows rows = clustered_rows(Element::float32, 24, 1500, 102);
    BuildOptions options = quick_build();
    const auto image = image_of(build("HNSW16", MetricKind::l2, rows.view(), {}, options).value());
    options.seed = 43;
    const Index other = build("HNSW16", MetricKind::l2, rows.view(), {}, options).value();
    CHECK(image_of(other) != image);
    CHECK(image_of(other) == image_of(build("HNSW16", MetricKind::l2, rows.view(), {}, options).value()));
    double found = 0;
    for (std::size_t i = 0; i < 50; ++i) {
        const auto truth = all_sorted(definition_of(MetricKind::l2), rows, {}, rows.values(i));
        found += recall(ask(other, rows.row(i), {.ef = 128}).value().neighbors, truth, 10, 1e-4F);
    }
    CHECK(found >= 0.95 * 50);
}

TEST_CASE("determinism: progress is told from the calling thread, and ends at all rows", "[contract]") {
    const Rows rows = clustered_rows(Element::float32, 24, 3000, 103);
    for (const std::string_view spec :
         {"Flat", "HNSW16", "HNSW16,SQ8", "RaBitQ,RFlat", "IVF24,RaBitQ,RFlat", "IVF24,PQ8,RFlat", "IVF24,RaBitQ4",
          "IVF24_SOAR,RaBitQ,RFlat", "HNSW16,SQ8,RFlat", "HNSW16,RaBitQ,RFlat", "HNSW16,PQ8", "IVF24,SQ4,RFlat",
          "HNSW16,SQ4", "IVF24,HNSW16", "IVF2,HNSW16"}) {
        std::vector<std::size_t> told;
        bool elsewhere = false;
        BuildOptions options = quick_build();
        options.threads = {2};
        options.progress = [&, caller = std::this_thread::get_id()](std::size_t done, std::size_t total) {
            elsewhere = elsewhere || std::this_thread::get_id() != caller || total != rows.size();
            told.push_back(done);
        };
        CHECK(build(spec, MetricKind::l2, rows.view(), {}, options).ok());
        CHECK_FALSE(elsewhere);
        REQUIRE_FALSE(told.empty());
        CHECK(std::is_sorted(told.begin(), told.end()));
        CHECK(told.back() == rows.size());
        if (spec.ends_with("RFlat"))
            CHECK(std::count(told.begin(), told.end(), rows.size()) == 1);  // not before the finer rows
        if (spec != "HNSW16") continue;
        // The trial of 8 bits before the first row, and confirming after the last, are told too.
        CHECK(std::count_if(told.begin(), told.end(), [&](std::size_t done) { return done < rows.size() / 30; }) > 3);
        CHECK(std::count_if(told.begin(), told.end(), [&](std::size_t done) { return done > rows.size() * 97 / 100; }) >
              1);
    }
}
