// The models, each structure compiled once for each metric that is a type.
#include "contract/models.hpp"

namespace tonari::test {
namespace {

/// A spec of lists, with fewer of them where there are few rows; with codes that need no training where there are too
/// few; mapped to no more dimensions than rows have.
std::string spec_for(std::string spec, std::size_t rows, Dim dim) {
    const auto transform = parse_spec(spec).value().transform;
    if (transform) {
        spec = spec_within(spec, dim);
        const std::size_t comma = spec.find(',') + 1;
        return spec.substr(0, comma) + spec_for(spec.substr(comma), rows, dim);
    }
    const std::size_t trained = spec.find("PQ1x4fs");
    if (trained != std::string::npos && rows < 16) spec.replace(trained, 7, "RaBitQ");
    const std::size_t bytes = spec.find("PQ1,");
    if (bytes != std::string::npos && rows < 256) spec.replace(bytes, 3, "SQ4");
    if (!spec.starts_with("IVF") || rows >= 400) return spec;
    const std::size_t again = spec.find("_SOAR");
    if (again != std::string::npos && rows < 16) spec.erase(again, 5);  // one list
    const std::size_t end = spec.find_first_of(",_");
    return "IVF" + std::to_string(rows / 16 + 1) + spec.substr(end);
}

/// The structure as a type, nothing erased below it.
template <Metric M>
Model typed_model(const std::string& spec, Element element) {
    Model model{spec + " typed " + std::string(name(M::kind)) + " " + std::string(name(element)),
                spec,
                element,
                M::kind,
                [](std::span<const float> a, std::span<const float> b) { return M{}.distance(a, b); },
                spec.starts_with("Flat"),
                {},
                {}};
    model.build = [spec, element](MatrixView rows, std::span<const Id> ids,
                                  const BuildOptions& options) -> Result<Index> {
        if constexpr (UserMetric<M>) {
            static_cast<void>(element);  // float32, always
            return build(spec_for(spec, rows.rows(), rows.dim()), M{}, rows, ids, options);
        } else {
            return detail::build_over(Flat<M>::create(element, rows.dim()).value(),
                                      parse_spec(spec_for(spec, rows.rows(), rows.dim())).value(), rows, ids, options);
        }
    };
    model.open = [](const SectionReader& reader) -> Result<Index> {
        auto codec = Flat<M>::open(reader);
        if (!codec) return std::move(codec).error();
        return open_index(reader, *std::move(codec));
    };
    return model;
}

/// The model of an index that begins with all its rows and then grows: every third goes, comes as another row, goes and comes
/// again.
template <class M>
Model began_with_rows(Model model, M metric) {
    model.name += " growing";
    model.grows = true;
    model.build = [spec = model.spec, metric](MatrixView rows, std::span<const Id> ids,
                                              const BuildOptions& options) -> Result<Index> {
        auto index = grow(spec_for(spec, rows.rows(), rows.dim()), metric, rows, ids, options);
        if (!index) return std::move(index).error();
        for (std::size_t i = 0; i < rows.rows(); i += 3) {
            const Id id = ids.empty() ? static_cast<Id>(i) : ids[i];
            for (const std::size_t row : {rows.rows() - 1 - i, i}) {
                if (Status s = index->remove(id); !s) return s;
                if (Status s = index->add(rows.row(row), id); !s) return s;
            }
        }
        return index->index();
    };
    return model;
}

/// Rounded rows. What grows begins with rows, where there is something to train.
Model rounded_model(const std::string& spec, MetricKind metric, bool grows = false) {
    Model model = any_model(spec, metric, Element::float32);
    model.exact = spec.starts_with("SQ8");
    model.rounds = true;
    return grows ? began_with_rows(std::move(model), metric) : model;
}

/// Lists that grow, about the centroids of the rows that they begin with.
Model growing_lists(const std::string& spec, MetricKind metric, Element element) {
    return began_with_rows(any_model(spec, metric, element), metric);
}

/// Mapped rows, and their distances as answers.
Model mapped_model(const std::string& spec, MetricKind metric) {
    Model model = any_model(spec, metric, Element::float32);
    model.exact = spec == "RR,Flat";
    model.maps = true;
    return model;
}

/// A graph that grew row by row. Every third row came twice: it was there as another row first, was removed, and came again.
template <class M>
Model growing_model(const std::string& spec, M metric, Element element) {
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

}  // namespace

Model any_model(const std::string& spec, MetricKind metric, Element element) {
    Model model{spec + " " + std::string(name(metric)) + " " + std::string(name(element)),
                spec,
                element,
                metric,
                definition_of(metric),
                spec.starts_with("Flat"),
                {},
                {}};
    model.build = [spec, metric](MatrixView rows, std::span<const Id> ids, const BuildOptions& options) {
        return build(spec_for(spec, rows.rows(), rows.dim()), metric, rows, ids, options);
    };
    model.open = [](const SectionReader& reader) { return open_index(reader); };
    return model;
}

Model l2_model(const std::string& spec, Element element) { return typed_model<L2>(spec, element); }

std::vector<Model> all_models() {
    std::vector<Model> models;
    for (const std::string spec : {"Flat", "HNSW16", "IVF24,Flat", "IVF24,HNSW16"}) {
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
    models.push_back(any_model("IVF24_HNSW8,Flat", MetricKind::l2, Element::float32));
    models.push_back(any_model("IVF24_HNSW8,Flat", MetricKind::hamming, Element::bits));
    for (const MetricKind metric : vector_metrics) {  // cells that are walked, where those above are scanned
        models.push_back(any_model("IVF2,HNSW4", metric, Element::float32));
        models.push_back(any_model("IVF3,HNSW4", metric, Element::uint8));
    }
    models.push_back(any_model("IVF2,HNSW4", MetricKind::hamming, Element::bits));
    models.push_back(typed_model<Chebyshev>("IVF2,HNSW4", Element::float32));
    models.push_back(any_model("IVF24_HNSW8,HNSW16", MetricKind::l2, Element::float32));
    models.push_back(any_model("IVF24_HNSW8,HNSW16", MetricKind::hamming, Element::bits));
    for (const MetricKind metric : vector_metrics) {
        for (const Element element : all_elements) {
            if (element != Element::bits) models.push_back(growing_model("HNSW16", metric, element));
        }
    }
    models.push_back(growing_model("HNSW16", MetricKind::hamming, Element::bits));
    models.push_back(growing_model("HNSW16", Chebyshev{}, Element::float32));
    for (const MetricKind metric : vector_metrics) {
        for (const Element element : all_elements) {
            if (element != Element::bits) models.push_back(growing_lists("IVF24,Flat", metric, element));
        }
        models.push_back(rounded_model("IVF24,SQ8", metric, true));
    }
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product, MetricKind::cosine}) {
        for (const Element element : {Element::float32, Element::float16, Element::int8, Element::uint8}) {
            models.push_back(growing_lists("IVF24,SQ4,RFlat", metric, element));
        }
        models.push_back(growing_lists("IVF24_HNSW8,SQ4,RFlat", metric, Element::bfloat16));
        models.push_back(growing_lists("IVF24,PQ1,RFlat", metric, Element::float32));
    }
    models.push_back(growing_lists("IVF24_HNSW8,PQ1,RFlat", MetricKind::cosine, Element::uint8));
    models.push_back(growing_lists("IVF24,Flat", MetricKind::hamming, Element::bits));
    models.push_back(growing_lists("IVF24_HNSW8,Flat", MetricKind::l2, Element::float32));
    models.push_back(rounded_model("IVF24_HNSW8,SQ8", MetricKind::cosine, true));
    models.push_back(began_with_rows(typed_model<Chebyshev>("IVF24,Flat", Element::float32), Chebyshev{}));
    for (const MetricKind metric : vector_metrics) {
        for (const char* spec : {"SQ8", "HNSW16,SQ8", "IVF24,SQ8", "IVF24,HNSW16,SQ8"}) {
            models.push_back(rounded_model(spec, metric));
        }
        models.push_back(rounded_model("HNSW16,SQ8", metric, true));
    }
    models.push_back(rounded_model("IVF24_HNSW8,SQ8", MetricKind::l2));
    models.push_back(rounded_model("IVF24_HNSW8,HNSW16,SQ8", MetricKind::l2));
    for (const MetricKind metric : vector_metrics) {
        for (const char* spec : {"SQ8,RFlat", "HNSW16,SQ8,RFlat", "IVF24,SQ8,RFlat"}) {
            models.push_back(any_model(spec, metric, Element::float32));
            models.push_back(any_model(spec, metric, Element::float16));
        }
    }
    models.push_back(any_model("IVF24_HNSW8,SQ8,RFlat", MetricKind::l2, Element::bfloat16));
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product, MetricKind::cosine}) {
        for (const Element element : {Element::float32, Element::bfloat16, Element::int8, Element::uint8}) {
            models.push_back(any_model("IVF24_SOAR,Flat", metric, element));
            models.push_back(any_model("IVF24_SOAR,RaBitQ,RFlat", metric, element));
        }
        models.push_back(rounded_model("IVF24_SOAR,SQ8", metric));
        models.push_back(any_model("IVF24_HNSW8_SOAR,PQ1,RFlat", metric, Element::float32));
        models.push_back(any_model("IVF24_SOAR,SQ8,RFlat", metric, Element::float16));
        models.push_back(any_model("PCA12,IVF24_SOAR,PQ1x4fs,RFlat", metric, Element::float32));
    }
    models.push_back(typed_model<L2>("IVF24_SOAR,Flat", Element::float32));
    models.push_back(typed_model<Cosine>("IVF24_HNSW8_SOAR,Flat", Element::uint8));
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product, MetricKind::cosine}) {
        for (const Element element : {Element::float32, Element::float16, Element::int8, Element::uint8}) {
            models.push_back(any_model("RaBitQ,RFlat", metric, element));
            models.push_back(any_model("IVF24,RaBitQ,RFlat", metric, element));
            models.push_back(any_model("IVF24,RaBitQ4,RFlat", metric, element));
        }
        for (const Element element : {Element::float32, Element::float16, Element::uint8}) {
            models.push_back(any_model("HNSW16,RaBitQ,RFlat", metric, element));
        }
        models.push_back(any_model("PQ1x4fs,RFlat", metric, Element::float32));
        models.push_back(any_model("IVF24_HNSW8,PQ1x4fs,RFlat", metric, Element::float32));
        for (const Element element : {Element::float32, Element::uint8}) {
            models.push_back(any_model("PQ1,RFlat", metric, element));
            models.push_back(any_model("IVF24,PQ1,RFlat", metric, element));
        }
        models.push_back(any_model("IVF24_HNSW8,PQ1,RFlat", metric, Element::float16));
        models.push_back(any_model("SQ4,RFlat", metric, Element::float32));
        for (const Element element : {Element::float32, Element::float16, Element::int8, Element::uint8}) {
            models.push_back(any_model("IVF24,SQ4,RFlat", metric, element));
        }
        models.push_back(any_model("IVF24_HNSW8,SQ4,RFlat", metric, Element::bfloat16));
        models.push_back(any_model("HNSW16,SQ4,RFlat", metric, Element::float32));
        models.push_back(any_model("RaBitQ2,RFlat", metric, Element::float32));
        models.push_back(any_model("IVF24_HNSW8,RaBitQ8,RFlat", metric, Element::float32));
        for (const char* spec : {"RR,Flat", "PCA12,Flat", "PCA12,HNSW16", "RR12,IVF24,Flat", "PCA12,IVF24,HNSW16"}) {
            models.push_back(mapped_model(spec, metric));
        }
        for (const Element element : {Element::float32, Element::float16, Element::uint8}) {
            models.push_back(any_model("PCA12,IVF24,RaBitQ,RFlat", metric, element));
        }
        models.push_back(any_model("RR12,RaBitQ,RFlat", metric, Element::float32));
        for (const Element element : {Element::float32, Element::float16, Element::uint8}) {
            models.push_back(any_model("PCAR12,HNSW16,SQ8,RFlat", metric, element));
        }
        models.push_back(any_model("OPQ1,HNSW16,PQ1,RFlat", metric, Element::float32));
        models.push_back(any_model("OPQ1,IVF24_HNSW8,PQ1x4fs,RFlat", metric, Element::float32));
    }
    return models;
}

std::vector<Model> some_models() {
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
            any_model("IVF24,Flat", MetricKind::l2, Element::float32),
            any_model("IVF24,Flat", MetricKind::inner_product, Element::uint8),
            any_model("IVF24,Flat", MetricKind::cosine, Element::float16),
            any_model("IVF24_HNSW8,Flat", MetricKind::l2, Element::float32),
            any_model("IVF24,HNSW16", MetricKind::l2, Element::float32),
            any_model("IVF24,HNSW16", MetricKind::inner_product, Element::uint8),
            any_model("IVF2,HNSW4", MetricKind::l2, Element::float32),  // is walked
            any_model("IVF24_HNSW8,HNSW16", MetricKind::cosine, Element::float16),
            typed_model<Chebyshev>("IVF24,HNSW16", Element::float32),
            any_model("IVF150,Flat", MetricKind::l2, Element::float32),  // has rough centroids
            any_model("IVF150,Flat", MetricKind::inner_product, Element::float16),
            any_model("IVF24_SOAR,Flat", MetricKind::l2, Element::float32),
            any_model("IVF24_HNSW8_SOAR,Flat", MetricKind::inner_product, Element::uint8),
            any_model("IVF24_SOAR,RaBitQ,RFlat", MetricKind::cosine, Element::float32),
            any_model("IVF24_SOAR,PQ1,RFlat", MetricKind::l2, Element::float16),
            rounded_model("IVF24_SOAR,SQ8", MetricKind::cosine),
            any_model("HNSW16,SQ8,RFlat", MetricKind::l2, Element::float32),
            any_model("HNSW16,SQ8,RFlat", MetricKind::inner_product, Element::float16),
            any_model("IVF24,SQ8,RFlat", MetricKind::cosine, Element::float32),
            any_model("HNSW16,RaBitQ,RFlat", MetricKind::l2, Element::float32),
            any_model("HNSW16,RaBitQ,RFlat", MetricKind::cosine, Element::float16),
            any_model("RaBitQ,RFlat", MetricKind::l2, Element::float32),
            any_model("IVF24,RaBitQ,RFlat", MetricKind::cosine, Element::uint8),
            any_model("PQ1,RFlat", MetricKind::inner_product, Element::float32),
            any_model("IVF24,PQ1,RFlat", MetricKind::l2, Element::float32),
            any_model("IVF24,SQ4,RFlat", MetricKind::inner_product, Element::uint8),
            any_model("HNSW16,SQ4,RFlat", MetricKind::l2, Element::float32),
            any_model("IVF24_HNSW8,RaBitQ,RFlat", MetricKind::inner_product, Element::float32),
            any_model("RaBitQ3,RFlat", MetricKind::inner_product, Element::int8),
            any_model("IVF24,RaBitQ4,RFlat", MetricKind::l2, Element::float32),
            typed_model<Chebyshev>("IVF24,Flat", Element::float32),
            growing_model("HNSW16", MetricKind::l2, Element::float32),
            growing_model("HNSW16", MetricKind::inner_product, Element::float32),
            growing_model("HNSW16", MetricKind::cosine, Element::float16),
            growing_model("HNSW16", MetricKind::hamming, Element::bits),
            growing_model("HNSW16", Chebyshev{}, Element::float32),
            mapped_model("RR,Flat", MetricKind::l2),
            mapped_model("PCA12,HNSW16", MetricKind::cosine),
            mapped_model("PCA12,IVF24,Flat", MetricKind::inner_product),
            any_model("PCA12,IVF24,RaBitQ,RFlat", MetricKind::cosine, Element::uint8),
            any_model("OPQ1,IVF24_HNSW8,PQ1x4fs,RFlat", MetricKind::l2, Element::float32),
            any_model("PCAR12,HNSW16,SQ8,RFlat", MetricKind::l2, Element::float32),
            any_model("PCAR12,HNSW16,SQ8,RFlat", MetricKind::cosine, Element::uint8),
            rounded_model("SQ8", MetricKind::l2),
            rounded_model("HNSW16,SQ8", MetricKind::inner_product),
            rounded_model("IVF24,SQ8", MetricKind::cosine),
            rounded_model("HNSW16,SQ8", MetricKind::l1, true),
            growing_lists("IVF24,Flat", MetricKind::l2, Element::float32),
            growing_lists("IVF24,Flat", MetricKind::inner_product, Element::uint8),
            growing_lists("IVF24,Flat", MetricKind::cosine, Element::float16),
            growing_lists("IVF150,Flat", MetricKind::l2, Element::float32),
            growing_lists("IVF24_HNSW8,Flat", MetricKind::inner_product, Element::float32),
            growing_lists("IVF24,SQ4,RFlat", MetricKind::inner_product, Element::float32),
            growing_lists("IVF24,PQ1,RFlat", MetricKind::cosine, Element::float16),
            began_with_rows(typed_model<Chebyshev>("IVF24,Flat", Element::float32), Chebyshev{}),
            rounded_model("IVF24,SQ8", MetricKind::l2, true)};
}

}  // namespace tonari::test
