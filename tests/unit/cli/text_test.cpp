#include "cli/text.hpp"

#include "cli/bench_result.hpp"
#include "cli/failure.hpp"
#include "cli/table.hpp"
#include "support/catch.hpp"

using namespace tonari;

TEST_CASE("numbers as people read them") {
    CHECK(cli::grouped(0) == "0");
    CHECK(cli::grouped(999) == "999");
    CHECK(cli::grouped(1000) == "1,000");
    CHECK(cli::grouped(12'345'678) == "12,345,678");
    CHECK(cli::short_number(0.1234) == "0.123");
    CHECK(cli::short_number(12.34) == "12.3");
    CHECK(cli::short_number(12345.6) == "12,346");
    CHECK(cli::human_bytes(1023) == "1023 bytes");
    CHECK(cli::human_bytes(1536 * 1024) == "1.5 MiB");
    CHECK(cli::human_seconds(0.05) == "50 ms");
    CHECK(cli::human_seconds(185) == "3 min 5 s");
    CHECK(cli::hex(255) == "00000000000000ff");
}

TEST_CASE("words of the command line") {
    CHECK(cli::parse_metric("angular") == MetricKind::cosine);
    CHECK(cli::parse_metric("ip") == MetricKind::inner_product);
    CHECK_THROWS_AS(cli::parse_metric("L2"), cli::Failure);
    CHECK(cli::extension_of("a.b/c") == "");
    CHECK(cli::extension_of("a/b.FBIN") == "fbin");
    CHECK(cli::split("a,,b", ',') == std::vector<std::string>{"a", "", "b"});
    CHECK(cli::parse_number("n", "12") == 12);
    for (const char* text : {"", "-1", "1e6", " 1", "99999999999999999999999"}) {
        CHECK_THROWS_AS(cli::parse_number("n", text), cli::Failure);
    }
}

TEST_CASE("tables are aligned") {
    cli::Table table({"name", "value"}, 1);
    table.add({"a", "1,000"});
    table.add({"longer", "2"});
    CHECK(table.text("") == "name    value\n-------------\na       1,000\nlonger      2\n");
}

TEST_CASE("a bench names the recalls that it did not reach by leaving them out") {
    cli::BenchResult bench;
    bench.n = 10;
    cli::IndexResult result;
    result.index = "X\xff";  // no UTF-8: replaced, not refused
    result.points = {{10, 0.92, 100, 10, 10, 20}, {20, 0.96, 50, 20, 20, 40}};
    bench.results.push_back(result);
    const std::string json = cli::bench_json(bench);
    CHECK(json.find("\"0.90\"") != std::string::npos);
    CHECK(json.find("\"floor\": true") != std::string::npos);
    CHECK(json.find("\"0.95\"") != std::string::npos);
    CHECK(json.find("\"0.99\"") == std::string::npos);
    CHECK(json.find("\"build_peak_bytes\": null") != std::string::npos);
}
