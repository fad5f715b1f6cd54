// What a command works on, wherever it comes from: a folder, a vector file, HDF5, or the generator.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <tonari/core/types.hpp>
#include <tonari/io/vecs.hpp>
#include <tonari/tune/ground_truth.hpp>

namespace tonari::cli {

struct DatasetRequest {
    std::string data;               ///< folder, file, or "generated:n=100000,d=128,seed=1"
    std::string metric;             ///< empty: the data's own, else l2
    std::string queries;            ///< a vector file; empty: the data's own
    std::string ground_truth;       ///< an id file; empty: the data's own, if there is one
    std::size_t rows = 0;           ///< use the first so many; 0: all
    std::size_t limit_queries = 0;  ///< likewise
    bool with_queries = true;       ///< false: only rows are wanted
    unsigned threads = 0;
};

struct Dataset {
    std::string name;
    Matrix base;
    Matrix queries;
    MetricKind metric = MetricKind::l2;
    std::optional<tune::GroundTruth> truth;
    std::string truth_origin;        ///< a file's name
    std::vector<std::string> notes;  ///< what was decided on the way, one sentence each
};

/// Ends the command if it cannot be had.
Dataset open_dataset(const DatasetRequest& request);

/// A vector file, or the data set `dataset` of an HDF5 file.
/// `rounded`: as of hdf5_matrix.
Matrix read_rows(const std::string& path, std::size_t max_rows, const std::string& dataset = "train",
                 std::string* rounded = nullptr);
/// The same for ids.
IdMatrix read_id_rows(const std::string& path, const std::string& dataset = "neighbors");

/// Bytes read as eight dimensions each: how sets of bits are kept in u8bin files.
void bytes_to_bits(Matrix& rows) noexcept;

}  // namespace tonari::cli
