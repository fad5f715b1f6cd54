// The type-erased index: what `Index` points to. One virtual call per query, none inside it.
#pragma once

#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/graph/summary.hpp>
#include <tonari/index/concepts.hpp>
#include <tonari/index/cursor_model.hpp>
#include <tonari/index/index.hpp>
#include <tonari/index/spec.hpp>
#include <tonari/io/section_writer.hpp>
#include <tonari/lists/hot_cache.hpp>
#include <tonari/lists/list_summary.hpp>

namespace tonari {

class TONARI_API IndexModel {
public:
    IndexModel() = default;
    IndexModel(const IndexModel&) = delete;
    IndexModel& operator=(const IndexModel&) = delete;
    virtual ~IndexModel();

    [[nodiscard]] virtual IndexKind kind() const noexcept = 0;
    [[nodiscard]] virtual Dim dim() const noexcept = 0;
    [[nodiscard]] virtual Element element() const noexcept = 0;
    [[nodiscard]] virtual MetricKind metric() const noexcept = 0;
    [[nodiscard]] virtual bool accepts(Element query) const noexcept = 0;
    [[nodiscard]] virtual std::size_t size() const noexcept = 0;  ///< ids held
    /// A filter for this index.
    [[nodiscard]] virtual Result<RowFilter> translate(const Filter& filter) const = 0;
    [[nodiscard]] virtual Spec spec() const = 0;
    [[nodiscard]] virtual std::vector<IndexPart> parts() const = 0;
    /// What the graph is like, if it is one. O(links). Throws bad_alloc.
    [[nodiscard]] virtual std::optional<GraphSummary> graph() const { return std::nullopt; }
    /// How long the lists are, if there are any.
    [[nodiscard]] virtual std::optional<ListSummary> lists() const { return std::nullopt; }
    /// What a cache of lists has done, if the index was opened with one.
    [[nodiscard]] virtual std::optional<HotCacheStats> cache_stats() const { return std::nullopt; }

    /// The answer stands in `scratch.neighbors`. Allocates only where the scratch is too small yet. Throws bad_alloc.
    virtual Result<Outcome> search(RowView query, const SearchOptions& options, SearchScratch& scratch) const = 0;
    virtual Result<Outcome> range_search(RowView query, const RangeOptions& options, SearchScratch& scratch) const = 0;
    /// Whether so many queries are asked together: if not, `search_batch` answers false.
    [[nodiscard]] virtual bool has_batch(std::size_t /*queries*/, const SearchOptions& /*options*/) const noexcept {
        return false;
    }
    /// True if it answered the batch; false if queries are to go one by one.
    virtual Result<bool> search_batch(MatrixView queries, const SearchOptions& options, Answers& out) const = 0;
    /// The query was checked; the cursor looks into this index while it lives. Throws bad_alloc.
    [[nodiscard]] virtual Result<std::unique_ptr<CursorModel>> cursor(RowView query,
                                                                      const CursorOptions& options) const = 0;
    virtual Status save(SectionWriter& writer) const = 0;
};

namespace detail {
template <class C>
CodeSpec spec_of_codec(const C& codec) {
    CodeSpec spec{C::kind, std::nullopt};
    const Element element = codec.element();
    if (element == Element::float16 || element == Element::bfloat16) spec.store_as = element;
    if constexpr (requires { codec.parts(); }) spec.parts = codec.parts();
    if constexpr (requires { codec.bits(); }) spec.bits = codec.bits();
    return spec;
}
template <class I>
Spec spec_of_index(const I& index) {
    if constexpr (requires { index.spec(); }) {
        return index.spec();
    } else if constexpr (requires { index.inner(); }) {
        Spec spec = spec_of_index(index.inner());
        spec.fine = spec_of_codec(index.codec());
        if constexpr (requires { index.map(); }) {
            if (index.map()) spec.transform = index.map()->spec();
        }
        return spec;
    } else {
        Spec spec;
        static_cast<CodeSpec&>(spec) = spec_of_codec(index.codec());
        spec.kind = I::kind;
        if constexpr (requires { index.links(); }) spec.links = index.links();
        if constexpr (requires { index.partition(); }) {
            spec.lists = index.partition().lists();
            if constexpr (requires { index.coarse().links(); }) spec.coarse_links = index.coarse().links();
            if constexpr (requires { index.spill(); }) spec.soar = !index.spill().empty();
        }
        return spec;
    }
}
template <class I>
std::optional<ListSummary> summary_of_lists(const I& index) {
    if constexpr (requires { index.inner(); }) {
        return summary_of_lists(index.inner());
    } else if constexpr (requires { index.places_of(0); }) {
        return summarize_lists(index.partition().lists(), [&](std::size_t list) {
            const auto places = index.places_of(list);
            return places.last - places.first;
        });
    } else if constexpr (requires { index.partition(); }) {  // equal rows of a graph count once
        return summarize_lists(index.partition().lists(), [&](std::size_t list) {
            const auto [first, last] = index.partition().rows_of(list);
            return last - first;
        });
    } else {
        return std::nullopt;
    }
}
template <class I>
void add_parts(const I& index, std::vector<IndexPart>& parts) {
    if constexpr (requires { index.parts(); }) {
        parts = index.parts();
    } else if constexpr (requires { index.inner(); }) {
        add_parts(index.inner(), parts);
        parts.push_back({"fine rows", index.fine_rows().codes().size()});
        if constexpr (requires { index.map(); }) {
            if (index.map()) parts.push_back({"transform", index.map()->bytes()});
        }
    } else {
        parts.push_back({"rows", index.rows().codes().size()});
        parts.push_back({"ids", index.ids().bytes()});
        if constexpr (requires { index.codec().bytes(); }) {
            if (index.codec().bytes() > 0) parts.push_back({"codec", index.codec().bytes()});
        }
        if constexpr (requires { index.layers(); }) parts.push_back({"links", index.layers().bytes()});
        if constexpr (requires { index.partition(); }) {
            std::size_t lists = index.partition().bytes();
            if constexpr (requires { index.length_bytes(); }) lists += index.length_bytes();
            if constexpr (requires { index.spill(); }) lists += index.spill().bytes();
            parts.push_back({"lists", lists});
            parts.push_back({"coarse", index.coarse_lists().bytes()});
        }
    }
}
}  // namespace detail

/// Any index, behind the interface.
template <SearchIndex I>
class IndexModelOf final : public IndexModel {
public:
    explicit IndexModelOf(I index) noexcept : index_(std::move(index)) {}
    [[nodiscard]] const I& index() const noexcept { return index_; }

    [[nodiscard]] IndexKind kind() const noexcept override { return I::kind; }
    [[nodiscard]] Dim dim() const noexcept override { return index_.dim(); }
    [[nodiscard]] Element element() const noexcept override { return index_.codec().element(); }
    [[nodiscard]] MetricKind metric() const noexcept override { return index_.codec().metric_kind(); }
    [[nodiscard]] bool accepts(Element query) const noexcept override { return index_.codec().accepts(query); }
    [[nodiscard]] std::size_t size() const noexcept override { return index_.size(); }
    [[nodiscard]] Result<RowFilter> translate(const Filter& filter) const override {
        return index_.ids().translate(filter);
    }
    [[nodiscard]] Spec spec() const override { return detail::spec_of_index(index_); }
    [[nodiscard]] std::vector<IndexPart> parts() const override {
        std::vector<IndexPart> parts;
        detail::add_parts(index_, parts);
        return parts;
    }
    [[nodiscard]] std::optional<GraphSummary> graph() const override {
        if constexpr (requires { summarize(index_.layers()); }) {
            return with_rows(summarize(index_.layers()));
        } else if constexpr (requires { summarize(index_.inner().layers()); }) {
            return with_rows(summarize(index_.inner().layers()));
        }
        return std::nullopt;
    }
    [[nodiscard]] std::optional<ListSummary> lists() const override { return detail::summary_of_lists(index_); }
    [[nodiscard]] std::optional<HotCacheStats> cache_stats() const override {
        if constexpr (requires { index_.cache(); }) {
            if (index_.cache() != nullptr) return index_.cache()->stats();
        }
        return std::nullopt;
    }

    Result<Outcome> search(RowView query, const SearchOptions& options, SearchScratch& scratch) const override {
        if (Status s = index_.reserve(options, scratch); !s) return s;
        return index_.search(query, options, scratch);
    }
    Result<Outcome> range_search(RowView query, const RangeOptions& options, SearchScratch& scratch) const override {
        if (Status s = index_.reserve(options, scratch); !s) return s;
        return index_.range_search(query, options, scratch);
    }
    [[nodiscard]] bool has_batch(std::size_t queries, const SearchOptions& options) const noexcept override {
        if constexpr (BatchIndex<I>) {
            return index_.has_batch(queries, options);
        } else {
            return false;
        }
    }
    Result<bool> search_batch(MatrixView queries, const SearchOptions& options, Answers& out) const override {
        if constexpr (BatchIndex<I>) {
            return index_.search_batch(queries, options, out);
        } else {
            return false;
        }
    }
    [[nodiscard]] Result<std::unique_ptr<CursorModel>> cursor(RowView query,
                                                              const CursorOptions& options) const override {
        if constexpr (requires { index_.cursor(query, options); }) {
            return index_.cursor(query, options);
        } else {
            return Error{ErrorCode::unsupported, "expected an index with cursors, got one that has none"};
        }
    }
    Status save(SectionWriter& writer) const override { return index_.save(writer); }

private:
    GraphSummary with_rows(GraphSummary summary) const {
        summary.rows = size();
        return summary;
    }

    I index_;
};

template <SearchIndex I>
Index make_index(I index) {
    return Index(std::make_shared<const IndexModelOf<I>>(std::move(index)));
}

}  // namespace tonari
