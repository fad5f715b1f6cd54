#include "cli/text.hpp"

#include "cli/bench_result.hpp"
#include "cli/failure.hpp"
#include "cli/machine.hpp"
#include "cli/range_file.hpp"
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
    CHECK(cli::extension_of("a.b/c").empty());
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
    CHECK(json.find("\"load_per_core\": null") != std::string::npos);
}

TEST_CASE("a bench says when it was, and whether the machine was busy") {
    const std::string now = cli::now_utc();
    REQUIRE(now.size() == std::string("2026-11-28T09:30:00Z").size());
    CHECK(now[10] == 'T');
    CHECK(now.back() == 'Z');
    cli::BenchResult bench;
    bench.date = now;
    CHECK(cli::busy_text(bench).empty());  // not every system counts
    bench.load = 0.3;
    CHECK(cli::busy_text(bench).empty());
    CHECK(cli::bench_json(bench).find("busy") == std::string::npos);
    bench.load = 0.934;
    CHECK(cli::busy_text(bench).find("a load average of 0.93 a core") != std::string::npos);
    const std::string json = cli::bench_json(bench);
    CHECK(json.find("\"date\": \"" + now + "\"") != std::string::npos);
    CHECK(json.find("\"load_per_core\": 0.93") != std::string::npos);
    CHECK(json.find(cli::busy_text(bench)) != std::string::npos);
}

TEST_CASE("range answers that 32 bits do not count are refused, not wrapped") {
    CHECK(cli::range_head(std::vector<std::size_t>{0, 2, 2, 5}) == std::vector<std::int32_t>{3, 5, 2, 0, 3});
    const std::size_t most = 2'147'483'647;
    CHECK(cli::range_head(std::vector<std::size_t>{0, most})[1] == 2'147'483'647);
    CHECK_THROWS_AS(cli::range_head(std::vector<std::size_t>{0, most, most + 1}), cli::Failure);
    CHECK(cli::range_ids(std::vector<Id>{0, 2'147'483'647}) == std::vector<std::int32_t>{0, 2'147'483'647});
    CHECK_THROWS_AS(cli::range_ids(std::vector<Id>{2'147'483'648}), cli::Failure);
}
