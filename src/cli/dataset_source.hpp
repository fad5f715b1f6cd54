// The places that data comes from. Each fills a `Found`; dataset.cpp makes one `Dataset` of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/dataset.hpp"

namespace tonari::cli {

struct Found {
    std::string name;
    Matrix base;         ///< at most one row more than asked for, which tells that there are more
    Matrix queries;      ///< empty: none came with the data
    std::string metric;  ///< what the data says of itself; may be empty
    std::optional<tune::GroundTruth> truth;
    std::string truth_origin;
    std::vector<std::string> notes;
};

Found find_in_folder(const DatasetRequest& request, std::size_t max_rows);
Found find_in_hdf5(const DatasetRequest& request, std::size_t max_rows);
Found find_generated(const DatasetRequest& request);

tune::GroundTruth truth_from(IdMatrix ids);
/// gt.ibin, with gt_dist.fbin beside it if that is there.
tune::GroundTruth truth_from_file(const std::string& path);

}  // namespace tonari::cli
