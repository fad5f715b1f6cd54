// Every kind of index there is: each structure over each metric and element, with the metric chosen at run time, as a
// type, and as a user's own. What is asked of one in this folder is asked of all.
#pragma once

#include <cmath>
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
#include "support/image.hpp"
#include "support/oracle.hpp"
#include "support/rows.hpp"

namespace tonari::test {

/// A user's own metric: the largest difference.
struct Chebyshev {
    static constexpr MetricKind kind = MetricKind::user;
    static constexpr std::string_view name = "chebyshev";
    [[nodiscard]] float distance(VectorView<float> a, VectorView<float> b) const noexcept {
        float largest = 0;
        for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
        return largest;
    }
    [[nodiscard]] float score(float distance) const noexcept { return distance; }
};
static_assert(UserMetric<Chebyshev>);

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

    [[nodiscard]] Index built(const Rows& rows, std::span<const Id> ids = {}, BuildOptions options = {}) const {
        return build(rows.view(), ids, options).value();
    }
    /// The spec with what the rows are stored as, where that is half precision.
    [[nodiscard]] std::string whole_spec() const {
        const std::string half = element == Element::float16 ? "FP16" : element == Element::bfloat16 ? "BF16" : "";
        return half.empty() ? spec : spec == "Flat" ? half : spec + "," + half;
    }
    /// Whether sums over whole numbers are exact, so that answers are the oracle's bit for bit.
    [[nodiscard]] bool sums_exactly() const { return metric != MetricKind::cosine; }
    /// How far kernels may be from float64, for rows like `clustered_rows`.
    [[nodiscard]] float tolerance() const {
        if (metric == MetricKind::user || metric == MetricKind::hamming) return 0;
        if (metric == MetricKind::cosine) return 3e-6F;
        return element == Element::int8 || element == Element::uint8 ? 0.0F : 1e-4F;
    }
    [[nodiscard]] float integer_tolerance() const { return sums_exactly() ? 0.0F : 3e-6F; }
};

inline BuildOptions quick_build() { return {.ef_construction = 80}; }

inline Model any_model(std::string spec, MetricKind metric, Element element) {
    Model model{spec + " " + std::string(name(metric)) + " " + std::string(name(element)),
                spec,
                element,
                metric,
                definition_of(metric),
                spec.starts_with("HNSW") == false,
                {},
                {}};
    model.build = [spec, metric](MatrixView rows, std::span<const Id> ids, const BuildOptions& options) {
        return build(spec, metric, rows, ids, options);
    };
    model.open = [](const SectionReader& reader) { return open_index(reader); };
    return model;
}

/// The structure as a type, nothing erased below it.
template <Metric M>
Model typed_model(std::string spec, Element element) {
    Model model{spec + " typed " + std::string(name(M::kind)) + " " + std::string(name(element)),
                spec,
                element,
                M::kind,
                [](std::span<const float> a, std::span<const float> b) { return M{}.distance(a, b); },
                spec.starts_with("HNSW") == false,
                {},
                {}};
    model.build = [spec, element](MatrixView rows, std::span<const Id> ids,
                                  const BuildOptions& options) -> Result<Index> {
        if constexpr (UserMetric<M>) {
            static_cast<void>(element);  // float32, always
            return build(spec, M{}, rows, ids, options);
        } else {
            return detail::build_over(Flat<M>::create(element, rows.dim()).value(), parse_spec(spec).value(), rows, ids,
                                      options);
        }
    };
    model.open = [](const SectionReader& reader) -> Result<Index> {
        auto codec = Flat<M>::open(reader);
        if (!codec) return std::move(codec).error();
        return open_index(reader, *std::move(codec));
    };
    return model;
}

/// A graph that grew row by row. Every third row came twice: it was there as another row first, was removed, and came again.
template <class M>
Model growing_model(std::string spec, M metric, Element element) {
    MetricKind kind = MetricKind::user;
    Distance distance;
    if constexpr (UserMetric<M>) {
        distance = [](std::span<const float> a, std::span<const float> b) { return M{}.distance(a, b); };
    } else {
        kind = metric;
        distance = definition_of(metric);
    }
    Model model{spec + " growing " + std::string(name(kind)) + " " + std::string(name(element)),
                spec,
                element,
                kind,
                std::move(distance),
                false,
                {},
                {}};
    model.grows = true;
    model.build = [spec, metric](MatrixView rows, std::span<const Id> ids,
                                 const BuildOptions& options) -> Result<Index> {
        if (Status s = detail::check_build(rows, ids, options); !s) return s;
        auto index = grow(spec, metric, rows.element(), rows.dim(), options);
        if (!index) return std::move(index).error();
        for (std::size_t i = 0; i < rows.rows(); ++i) {
            const Id id = ids.empty() ? static_cast<Id>(i) : ids[i];
            const std::span<const Id> named(&id, 1);
            if (i % 3 == 0) {
                if (Status s = index->add(rows.slice(rows.rows() - 1 - i, 1), named); !s) return s;
                if (Status s = index->remove(named); !s) return s;
            }
            if (Status s = index->add(rows.slice(i, 1), named); !s) return s;
        }
        return index->index();
    };
    model.open = [](const SectionReader& reader) -> Result<Index> {
        if constexpr (UserMetric<M>) {
            auto codec = Flat<M>::open(reader);
            if (!codec) return std::move(codec).error();
            return open_index(reader, *std::move(codec));
        } else {
            return open_index(reader);
        }
    };
    return model;
}

inline std::vector<Model> all_models() {
    std::vector<Model> models;
    for (const std::string spec : {"Flat", "HNSW16"}) {
        for (const MetricKind metric : vector_metrics) {
            for (const Element element : all_elements) {
                if (element != Element::bits) models.push_back(any_model(spec, metric, element));
            }
        }
        models.push_back(any_model(spec, MetricKind::hamming, Element::bits));
        models.push_back(typed_model<L2>(spec, Element::float32));
        models.push_back(typed_model<Cosine>(spec, Element::uint8));
        models.push_back(typed_model<Chebyshev>(spec, Element::float32));
    }
    for (const MetricKind metric : vector_metrics) {
        for (const Element element : all_elements) {
            if (element != Element::bits) models.push_back(growing_model("HNSW16", metric, element));
        }
    }
    models.push_back(growing_model("HNSW16", MetricKind::hamming, Element::bits));
    models.push_back(growing_model("HNSW16", Chebyshev{}, Element::float32));
    return models;
}

/// One or two of each sort, for what costs time.
inline std::vector<Model> some_models() {
    return {any_model("Flat", MetricKind::l2, Element::float32),
            any_model("Flat", MetricKind::cosine, Element::int8),
            any_model("Flat", MetricKind::inner_product, Element::bfloat16),
            any_model("Flat", MetricKind::hamming, Element::bits),
            typed_model<Chebyshev>("Flat", Element::float32),
            any_model("HNSW16", MetricKind::l2, Element::float32),
            any_model("HNSW16", MetricKind::l1, Element::uint8),
            any_model("HNSW16", MetricKind::cosine, Element::float16),
            any_model("HNSW16", MetricKind::inner_product, Element::float32),
            any_model("HNSW16", MetricKind::hamming, Element::bits),
            typed_model<L2>("HNSW16", Element::float32),
            typed_model<Chebyshev>("HNSW16", Element::float32),
            growing_model("HNSW16", MetricKind::l2, Element::float32),
            growing_model("HNSW16", MetricKind::inner_product, Element::float32),
            growing_model("HNSW16", MetricKind::cosine, Element::float16),
            growing_model("HNSW16", MetricKind::hamming, Element::bits),
            growing_model("HNSW16", Chebyshev{}, Element::float32)};
}

inline std::vector<Neighbor> copy(const Nearest& nearest) { return {nearest.begin(), nearest.end()}; }

/// Adds one to `wrong` for each thing that is not as it should be: one assertion a test, not one a query.
#define TONARI_EXPECT(wrong, condition) \
    do {                                \
        if (!(condition)) ++(wrong);    \
    } while (false)

}  // namespace tonari::test
