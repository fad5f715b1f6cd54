// "generated:n=100000,d=128,seed=1": rows of the built-in generator, made where they are used.
#include <tonari/tune/generate.hpp>

#include "cli/dataset_source.hpp"
#include "cli/failure.hpp"
#include "cli/progress.hpp"
#include "cli/text.hpp"

namespace tonari::cli {
namespace {

tune::GenerateOptions parse(const std::string& text) {
    tune::GenerateOptions options;
    const std::string words = text.substr(text.find(':') + 1);
    if (words.empty()) return options;
    for (const std::string& word : split(words, ',')) {
        const std::size_t equals = word.find('=');
        const std::string key = word.substr(0, equals);
        if (equals == std::string::npos || key.empty()) {
            fail_arguments(text + ": expected words like n=100000, got '" + word + "'; separate them by commas");
        }
        const std::size_t value = parse_number(text + ": " + key, word.substr(equals + 1));
        if (key == "n") {
            options.rows = value;
        } else if (key == "d") {
            if (value > max_dim)
                fail_arguments(text + ": expected at most " + std::to_string(max_dim) + " dimensions, got " +
                               std::to_string(value) + "; choose fewer");
            options.dim = static_cast<Dim>(value);
        } else if (key == "queries") {
            options.queries = value;
        } else if (key == "seed") {
            options.seed = value;
        } else if (key == "clusters") {
            options.clusters = value;
        } else if (key == "unit") {
            options.unit_norm = value != 0;
        } else {
            fail_arguments(text + ": expected n, d, queries, seed, clusters or unit, got '" + key +
                           "'; choose one of these");
        }
    }
    return options;
}

Matrix matrix_of(const Bytes& bytes, std::size_t rows, Dim dim) {
    Matrix matrix;
    matrix.bytes = bytes;
    matrix.rows = rows;
    matrix.dim = dim;
    matrix.stride = row_bytes(Element::float32, dim);
    return matrix;
}

}  // namespace

Found find_generated(const DatasetRequest& request) {
    tune::GenerateOptions options = parse(request.data);
    options.threads.count = request.threads;
    Progress progress("generating rows");
    options.progress = progress.callback();
    const tune::GeneratedRows rows = require(tune::generate(options));
    Found found;
    found.name = request.data;
    found.base = matrix_of(rows.base_bytes, rows.rows, rows.dim);
    found.queries = matrix_of(rows.query_bytes, rows.queries, rows.dim);
    found.notes.push_back("rows are from the built-in generator, hash " + hex(rows.hash()));
    return found;
}

}  // namespace tonari::cli
