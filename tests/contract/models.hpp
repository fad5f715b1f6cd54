// Every kind of index there is: each structure over each metric and element, with the metric chosen at run time, as a
// type, and as a user's own. What is asked of one in this folder is asked of all.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tonari/index/build.hpp>
#include <tonari/index/grow.hpp>
#include <tonari/index/registry.hpp>

#include "support/ask.hpp"
#include "support/catch.hpp"
#include "support/chebyshev.hpp"
#include "support/image.hpp"
#include "support/mapped.hpp"
#include "support/oracle.hpp"
#include "support/rounded.hpp"
#include "support/rows.hpp"

namespace tonari::test {

struct Model {
    std::string name;
    std::string spec;
    Element element;  ///< of rows and queries
    MetricKind metric;
    Distance distance;
    bool exact;  ///< compares every row
    std::function<Result<Index>(MatrixView, std::span<const Id>, const BuildOptions&)> build;
    std::function<Result<Index>(const SectionReader&)> open;
    bool grows = false;
    bool rounds = false;  ///< SQ8: what is compared is what rounding leaves of rows and queries
    bool maps = false;    ///< what is compared, and answered, are mapped rows

    /// Of a query from a row, as an index over `rows` knows the two.
    [[nodiscard]] Distance distance_over(const Rows& rows) const {
        if (maps) return mapped_distance(map_for(spec, metric, rows));
        if (!rounds) return distance;
        return rounded_distance(Sq8<>::train(rows.view(), {metric}).value());
    }
    [[nodiscard]] Index built(const Rows& rows, std::span<const Id> ids = {}, const BuildOptions& options = {}) const {
        return build(rows.view(), ids, options).value();
    }
    /// The spec with what the rows are stored as, where that is half precision.
    [[nodiscard]] std::string whole_spec() const {
        const std::string half = element == Element::float16 ? "FP16" : element == Element::bfloat16 ? "BF16" : "";
        if (half.empty()) return spec;
        const std::size_t flat = spec.find("Flat");                                   // gives way: it is what is stored
        if (spec.ends_with("RFlat")) return spec.substr(0, flat) + "(" + half + ")";  // "R(FP16)"
        return flat == std::string::npos ? spec + "," + half : spec.substr(0, flat) + half;
    }
    /// Whether no row is nearer to a row than it is itself. Of products with what is left of rows that is not so.
    [[nodiscard]] bool nearest_to_itself() const {
        return metric != MetricKind::inner_product && !(maps && metric == MetricKind::cosine);
    }
    /// Whether sums over whole numbers are exact, so that answers are the oracle's bit for bit.
    [[nodiscard]] bool sums_exactly() const { return metric != MetricKind::cosine; }
    /// How far kernels may be from float64, for rows like `clustered_rows`.
    [[nodiscard]] float tolerance() const {
        if (rounds) return integer_tolerance();
        if (maps) return metric == MetricKind::cosine ? 3e-6F : 3e-4F;
        if (metric == MetricKind::user || metric == MetricKind::hamming) return 0;
        if (metric == MetricKind::cosine) return 3e-6F;
        return element == Element::int8 || element == Element::uint8 ? 0.0F : 1e-4F;
    }
    [[nodiscard]] float integer_tolerance() const {
        if (rounds && sums_exactly()) return 1e-3F;  // sums are exact; the oracle's floats are rounded once more
        if (maps && sums_exactly()) return 2e-3F;
        return sums_exactly() ? 0.0F : 3e-6F;
    }
};

inline BuildOptions quick_build() { return {.ef_construction = 80}; }

/// The structure over rows whose metric is chosen at run time.
Model any_model(const std::string& spec, MetricKind metric, Element element);
/// The structure over squared L2 as a type.
Model l2_model(const std::string& spec, Element element);
/// All there are.
std::vector<Model> all_models();
/// One or two of each sort, for what costs time.
std::vector<Model> some_models();

inline std::vector<Neighbor> copy(const Nearest& nearest) { return {nearest.begin(), nearest.end()}; }

/// Adds one to `wrong` for each thing that is not as it should be: one assertion a test, not one a query.
#define TONARI_EXPECT(wrong, condition) \
    do {                                \
        if (!(condition)) ++(wrong);    \
    } while (false)

}  // namespace tonari::test
