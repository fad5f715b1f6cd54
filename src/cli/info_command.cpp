// tonari info: what a segment file holds; without a file, what this command and this machine can do.
#include <cstdio>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include <tonari/io/file_reader.hpp>
#include <tonari/segment/segment.hpp>
#include <tonari/simd/level.hpp>
#include <tonari/version.hpp>

#include "cli/command.hpp"
#include "cli/failure.hpp"
#include "cli/hdf5_file.hpp"
#include "cli/machine.hpp"
#include "cli/table.hpp"
#include "cli/text.hpp"

namespace tonari::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
    std::string file;
    bool json = false;
    bool graph = false;
};

Json machine_json() {
    Json levels = Json::array();
    for (const simd::Level level : simd::available_levels()) levels.push_back(name(level));
    return {{"version", version()},
            {"machine", machine()},
            {"simd", name(simd::active_level())},
            {"simd_available", levels},
            {"format_version", format_version},
            {"hdf5", hdf5_available()}};
}

void print_machine(bool as_json) {
    const Json json = machine_json();
    if (as_json) {
        std::printf("%s\n", json.dump(2).c_str());
        return;
    }
    std::string levels;
    for (const auto& level : json["simd_available"]) levels += (levels.empty() ? "" : ", ") + level.get<std::string>();
    std::printf("tonari %s\n", std::string(version()).c_str());
    std::printf("  machine   %s\n", machine().c_str());
    std::printf("  SIMD      %s in use; available: %s (TONARI_SIMD chooses)\n",
                std::string(name(simd::active_level())).c_str(), levels.c_str());
    std::printf("  files     format %u; HDF5 %s\n", format_version, hdf5_available() ? "yes" : "no");
}

Json graph_json(const GraphSummary& graph) {
    Json json = {{"rows", graph.rows}, {"unreachable", graph.unreachable}, {"most_named", graph.most_named}};
    json["layers"] = Json::array();
    for (const GraphSummary::Layer& layer : graph.layers) {
        json["layers"].push_back({{"vertices", layer.vertices},
                                  {"room", layer.room},
                                  {"fewest_links", layer.fewest},
                                  {"mean_links", layer.mean},
                                  {"most_links", layer.most},
                                  {"bytes", layer.bytes}});
    }
    return json;
}

Json file_json(const std::string& path, bool graph) {
    const FileReader file = require(FileReader::open(path), path);
    const Segment segment = require(Segment::open(path), path);
    const Index& index = segment.index();
    Json json = {{"file", path},
                 {"spec", index.spec()},
                 {"metric", name(index.metric())},
                 {"element", name(index.element())},
                 {"n", index.size()},
                 {"dim", index.dim()},
                 {"bytes", index.bytes()},
                 {"file_bytes", file.frame().file_size},
                 {"format_version", file.frame().version}};
    json["parts"] = Json::array();
    for (const IndexPart& part : index.parts()) json["parts"].push_back({{"name", part.name}, {"bytes", part.bytes}});
    if (const auto lists = index.lists()) {
        json["lists"] = {{"lists", lists->lists},   {"rows", lists->rows}, {"empty", lists->empty},
                         {"fewest", lists->fewest}, {"most", lists->most}, {"imbalance", lists->imbalance}};
    }
    if (graph) {
        const auto summary = index.graph();
        if (!summary)
            fail_arguments("--graph: expected an index that is one graph, HNSW<M>, got '" + index.spec() + "'");
        json["graph"] = graph_json(*summary);
    }
    json["sections"] = Json::array();
    for (const SectionInfo& section : file.frame().sections) {
        json["sections"].push_back({{"name", section.name},
                                    {"version", section.version},
                                    {"offset", section.offset},
                                    {"bytes", section.size},
                                    {"checksum", hex(section.checksum)}});
    }
    return json;
}

void print_graph(const Json& graph) {
    Table layers({"layer", "vertices", "room for links", "fewest", "mean", "most", "bytes"}, 1);
    std::size_t number = 0;
    for (const Json& layer : graph["layers"]) {
        layers.add(
            {std::to_string(number++), grouped(layer["vertices"].get<std::size_t>()),
             std::to_string(layer["room"].get<std::size_t>()), std::to_string(layer["fewest_links"].get<std::size_t>()),
             short_number(layer["mean_links"].get<double>()), std::to_string(layer["most_links"].get<std::size_t>()),
             grouped(layer["bytes"].get<std::size_t>())});
    }
    const auto rows = graph["rows"].get<std::size_t>();
    const auto vertices = graph["layers"].empty() ? 0 : graph["layers"][0]["vertices"].get<std::size_t>();
    std::printf("%s  %s; %s; in %s lists stands the vertex that stands in most\n\n", layers.text().c_str(),
                vertices == rows ? "each row has a vertex"
                                 : (grouped(rows - vertices) + " rows share another's, which they equal").c_str(),
                graph["unreachable"].get<std::size_t>() == 0
                    ? "every one can be reached"
                    : (grouped(graph["unreachable"].get<std::size_t>()) + " CANNOT BE REACHED").c_str(),
                grouped(graph["most_named"].get<std::size_t>()).c_str());
}

void print_file(const Json& json) {
    const auto rows = json["n"].get<std::size_t>();
    const auto bytes_of = [](const Json& value) { return human_bytes(static_cast<double>(value.get<std::size_t>())); };
    std::printf("%s\n", json["file"].get<std::string>().c_str());
    std::printf("  index     %s\n", json["spec"].get<std::string>().c_str());
    std::printf("  metric    %s\n", json["metric"].get<std::string>().c_str());
    std::printf("  rows      %s x %zu %s\n", grouped(rows).c_str(), json["dim"].get<std::size_t>(),
                json["element"].get<std::string>().c_str());
    if (json.contains("lists")) {
        const Json& lists = json["lists"];
        std::printf(
            "  lists     %s of %s to %s rows, imbalance %s\n", grouped(lists["lists"].get<std::size_t>()).c_str(),
            grouped(lists["fewest"].get<std::size_t>()).c_str(), grouped(lists["most"].get<std::size_t>()).c_str(),
            short_number(lists["imbalance"].get<double>()).c_str());
    }
    std::printf("  memory    %s (%s bytes a row)\n", bytes_of(json["bytes"]).c_str(),
                short_number(json["bytes"].get<double>() / static_cast<double>(rows)).c_str());
    std::printf("  file      %s, format %u\n\n", bytes_of(json["file_bytes"]).c_str(),
                json["format_version"].get<unsigned>());
    Table parts({"part", "bytes", "a row"}, 1);
    for (const Json& part : json["parts"]) {
        parts.add({part["name"].get<std::string>(), grouped(part["bytes"].get<std::size_t>()),
                   short_number(part["bytes"].get<double>() / static_cast<double>(rows))});
    }
    std::printf("%s\n", parts.text().c_str());
    if (json.contains("graph")) print_graph(json["graph"]);
    Table sections({"section", "version", "offset", "bytes", "checksum"}, 1);
    for (const Json& section : json["sections"]) {
        sections.add({section["name"].get<std::string>(), std::to_string(section["version"].get<unsigned>()),
                      grouped(section["offset"].get<std::size_t>()), grouped(section["bytes"].get<std::size_t>()),
                      section["checksum"].get<std::string>()});
    }
    std::printf("%s", sections.text().c_str());
}

void info(const Options& options) {
    if (options.file.empty() && options.graph) fail_arguments("--graph: expected a file beside it, got none");
    if (options.file.empty()) return print_machine(options.json);
    const Json json = file_json(options.file, options.graph);
    if (options.json) {
        std::printf("%s\n", json.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
    } else {
        print_file(json);
    }
}

}  // namespace

Command add_info(CLI::App& tonari) {
    const auto options = std::make_shared<Options>();
    CLI::App* app = tonari.add_subcommand("info", "Say what a segment file holds, or what this machine can do");
    app->add_option("FILE", options->file, "A segment file; without one: version, CPU level, formats");
    app->add_flag("--json", options->json, "As JSON");
    app->add_flag("--graph", options->graph, "Of a graph also degrees and reachability, for which every link is read");
    app->footer("Reads the frame and how long lists are, with --graph all links; 'tonari verify' reads every byte.");
    return {app, [options] { info(*options); }};
}

}  // namespace tonari::cli
