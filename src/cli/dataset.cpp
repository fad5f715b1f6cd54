#include "cli/dataset.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "cli/dataset_source.hpp"
#include "cli/failure.hpp"
#include "cli/hdf5_file.hpp"
#include "cli/text.hpp"

namespace tonari::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();
constexpr std::size_t held_out = 1000;

Found find(const DatasetRequest& request) {
    const std::size_t max_rows = request.rows == 0 ? no_limit : request.rows + 1;
    if (request.data.starts_with("generated:")) return find_generated(request);
    std::error_code ignored;
    if (fs::is_directory(request.data, ignored)) return find_in_folder(request, max_rows);
    if (!fs::exists(request.data, ignored)) {
        fail_world(request.data +
                   ": expected a folder, a vector file or 'generated:...', got nothing of that name; check the path");
    }
    if (is_hdf5_path(request.data)) return find_in_hdf5(request, max_rows);
    Found found;
    found.name = fs::path(request.data).stem().string();
    // Held-out queries are the last rows, so then the whole file is wanted.
    const bool hold_out = request.with_queries && request.queries.empty();
    found.base = read_rows(request.data, hold_out ? no_limit : max_rows);
    return found;
}

void truncate(Matrix& rows, std::size_t count) noexcept { rows.rows = std::min(rows.rows, count); }

void hold_out_queries(Found& found) {
    const std::size_t count = std::min(held_out, found.base.rows / 10);
    if (count == 0) {
        fail_arguments(found.name + ": expected queries or at least 10 rows to hold some out, got " +
                       std::to_string(found.base.rows) + " rows; name a file with --queries");
    }
    found.queries = found.base;
    const std::size_t offset = (found.base.rows - count) * found.base.stride;
    found.queries.bytes = found.base.bytes.slice(offset, found.base.bytes.size() - offset);
    found.queries.rows = count;
    found.base.rows -= count;
    found.truth.reset();
    found.notes.push_back("no queries came with the data: the last " + grouped(count) +
                          " rows are held out as queries");
}

void cut_truth(tune::GroundTruth& truth, std::size_t queries) {
    if (truth.queries <= queries) return;
    truth.queries = queries;
    truth.ids.resize(queries * truth.k);
    if (!truth.distances.empty()) truth.distances.resize(queries * truth.k);
}

void check_shapes(const Dataset& data) {
    if (data.queries.dim != data.base.dim) {
        fail_arguments("queries: expected " + std::to_string(data.base.dim) + " dimensions like the rows, got " +
                       std::to_string(data.queries.dim) + "; name another file with --queries");
    }
    if (data.queries.element != data.base.element) {
        fail_arguments("queries: expected " + std::string(name(data.base.element)) + " like the rows, got " +
                       std::string(name(data.queries.element)) + "; convert them with 'tonari convert'");
    }
}

}  // namespace

Dataset open_dataset(const DatasetRequest& request) {
    Found found = find(request);
    if (!request.queries.empty()) {
        found.queries = read_rows(request.queries, no_limit, "test");
        found.truth.reset();  // it belongs to other queries
    } else if (request.with_queries && found.queries.rows == 0) {
        hold_out_queries(found);
    }
    if (!request.ground_truth.empty()) {
        found.truth = truth_from_file(request.ground_truth);
        found.truth_origin = request.ground_truth;
    }

    Dataset data;
    data.name = std::move(found.name);
    data.base = std::move(found.base);
    data.queries = std::move(found.queries);
    data.truth = std::move(found.truth);
    data.truth_origin = std::move(found.truth_origin);
    data.notes = std::move(found.notes);
    if (!request.metric.empty()) {
        data.metric = parse_metric(request.metric);
    } else if (!found.metric.empty()) {
        data.metric = parse_metric(found.metric);
    } else if (data.base.element == Element::bits) {
        data.metric = MetricKind::hamming;
    }
    if (request.rows != 0 && data.base.rows > request.rows) {
        truncate(data.base, request.rows);
        if (data.truth) data.notes.emplace_back("the ground truth is of more rows than are used: it is computed anew");
        data.truth.reset();
    }
    if (data.metric == MetricKind::hamming && data.base.element == Element::uint8) {
        bytes_to_bits(data.base);
        if (data.queries.rows != 0) bytes_to_bits(data.queries);
    }
    if (request.with_queries) {
        check_shapes(data);
        if (request.limit_queries != 0) truncate(data.queries, request.limit_queries);
        if (data.truth) {
            cut_truth(*data.truth, data.queries.rows);
            require(tune::check_ground_truth(*data.truth, data.queries.rows, data.base.rows), data.truth_origin);
        }
    }
    return data;
}

Matrix read_rows(const std::string& path, std::size_t max_rows, const std::string& dataset, std::string* rounded) {
    if (is_hdf5_path(path)) return hdf5_matrix(path, dataset, max_rows, rounded);
    ReadOptions options;
    options.max_rows = max_rows;
    return require(read_matrix(path, options));
}

IdMatrix read_id_rows(const std::string& path, const std::string& dataset) {
    if (is_hdf5_path(path)) return hdf5_ids(path, dataset);
    return require(read_ids(path));
}

void bytes_to_bits(Matrix& rows) noexcept {
    rows.element = Element::bits;
    rows.dim *= 8;
}

}  // namespace tonari::cli
