// tonari convert: vector files and id files from one layout to another.
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include <tonari/io/vecs.hpp>

#include "cli/command.hpp"
#include "cli/convert_rows.hpp"
#include "cli/dataset.hpp"
#include "cli/failure.hpp"
#include "cli/hdf5_file.hpp"
#include "cli/text.hpp"

namespace tonari::cli {
namespace {

struct Options {
    std::string in;
    std::string out;
    std::string dataset;
    std::size_t rows = 0;
    bool lossy = false;
};

bool holds_ids(const std::string& extension) { return extension == "ibin" || extension == "ivecs"; }

/// What files of this ending hold; nothing where several elements go (npy).
std::optional<Element> element_of(const std::string& extension) {
    if (extension == "fbin" || extension == "fvecs") return Element::float32;
    if (extension == "f16bin" || extension == "hbin") return Element::float16;
    if (extension == "bf16bin") return Element::bfloat16;
    if (extension == "u8bin" || extension == "bvecs") return Element::uint8;
    if (extension == "i8bin") return Element::int8;
    if (extension == "b1bin") return Element::bits;
    return std::nullopt;
}

void convert_ids(const Options& options) {
    IdMatrix ids = read_id_rows(options.in, options.dataset.empty() ? "neighbors" : options.dataset);
    if (options.rows != 0 && options.rows < ids.rows) {
        ids.rows = options.rows;
        ids.ids.resize(ids.rows * ids.columns);
        if (!ids.distances.empty()) ids.distances.resize(ids.ids.size());
    }
    const bool keeps_distances = extension_of(options.out) == "ibin";
    if (!ids.distances.empty() && !keeps_distances && !options.lossy) {
        fail_arguments(options.out +
                       ": expected a layout that keeps the distances beside the ids, got one that drops them; "
                       "write .ibin, or drop them with --lossy");
    }
    const std::span<const float> distances =
        keeps_distances ? std::span<const float>(ids.distances) : std::span<const float>{};
    require(write_ids(options.out, ids.ids, ids.columns, distances), options.out);
    std::printf("%s: %s x %zu ids\n", options.out.c_str(), grouped(ids.rows).c_str(), ids.columns);
}

void convert(const Options& options) {
    const std::string from = extension_of(options.in);
    const std::string to = extension_of(options.out);
    if (!is_vecs_path(options.out)) {
        fail_arguments(options.out +
                       ": expected an ending of a vector file (fbin, f16bin, bf16bin, u8bin, i8bin, b1bin, ibin, "
                       "fvecs, bvecs, ivecs, npy), got '" +
                       to + "'; choose one of these");
    }
    if (holds_ids(from) && !holds_ids(to) && to != "npy") {
        fail_arguments(options.out + ": expected an id file (ibin, ivecs, npy) for ids, got '" + to +
                       "'; choose one of these");
    }
    if (holds_ids(from) || holds_ids(to)) return convert_ids(options);
    const std::size_t limit = options.rows == 0 ? std::numeric_limits<std::size_t>::max() : options.rows;
    std::string rounded;
    Matrix rows = read_rows(options.in, limit, options.dataset.empty() ? "train" : options.dataset, &rounded);
    if (!rounded.empty() && !options.lossy) fail_arguments(options.in + ": " + rounded + "; --lossy rounds");
    if (const std::optional<Element> element = element_of(to))
        rows = convert_rows(rows, *element, options.lossy, options.in);
    require(write_matrix(options.out, rows.view()), options.out);
    std::printf("%s: %s\n", options.out.c_str(), shape(rows.rows, rows.dim, rows.element).c_str());
}

}  // namespace

Command add_convert(CLI::App& tonari) {
    const auto options = std::make_shared<Options>();
    CLI::App* app =
        tonari.add_subcommand("convert", "Convert a vector or id file to another layout, told by its ending");
    app->add_option("IN", options->in,
                    "fbin, f16bin, bf16bin, u8bin, i8bin, b1bin, ibin, fvecs, bvecs, ivecs, npy or hdf5")
        ->required();
    app->add_option("OUT", options->out, "The same, but for hdf5")->required();
    app->add_option("--dataset", options->dataset, "Which data set of an .hdf5 [train; neighbors for ids]")
        ->type_name("NAME");
    app->add_option("--rows", options->rows, "Only the first so many")->type_name("N");
    app->add_flag("--lossy", options->lossy, "Round values that the new layout cannot hold, instead of refusing");
    app->footer(
        "u8bin and b1bin are the same bytes: eight bits a byte, lowest first.\n"
        "Example: tonari convert sift-128-euclidean.hdf5 base.fbin --dataset train");
    return {app, [options] { convert(*options); }};
}

}  // namespace tonari::cli
