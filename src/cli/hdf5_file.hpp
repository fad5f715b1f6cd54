// The HDF5 files of ann-benchmarks.com: data sets train, test, neighbors, distances and the attribute "distance".
// The only file that knows HDF5 is hdf5_file.cpp; without the library it says so.
#pragma once

#include <string>

#include <tonari/io/vecs.hpp>

namespace tonari::cli {

/// Whether this command was built with HDF5.
bool hdf5_available() noexcept;
bool is_hdf5_path(const std::string& path);

bool hdf5_has(const std::string& path, const std::string& dataset);
/// One-byte integers stay as they are, other numbers become float32. Booleans (ann-benchmarks' Hamming sets) become
/// bits. At most `max_rows` rows are read. Where float32 does not hold a value and it is rounded, the first such is told
/// in `rounded`, and on stderr if there is none to tell it in.
Matrix hdf5_matrix(const std::string& path, const std::string& dataset, std::size_t max_rows,
                   std::string* rounded = nullptr);
IdMatrix hdf5_ids(const std::string& path, const std::string& dataset);
/// The attribute "distance" ("euclidean", "angular", ...), empty if there is none.
std::string hdf5_distance(const std::string& path);

}  // namespace tonari::cli
